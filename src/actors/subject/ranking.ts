// Ranking
//
// All items of a subject in the order in which they deserve a place in a context, each with the signals that it is there
// for. A score is the sum of its signals.
//
// Does not: choose how many fit (context-assembly.ts).
//
// RA1. The same items, task and time give the same scores and the same order, whatever order the items arrived in.
// RA2. A memory that has ended by `nowMs` is not among them.

import type { ItemOrder } from './item-order.js';
import { type Relevance, relevanceOf } from './relevance.js';
import { CHATTER, type ItemKind, type SubjectIndex } from './subject-index.js';
import { nearness } from './task-dates.js';
import { readTask, type TaskReading } from './task-reading.js';
import { utteranceItemId } from './utterances.js';
import { WEIGHTS, type Weights } from './weights.js';
import { PRESSES, SAYS_DONE, SAYS_WHEN } from './word-sorts.js';

export type ResolutionStatus = 'open' | 'resolved' | 'unresolved';

export interface RankingQuestion {
  readonly task: string;
  readonly nowMs: number;
  readonly sessionId: string | null;
  /** Null: by words alone. One of other dimensions than the index's vectors is as none. */
  readonly queryVector: Float32Array | Int8Array | null;
  /** By vectors alone, as far as there are any. */
  readonly vectorsOnly?: boolean;
  /** All when absent. */
  readonly kinds?: ReadonlySet<ItemKind>;
  /** All when absent. */
  readonly limit?: number;
  readonly resolutions: ReadonlyMap<string, ResolutionStatus>;
  /** The product's own when absent: an ablation has others. */
  readonly weights?: Weights;
}

export const SIGNALS = [
  'relevance',
  'session',
  'date',
  'time_words',
  'substance',
  'kind',
  'recency',
  'validity',
  'current_session',
  'resolved_session',
  'open_issue',
  'action_step',
  'urgency',
  'chatter',
  'repeat_issue',
] as const;
export type Signal = (typeof SIGNALS)[number];

const DAY_MS = 86_400_000;
/** A session is about the same issue when its best turns are this near to those of the session that is nearest. */
const SAME_ISSUE = 0.6;
const CURRENT = 1;
const RESOLVED = 2;
const OPEN = 4;
/** The score of what is no candidate. */
const OUT = Number.NEGATIVE_INFINITY;

export interface Ranking {
  readonly index: SubjectIndex;
  /** Best first. */
  readonly items: readonly RankedItem[];
}

/** One candidate. Its signals are added up anew when they are asked for, and are the ones that its score came from. */
export class RankedItem {
  readonly score: number;
  /** In the index, until it changes. */
  readonly item: number;
  readonly #scorer: Scorer;
  /** In the order of items: session by session, by time. */
  readonly position: number;

  constructor(scorer: Scorer, position: number, score: number) {
    this.#scorer = scorer;
    this.position = position;
    this.item = scorer.itemAt(position);
    this.score = score;
  }

  get kind(): ItemKind {
    return this.#scorer.index.kind(this.item);
  }

  /** Of an utterance. */
  get episodeId(): string | null {
    return this.#scorer.index.episode(this.item)?.id ?? null;
  }

  get memoryId(): string | null {
    return this.#scorer.index.memory(this.item)?.id ?? null;
  }

  /** As `setVector` knows it. */
  get itemId(): string {
    const { index } = this.#scorer;
    const episode = index.episode(this.item);
    return episode === undefined ? index.memory(this.item)!.id : utteranceItemId(episode.id, index.place(this.item));
  }

  get sessionId(): string | null {
    return sessionOf(this.#scorer.index, this.item);
  }

  /** They sum up to the score. */
  get signals(): Readonly<Record<Signal, number>> {
    const values = this.#scorer.signalsAt(this.position);
    return Object.fromEntries(SIGNALS.map((signal, place) => [signal, values[place]!])) as Record<Signal, number>;
  }

  /** What relevance is made of: by words, 0 to 1, and the cosine, null without vectors. */
  get parts(): { readonly lexical: number; readonly cosine: number | null } {
    return this.#scorer.partsAt(this.position);
  }
}

/** Costs what relevance costs, and 0.2 µs an item. */
export function rankSubject(index: SubjectIndex, question: RankingQuestion): Ranking {
  const scorer = new Scorer(index, question);
  const { kinds, limit = Number.POSITIVE_INFINITY, nowMs } = question;
  const { items, count } = index.order;
  const scores = new Float64Array(count);
  let candidates = 0;
  for (let position = 0; position < count; position++) {
    const item = items[position]!;
    const validTo = index.memory(item)?.validTo ?? null;
    const isOut = (validTo !== null && validTo <= nowMs) || (kinds !== undefined && !kinds.has(index.kind(item)));
    scores[position] = isOut ? OUT : scorer.scoreAt(position);
    if (!isOut) candidates++;
  }
  const least = candidates > limit ? scores.toSorted()[count - limit]! : -Number.MAX_VALUE;
  const ranked: RankedItem[] = [];
  for (let position = 0; position < count; position++) {
    if (scores[position]! >= least) ranked.push(new RankedItem(scorer, position, scores[position]!));
  }
  // Sorting is stable, and what it begins with is in the order of ids and times.
  ranked.sort((a, b) => b.score - a.score || index.at(b.item) - index.at(a.item));
  return { index, items: ranked.length > limit ? ranked.slice(0, limit) : ranked };
}

/** How many of the best a context of so many tokens can have a use for: a line is rarely less than eight. */
export function candidatesFor(maxTokens: number): number {
  return 256 + Math.ceil(maxTokens / 8);
}

/** The session of an utterance, or of the first known episode that a memory comes from. */
export function sessionOf(index: SubjectIndex, item: number): string | null {
  const memory = index.memory(item);
  if (memory === undefined) return index.episode(item)?.sessionId ?? null;
  for (const source of memory.sourceEpisodeIds) {
    const episode = index.episodeById(source);
    if (episode !== undefined) return episode.sessionId;
  }
  return null;
}

/** `weight` when the bit is set. */
function has(bit: number, bits: number, weight: number): number {
  return (bits & bit) !== 0 ? weight : 0;
}

class Scorer {
  readonly index: SubjectIndex;
  readonly #order: ItemOrder;
  readonly #question: RankingQuestion;
  readonly #weights: Weights;
  readonly #reading: TaskReading;
  readonly #relevance: Relevance;
  /** The mean of the best turns, and what is known of the session, by group. */
  readonly #groupBest: Float64Array;
  readonly #groupStatus: Uint8Array;
  readonly #repeatFrom: number;
  readonly #values = new Float64Array(SIGNALS.length);

  constructor(index: SubjectIndex, question: RankingQuestion) {
    this.index = index;
    this.#order = index.order;
    this.#question = question;
    this.#weights = question.weights ?? WEIGHTS;
    this.#reading = readTask(question.task, index, question.nowMs, this.#weights);
    this.#relevance = relevanceOf(index, {
      reading: this.#reading,
      queryVector: question.queryVector,
      vectorsOnly: question.vectorsOnly === true,
      weights: this.#weights,
    });
    const { groups, count } = this.#order;
    const groupCount = count === 0 ? 0 : groups[count - 1]! + 1;
    this.#groupBest = new Float64Array(groupCount);
    this.#groupStatus = new Uint8Array(groupCount);
    this.#readGroups();
    this.#repeatFrom = this.#groupBest.reduce((most, best) => Math.max(most, best), 0) * SAME_ISSUE;
  }

  itemAt(position: number): number {
    return this.#order.items[position]!;
  }

  scoreAt(position: number): number {
    let sum = 0;
    const values = this.signalsAt(position);
    for (let place = 0; place < values.length; place++) sum += values[place]!;
    return sum;
  }

  partsAt(position: number): { readonly lexical: number; readonly cosine: number | null } {
    const cosine = this.#relevance.cosines?.[position] ?? Number.NaN;
    return { lexical: this.#relevance.lexical[position]!, cosine: Number.isNaN(cosine) ? null : cosine };
  }

  /** In the order of SIGNALS; valid until the next call. */
  signalsAt(position: number): Float64Array {
    const { index } = this;
    const weights = this.#weights;
    const values = this.#values;
    const item = this.itemAt(position);
    const group = this.#order.groups[position]!;
    const marks = index.marks(item);
    const at = index.at(item);
    const memory = index.memory(item);
    const status = this.#groupStatus[group]!;
    const best = this.#groupBest[group]!;
    const { nowMs } = this.#question;
    let near = 0;
    for (const time of this.#reading.times) near = Math.max(near, nearness(time, at, weights));
    values[0] = this.#relevance.values[position]!;
    values[1] = weights.session * best;
    values[2] = weights.date * near;
    values[3] = this.#reading.asksWhen ? has(SAYS_WHEN, marks, weights.timeWord) : 0;
    values[4] = weights.substance * Math.log2((1 + index.length(item)) / (1 + index.meanLength));
    values[5] = weights.kind[memory?.kind ?? 'episode'];
    values[6] = weights.recency * Math.exp(-Math.max(0, nowMs - at) / (weights.recencyDays * DAY_MS));
    values[7] = memory !== undefined && memory.validFrom > nowMs ? weights.notYetValid : 0;
    values[8] = has(CURRENT, status, weights.currentSession);
    values[9] = has(RESOLVED, status, weights.resolvedSession);
    values[10] = has(OPEN, status, weights.openIssue);
    values[11] = has(SAYS_DONE, marks, weights.actionStep);
    values[12] = has(PRESSES, marks, weights.urgency);
    values[13] = memory === undefined ? has(CHATTER, marks, weights.chatter) : 0;
    const repeats =
      (status & (RESOLVED | OPEN)) !== 0 && (status & CURRENT) === 0 && best > 0 && best >= this.#repeatFrom;
    values[14] = repeats ? weights.repeatIssue : 0;
    return values;
  }

  #readGroups(): void {
    const { groups, items, count } = this.#order;
    const { values } = this.#relevance;
    for (let from = 0, to = 0; from < count; from = to) {
      let [first, second, third] = [0, 0, 0];
      for (to = from; to < count && groups[to] === groups[from]; to++) {
        const value = values[to]!;
        if (value > first) [first, second, third] = [value, first, second];
        else if (value > second) [second, third] = [value, second];
        else if (value > third) third = value;
      }
      const group = groups[from]!;
      this.#groupBest[group] = (first + second + third) / 3;
      this.#groupStatus[group] = this.#statusOf(items[from]!);
    }
  }

  #statusOf(item: number): number {
    const { sessionId: current, resolutions } = this.#question;
    if (current === null && resolutions.size === 0) return 0;
    const sessionId = sessionOf(this.index, item);
    if (sessionId === null) return 0;
    const resolution = resolutions.get(sessionId);
    const bits = sessionId === current ? CURRENT : 0;
    if (resolution === undefined) return bits;
    return bits | (resolution === 'resolved' ? RESOLVED : OPEN);
  }
}
