// Operator state
//
// What an operator holds in memory: whether it exists, and its open challenges, which are few. Its agents are not
// here: they are rows that it only lists.

import type { ActivationContext } from '../../runtime/actor.js';
import type { ChallengeRow } from './verification.js';

/** Outstanding challenges of one operator; asking for one more drops the oldest. */
export const CHALLENGES_MAX = 16;

/** Table `operator`. */
export interface OperatorRow {
  readonly contactHash: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly lookupId: string;
}

export interface OperatorState {
  exists: boolean;
  /** By challenge id, the oldest first. Each is a row of table `challenge`, and each such row is here. */
  readonly challenges: Map<string, ChallengeRow>;
}

/** Challenge ids are UUIDv7, so the order of the keys is the order in which they were made. */
export function activateOperator(context: ActivationContext): OperatorState {
  const challenges = new Map<string, ChallengeRow>();
  const exists = context.store.get(['operator', context.key]) !== undefined;
  if (!exists) return { exists, challenges };
  for (const { key, value } of context.store.range({ under: ['challenge', context.key], limit: CHALLENGES_MAX })) {
    challenges.set(String(key[2]), value as ChallengeRow);
  }
  return { exists, challenges };
}
