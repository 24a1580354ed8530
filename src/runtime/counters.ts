// Counters
//
// Named totals (bytes, keys, accounts) that are exact without asking anybody: their committed value is written in the
// same transaction as what they count, and mirrored in memory that every thread sees.
//
//   committed  what is durable
//   used       committed + everything reserved and not yet committed, in every thread: what a capacity is checked against
//   reserved   per source (a worker's life): its part of used - committed, so that it can be given back when it dies
//
// Owns:     the three numbers of each counter.
// Does not: write them to the store (journal.ts).
//
// C1. committed changes only after the commit that holds the change is durable.
// C2. used <= max for every successful reserve(…, max), whatever other threads do at the same time.
// C3. A reservation ends in exactly one of commit() and release().
// C4. Room that a delete makes is usable only after the delete is durable.

import { invariant } from '../invariant.js';

export const COUNTERS_MAX = 64;

/** The shared cells of all counters, and their names. */
export class Counters {
  readonly names: readonly string[];
  readonly memory: SharedArrayBuffer;
  readonly #committed: BigInt64Array;
  readonly #used: BigInt64Array;
  readonly #indexes: ReadonlyMap<string, number>;

  constructor(names: readonly string[], memory?: SharedArrayBuffer) {
    invariant(names.length <= COUNTERS_MAX, `at most ${COUNTERS_MAX} counters can be declared`);
    this.names = names;
    this.#indexes = new Map(names.map((name, index) => [name, index]));
    this.memory = memory ?? new SharedArrayBuffer(names.length * 2 * BigInt64Array.BYTES_PER_ELEMENT);
    this.#committed = new BigInt64Array(this.memory, 0, names.length);
    this.#used = new BigInt64Array(this.memory, names.length * BigInt64Array.BYTES_PER_ELEMENT, names.length);
  }

  index(name: string): number {
    const index = this.#indexes.get(name);
    invariant(index !== undefined, () => `the counter ${name} was not declared`);
    return index;
  }

  committed(index: number): number {
    return Number(Atomics.load(this.#committed, index));
  }

  used(index: number): number {
    return Number(Atomics.load(this.#used, index));
  }

  /** At start, from the store. */
  load(index: number, value: number): void {
    Atomics.store(this.#committed, index, BigInt(value));
    Atomics.store(this.#used, index, BigInt(value));
  }

  /** After the commit is durable (C1). */
  addCommitted(index: number, delta: number): void {
    Atomics.add(this.#committed, index, BigInt(delta));
  }

  addUsed(index: number, delta: number): number {
    const by = BigInt(delta);
    return Number(Atomics.add(this.#used, index, by) + by);
  }
}

/** The reservations of one source. */
export class Reservations {
  readonly memory: SharedArrayBuffer;
  readonly #counters: Counters;
  readonly #reserved: BigInt64Array;

  constructor(counters: Counters, memory?: SharedArrayBuffer) {
    this.#counters = counters;
    this.memory = memory ?? new SharedArrayBuffer(counters.names.length * BigInt64Array.BYTES_PER_ELEMENT);
    this.#reserved = new BigInt64Array(this.memory);
  }

  /** True when `delta` more (at least 0) fits under `max`; it is then held until settle() or release() (C2, C3). */
  reserve(index: number, delta: number, max: number): boolean {
    if (this.#counters.addUsed(index, delta) > max) {
      this.#counters.addUsed(index, -delta);
      return false;
    }
    Atomics.add(this.#reserved, index, BigInt(delta));
    return true;
  }

  /** What was reserved is committed now: it stays in `used`. */
  settle(index: number, delta: number): void {
    Atomics.sub(this.#reserved, index, BigInt(delta));
  }

  /** What was reserved will not be committed. */
  release(index: number, delta: number): void {
    Atomics.sub(this.#reserved, index, BigInt(delta));
    this.#counters.addUsed(index, -delta);
  }

  /** The source is gone: whatever it still held is given back. */
  releaseAll(): void {
    for (let index = 0; index < this.#reserved.length; index++) {
      const held = Number(Atomics.exchange(this.#reserved, index, 0n));
      if (held !== 0) this.#counters.addUsed(index, -held);
    }
  }
}
