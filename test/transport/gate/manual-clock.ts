import type { Clock, Timer } from '../../../src/clock.js';

/** A clock that stands still until it is moved. The gate sets no timers. */
export class ManualClock implements Clock {
  #monotonicMs = 1_000;
  #wallMs: number;

  constructor(wallMs = 1_700_000_000_250) {
    this.#wallMs = wallMs;
  }

  now(): number {
    return this.#wallMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  after(): Timer {
    throw new Error('nothing here may wait on a timer');
  }

  advance(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
  }

  /** The wall clock alone is set, as an administrator does. */
  setWall(ms: number): void {
    this.#wallMs = ms;
  }
}
