// Arrivals
//
// Batches that came from other threads and were not taken in: as many as the links let through at most. A tick takes in
// what it has the time for.
//
// AR1. Batches are taken in the order in which they came, the first of them in every tick.
// AR2. Each is stamped with the time of the last look at the clock: an envelope's wait costs no look of its own.

import type { Clock } from '../clock.js';
import { ADMIT_MS } from './dispatcher.js';
import { Ring } from './ring.js';

/** Stamps count in parts of a millisecond and fit into 32 bits: a wait of up to nine hours is told right. */
const STAMPS_PER_MS = 64;

export function stampOf(monotonicMs: number): number {
  return Math.trunc(monotonicMs * STAMPS_PER_MS) | 0;
}

export function msBetween(earlier: number, later: number): number {
  return Math.max(0, ((later - earlier) | 0) / STAMPS_PER_MS);
}

export class Arrivals {
  readonly #clock: Clock;
  readonly #takeIn: (connection: number, batch: ArrayBuffer, stamp: number) => void;
  readonly #batches = new Ring<{ readonly connection: number; readonly batch: ArrayBuffer }>();

  constructor(clock: Clock, takeIn: (connection: number, batch: ArrayBuffer, stamp: number) => void) {
    this.#clock = clock;
    this.#takeIn = takeIn;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  push(connection: number, batch: ArrayBuffer): void {
    this.#batches.push({ connection, batch });
  }

  /** Takes them in until this time, which is ADMIT_MS from now; true when there are more. */
  admit(until: number): boolean {
    let now = until - ADMIT_MS;
    while (this.#batches.length > 0 && now < until) {
      const { connection, batch } = this.#batches.shift()!;
      this.#takeIn(connection, batch, stampOf(now));
      now = this.#clock.monotonic();
    }
    return this.#batches.length > 0;
  }
}
