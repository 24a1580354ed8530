// Wall time
//
// The time of day with a fraction of a millisecond, which never runs backwards within a few seconds: for spans of traces.

import type { Clock } from './clock.js';

/** For how long the clock of the day is taken to go on evenly. */
const EVEN_MS = 10_000;

export class WallTime {
  readonly #clock: Clock;
  #offsetMs = 0;
  #untilMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds since the epoch. */
  now(): number {
    const monotonic = this.#clock.monotonic();
    if (monotonic > this.#untilMs) {
      this.#offsetMs = this.#clock.now() - monotonic;
      this.#untilMs = monotonic + EVEN_MS;
    }
    return this.#offsetMs + monotonic;
  }
}
