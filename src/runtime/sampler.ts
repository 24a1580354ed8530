// Sampler
//
// Which of many things is looked at: all while they are few, and about one in SAMPLE_GAP_MS when they come fast, so that
// looking costs the same small share of a thread whatever it does.
//
// SP1. Each thing that is looked at stands for `weight` things, of which it was one.

import type { Clock } from '../clock.js';

/** Between two samples of a busy thread. */
const SAMPLE_GAP_MS = 1;
export const WEIGHT_MAX = 8_192;

export class Sampler {
  readonly #clock: Clock;
  #left = 1;
  #weight = 1;
  #tookAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True for a thing that is to be looked at: then take() must be called. */
  isDue(): boolean {
    return --this.#left === 0;
  }

  /** How many things this one stands for (SP1). */
  take(): number {
    const weight = this.#weight;
    const now = this.#clock.monotonic();
    const gapMs = now - this.#tookAt;
    this.#tookAt = now;
    if (gapMs < SAMPLE_GAP_MS) this.#weight = Math.min(WEIGHT_MAX, weight * 2);
    else if (gapMs > 2 * SAMPLE_GAP_MS) this.#weight = Math.max(1, weight >> 1);
    // About every weight-th, and not every weight-th: what comes in a rhythm would be met at the same beat.
    this.#left = 1 + Math.floor(Math.random() * (2 * this.#weight - 1));
    return weight;
  }
}
