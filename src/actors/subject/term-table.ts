// Term table
//
// The terms of one subject, as numbers from 0 on in the order in which they were first met. A term is kept as 64 bits of
// hash and not as text: 30 bytes instead of 100. Two terms of one hash would count as one; among a million terms the
// chance of any is 1 in 30 million.
//
// Owns:     numbers, how many texts hold each term, and what sort of word it is.
// Does not: know which texts (subject-index.ts).
//
// TT1. At most NUMBERS_MAX terms; what is new past it has no number and is not compared.

import { Column, int32, uint8, uint32 } from './columns.js';

/** 24 bits of an entry are the term's number. */
export const NUMBERS_MAX = 2 ** 24 - 1;
const SLOTS_LEAST = 64;
const FULLEST = 0.6;

export class TermTable {
  #slots = new Int32Array(SLOTS_LEAST);
  readonly #high = new Column(uint32);
  readonly #low = new Column(uint32);
  readonly #holders = new Column(uint32);
  readonly #sorts = new Column(uint8);
  /** For whoever adds a text: where it last put an entry of this term. */
  readonly lastEntry = new Column(int32);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    const columns = [this.#high, this.#low, this.#holders, this.#sorts, this.lastEntry];
    return this.#slots.byteLength + columns.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The number of a term that was met, else -1. */
  find(term: string): number {
    const [high, low] = hash(term);
    return this.#slots[this.#slotOf(high, low)]! - 1;
  }

  /** The number of a term; -1 past TT1. `sortOf` is asked once for each new term. */
  add(term: string, sortOf: (term: string) => number): number {
    const [high, low] = hash(term);
    const slot = this.#slotOf(high, low);
    const known = this.#slots[slot]!;
    if (known !== 0) return known - 1;
    if (this.#count === NUMBERS_MAX) return -1;
    const number = this.#count++;
    for (const column of [this.#high, this.#low, this.#holders]) column.reserve(this.#count);
    this.#sorts.reserve(this.#count);
    this.lastEntry.reserve(this.#count);
    this.#high.values[number] = high;
    this.#low.values[number] = low;
    this.#sorts.values[number] = sortOf(term);
    this.lastEntry.values[number] = -1;
    this.#slots[slot] = this.#count;
    if (this.#count > this.#slots.length * FULLEST) this.#widen();
    return number;
  }

  /** In how many texts the term is. */
  holders(number: number): number {
    return this.#holders.values[number]!;
  }

  changeHolders(number: number, by: 1 | -1): void {
    this.#holders.values[number] = this.#holders.values[number]! + by;
  }

  sort(number: number): number {
    return this.#sorts.values[number]!;
  }

  /** The slot that holds the term, or the empty one where it would be. */
  #slotOf(high: number, low: number): number {
    const mask = this.#slots.length - 1;
    let slot = low & mask;
    for (;;) {
      const held = this.#slots[slot]! - 1;
      if (held < 0 || (this.#low.values[held] === low && this.#high.values[held] === high)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #widen(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let number = 0; number < this.#count; number++) {
      this.#slots[this.#slotOf(this.#high.values[number]!, this.#low.values[number]!)] = number + 1;
    }
  }
}

/** Two rounds of multiply and rotate with different constants (cyrb53, github.com/bryc/code). */
function hash(term: string): readonly [number, number] {
  let first = 0xdeadbeef;
  let second = 0x41c6ce57;
  for (let at = 0; at < term.length; at++) {
    const unit = term.charCodeAt(at);
    first = Math.imul(first ^ unit, 2654435761);
    second = Math.imul(second ^ unit, 1597334677);
  }
  first = Math.imul(first ^ (first >>> 16), 2246822507) ^ Math.imul(second ^ (second >>> 13), 3266489909);
  second = Math.imul(second ^ (second >>> 16), 2246822507) ^ Math.imul(first ^ (first >>> 13), 3266489909);
  return [second >>> 0, first >>> 0];
}
