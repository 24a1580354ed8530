// Relevance
//
// How near each item is to a task, by position in the order of items. Words: BM25 over concepts, where an item also holds
// what its neighbours hold, at a discount, since an answer repeats little of its question. Vectors: cosine. Both, where
// there are both, as standard scores, since the two have nothing else in common.
//
// BM25 is that of Robertson and Zaragoza (2009), "The Probabilistic Relevance Framework: BM25 and Beyond", section 3.

import type { ItemOrder } from './item-order.js';
import type { SubjectIndex } from './subject-index.js';
import { ASKS } from './subject-index.js';
import type { Concept, TaskReading } from './task-reading.js';
import type { Weights } from './weights.js';

export interface Relevance {
  /** 0 to 1, the best of all is 1; all 0 when nothing of the task is anywhere. By position. */
  readonly values: Float64Array;
  /** What they are made of, each 0 to 1 and -1 to 1; vectors are null when there was no vector to compare. */
  readonly lexical: Float64Array;
  readonly cosines: Float64Array | null;
}

export interface RelevanceQuestion {
  readonly reading: TaskReading;
  readonly queryVector: Float32Array | Int8Array | null;
  /** Vectors alone, when there are any. */
  readonly vectorsOnly: boolean;
  readonly weights: Weights;
}

/** O(items × (entries of each + dimensions)): 1 ms for 6,000 items, and 2 more with vectors. */
export function relevanceOf(index: SubjectIndex, question: RelevanceQuestion): Relevance {
  const { reading, queryVector, vectorsOnly, weights } = question;
  const order = index.order;
  const lexical = lexicalScores(index, order, reading, weights);
  scaleToGreatest(lexical);
  const query = queryVector === null || index.vectors.count === 0 ? null : index.vectors.queryOf(queryVector);
  if (query === null) {
    return { values: lexical, lexical, cosines: null };
  }
  const cosines = index.vectors.cosines(order.items, query);
  const values = standardized(neighbourly(index, order, cosines, reading, weights));
  if (!vectorsOnly) {
    const words = standardized(lexical);
    for (let at = 0; at < values.length; at++) {
      values[at] = (1 - weights.vector) * words[at]! + weights.vector * values[at]!;
    }
  }
  scaleToRange(values);
  return { values, lexical, cosines };
}

/** Where each concept was found: positions, and whether it was the term itself, and how often. */
interface Hits {
  readonly positions: number[];
  readonly times: number[];
}

function lexicalScores(index: SubjectIndex, order: ItemOrder, reading: TaskReading, weights: Weights): Float64Array {
  const scores = new Float64Array(order.count);
  const found = findConcepts(index, order, reading.concepts, weights);
  const scorer = new ConceptScorer(index, order, weights);
  for (const [number, concept] of reading.concepts.entries()) scorer.add(concept, found[number]!, scores);
  const [named] = reading.namedSpeakers;
  if (named !== undefined && reading.namedSpeakers.size === 1) {
    for (let at = 0; at < scores.length; at++) {
      if (index.speakerNumber(order.items[at]!) === named) scores[at] = scores[at]! * (1 + weights.namedSpeaker);
    }
  }
  return scores;
}

function findConcepts(
  index: SubjectIndex,
  order: ItemOrder,
  concepts: readonly Concept[],
  weights: Weights,
): readonly Hits[] {
  const found = concepts.map((): Hits => ({ positions: [], times: [] }));
  // A term's mark is twice its concept, and one more when it only stands in; 0 is none. 64 concepts fit a byte.
  const marks = new Uint8Array(index.terms.count);
  for (const [number, { standIns }] of concepts.entries()) for (const term of standIns) marks[term] = number * 2 + 3;
  for (const [number, { term }] of concepts.entries()) if (term >= 0) marks[term] = number * 2 + 2;
  index.scan(marks, (item, term, times) => {
    const mark = marks[term]!;
    const { positions, times: counts } = found[(mark >>> 1) - 1]!;
    positions.push(order.positions[item]!);
    counts.push((mark & 1) === 1 ? weights.standIn : times);
  });
  return found;
}

/** Adds what one concept after the other is worth, with one set of scratch rows. */
class ConceptScorer {
  readonly #index: SubjectIndex;
  readonly #order: ItemOrder;
  readonly #weights: Weights;
  readonly #meanLength: number;
  readonly #times: Float64Array;
  /** The concept with which a position was last scored, and last counted: instead of clearing the rows. */
  readonly #seen: Uint32Array;
  readonly #counted: Uint32Array;
  #round = 0;

  constructor(index: SubjectIndex, order: ItemOrder, weights: Weights) {
    this.#index = index;
    this.#order = order;
    this.#weights = weights;
    this.#meanLength = index.meanLength;
    this.#times = new Float64Array(order.count);
    this.#seen = new Uint32Array(order.count);
    this.#counted = new Uint32Array(order.count);
  }

  add(concept: Concept, { positions, times }: Hits, scores: Float64Array): void {
    if (positions.length === 0) return;
    this.#round++;
    for (let hit = 0; hit < positions.length; hit++) {
      const at = positions[hit]!;
      this.#times[at] = Math.max(this.#times[at]!, times[hit]!);
    }
    const worth = concept.weight * this.#rarity(concept, positions);
    const { groups, count } = this.#order;
    for (const at of positions) {
      const from = Math.max(0, at - 1);
      const to = Math.min(count - 1, at + 3);
      for (let near = from; near <= to; near++) {
        if (this.#seen[near] === this.#round || groups[near] !== groups[at]) continue;
        this.#seen[near] = this.#round;
        scores[near] = scores[near]! + worth * this.#saturated(near);
      }
    }
    for (const at of positions) this.#times[at] = 0;
  }

  /** The less items hold the concept, the more. What only stands in makes it a little more common. */
  #rarity({ term }: Concept, positions: readonly number[]): number {
    const own = term < 0 ? 0 : this.#index.terms.holders(term);
    let standing = 0;
    for (const at of positions) {
      if (this.#times[at]! >= 1 || this.#counted[at] === this.#round) continue;
      this.#counted[at] = this.#round;
      standing++;
    }
    const holders = Math.max(1, own + standing * this.#weights.standInCommonness);
    return Math.log(1 + (this.#index.alive - holders + 0.5) / (holders + 0.5)) ** this.#weights.rarityPower;
  }

  #saturated(at: number): number {
    const { saturation, lengthShare } = this.#weights;
    const times = this.#times[at]! + this.#around(at);
    const length = this.#index.length(this.#order.items[at]!) / this.#meanLength;
    return (times * (saturation + 1)) / (times + saturation * (1 - lengthShare + lengthShare * length));
  }

  /** What the neighbours hold of the concept, at most once each. */
  #around(at: number): number {
    const { before, beforeAsking, secondBefore, thirdBefore, next } = this.#weights;
    const first = this.#once(at - 1, at);
    let sum =
      this.#once(at - 2, at) * secondBefore + this.#once(at - 3, at) * thirdBefore + this.#once(at + 1, at) * next;
    if (first > 0) {
      const asks = (this.#index.marks(this.#order.items[at - 1]!) & ASKS) !== 0;
      sum += first * (asks ? beforeAsking : before);
    }
    return sum;
  }

  #once(near: number, at: number): number {
    const { groups } = this.#order;
    return groups[near] === groups[at] ? Math.min(1, this.#times[near]!) : 0;
  }
}

/** Each cosine with a share of the next turn's, and of being said by the one whom the task names. */
function neighbourly(
  index: SubjectIndex,
  order: ItemOrder,
  cosines: Float64Array,
  { namedSpeakers }: TaskReading,
  { vectorNext, vectorSpeaker }: Weights,
): Float64Array {
  const [named] = namedSpeakers;
  const values = Float64Array.from(cosines);
  for (let at = 0; at < values.length; at++) {
    const next = order.groups[at + 1] === order.groups[at] ? cosines[at + 1]! : 0;
    if (next > 0) values[at] = values[at]! + vectorNext * next;
    if (namedSpeakers.size === 1 && index.speakerNumber(order.items[at]!) === named) {
      values[at] = values[at]! + vectorSpeaker;
    }
  }
  return values;
}

/** In standard deviations from the mean of those that are numbers; the others are as the mean. */
function standardized(values: Float64Array): Float64Array {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
  }
  const mean = count === 0 ? 0 : sum / count;
  let squares = 0;
  for (const value of values) if (!Number.isNaN(value)) squares += (value - mean) ** 2;
  const deviation = Math.sqrt(squares / Math.max(1, count)) || 1;
  const scores = new Float64Array(values.length);
  for (let at = 0; at < values.length; at++)
    scores[at] = Number.isNaN(values[at]!) ? 0 : (values[at]! - mean) / deviation;
  return scores;
}

function scaleToGreatest(values: Float64Array): void {
  let greatest = 0;
  for (const value of values) greatest = Math.max(greatest, value);
  if (greatest > 0) for (let at = 0; at < values.length; at++) values[at] = values[at]! / greatest;
}

function scaleToRange(values: Float64Array): void {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  }
  const range = greatest - least || 1;
  for (let at = 0; at < values.length; at++) values[at] = (values[at]! - least) / range;
}
