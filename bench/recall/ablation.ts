// Ablation
//
// The weights of ranking, taken on one after the other, and taken away one by one.

import { WEIGHTS, type Weights } from '../../src/actors/subject/weights.js';

export interface AblationStep {
  readonly name: string;
  readonly weights: Weights;
}

/** Numbers at which a part of ranking does nothing. */
const WITHOUT: Readonly<Record<string, Partial<Weights>>> = {
  speakers: { nameTerm: 1, namedSpeaker: 0, vectorSpeaker: 0 },
  'turns around': { before: 0, beforeAsking: 0, secondBefore: 0, thirdBefore: 0, next: 0, vectorNext: 0 },
  'best of the session': { session: 0 },
  dates: { date: 0 },
  'words of time': { timeWord: 0 },
  'everyday words': { standIn: 0 },
  'substance, recency, chatter': { substance: 0, recency: 0, chatter: 0, actionStep: 0, urgency: 0 },
};

/** From BM25 alone to all. */
export function takenOn(): readonly AblationStep[] {
  const parts = Object.keys(WITHOUT);
  return ['BM25 of stems', ...parts].map((name, at) => ({
    name: at === 0 ? name : `+ ${name}`,
    weights: Object.assign({}, WEIGHTS, ...parts.slice(at).map((part) => WITHOUT[part])) as Weights,
  }));
}

/** All but one. */
export function takenAway(): readonly AblationStep[] {
  return Object.entries(WITHOUT).map(([name, zeros]) => ({
    name: `without ${name}`,
    weights: { ...WEIGHTS, ...zeros },
  }));
}
