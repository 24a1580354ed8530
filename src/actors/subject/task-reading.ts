// Task reading
//
// What a task asks for, in terms that an index can answer: concepts (a term and what may stand for it), speakers that it
// names, days that it names, and whether it asks when.
//
// TR1. At most CONCEPTS_MAX concepts, the rarest.

import { readEverydayWords } from './everyday-words.js';
import { FRAME_WORDS } from './stop-words.js';
import type { SubjectIndex } from './subject-index.js';
import { type NamedTime, namedTimes } from './task-dates.js';
import { termsOf } from './terms.js';
import { WEIGHTS, type Weights } from './weights.js';

export const CONCEPTS_MAX = 64;

export interface TaskReading {
  readonly concepts: readonly Concept[];
  /** Into `index.speakers`: those whose name the task holds. */
  readonly namedSpeakers: ReadonlySet<number>;
  readonly times: readonly NamedTime[];
  readonly asksWhen: boolean;
}

export interface Concept {
  readonly weight: number;
  /** Of the task's own term; -1 when no item has it. */
  readonly term: number;
  readonly standIns: readonly number[];
}

const ASKS_WHEN = new RegExp(
  '\\bwhen\\b|\\bhow long\\b|\\bhow many (?:days|weeks|months|years)\\b|\\b(?:what|which) (?:date|day|week|month|year|time)\\b' +
    '|\\b(?:wann|quand|cuándo|cuando|quando)\\b|когда|什么时候|何时|几月|いつ|언제|متى',
  'iu',
);

const frame = new Set(FRAME_WORDS.flatMap(termsOf));
let everyday: ReadonlyMap<string, readonly string[]> | undefined;

function standsFor(term: string): readonly string[] {
  everyday ??= readEverydayWords((word) => termsOf(word)[0]);
  return everyday.get(term) ?? [];
}

export function readTask(task: string, index: SubjectIndex, nowMs: number, weights: Weights = WEIGHTS): TaskReading {
  const asked = [...new Set(termsOf(task))];
  const meant = asked.filter((term) => !frame.has(term));
  const terms = meant.length > 0 ? meant : asked;
  const { speakers, names } = namedIn(terms, index);
  const concepts = terms.map((term) => conceptOf(term, terms, names, index, weights));
  return {
    concepts: rarest(
      concepts.filter(({ term, standIns }) => term >= 0 || standIns.length > 0),
      index,
    ),
    namedSpeakers: speakers,
    times: namedTimes(task, nowMs),
    asksWhen: ASKS_WHEN.test(task),
  };
}

function conceptOf(
  term: string,
  terms: readonly string[],
  names: ReadonlySet<string>,
  index: SubjectIndex,
  weights: Weights,
): Concept {
  const isName = names.has(term);
  const others = isName || weights.standIn === 0 ? [] : standsFor(term).filter((other) => !terms.includes(other));
  return {
    weight: isName ? weights.nameTerm : 1,
    term: index.terms.find(term),
    standIns: others.map((other) => index.terms.find(other)).filter((number) => number >= 0),
  };
}

function namedIn(
  terms: readonly string[],
  index: SubjectIndex,
): { readonly speakers: ReadonlySet<number>; readonly names: ReadonlySet<string> } {
  const speakers = new Set<number>();
  const names = new Set<string>();
  for (const [number, nameTerms] of index.speakerTerms.entries()) {
    if (nameTerms.length === 0 || !nameTerms.every((term) => terms.includes(term))) continue;
    speakers.add(number);
    for (const term of nameTerms) names.add(term);
  }
  return { speakers, names };
}

/** In the order of the task (TR1). */
function rarest(concepts: readonly Concept[], index: SubjectIndex): readonly Concept[] {
  if (concepts.length <= CONCEPTS_MAX) return concepts;
  const holders = (concept: Concept): number => (concept.term < 0 ? index.alive : index.terms.holders(concept.term));
  const kept = new Set(concepts.toSorted((a, b) => holders(a) - holders(b)).slice(0, CONCEPTS_MAX));
  return concepts.filter((concept) => kept.has(concept));
}
