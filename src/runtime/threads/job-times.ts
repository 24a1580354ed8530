// Job times
//
// How long each job of a pool waited and ran, as the thread that hands them out sees it: one begins when a thread is free.
//
// JT1. At most `threads` jobs run at once. The one that has waited longest is taken to be the next; where another one was
//      and ends before it, they change places.
// JT2. A job that left before it began is not told of; every other one is told of once.

import type { Clock } from '../../clock.js';

interface Times {
  readonly admittedMs: number;
  begunMs: number;
}

export class JobTimes {
  readonly #threads: number;
  readonly #clock: Clock;
  readonly #tell: ((waitedMs: number, ranMs: number) => void) | undefined;
  /** The oldest first. */
  readonly #waiting: Times[] = [];
  readonly #running: Times[] = [];

  constructor(threads: number, clock: Clock, tell: ((waitedMs: number, ranMs: number) => void) | undefined) {
    this.#threads = threads;
    this.#clock = clock;
    this.#tell = tell;
  }

  admit(): Times {
    const admittedMs = this.#clock.monotonic();
    const times = { admittedMs, begunMs: admittedMs };
    this.#waiting.push(times);
    this.#begin(admittedMs);
    return times;
  }

  /** `hasLeft`: it did not wait for its turn. */
  end(times: Times, hasLeft: boolean): void {
    const place = this.#waiting.indexOf(times);
    if (place >= 0) {
      this.#waiting.splice(place, 1);
      if (hasLeft) return;
      const other = this.#running.shift();
      if (other === undefined) return;
      times.begunMs = other.begunMs;
      this.#waiting.unshift(other);
    } else {
      this.#running.splice(this.#running.indexOf(times), 1);
    }
    const now = this.#clock.monotonic();
    this.#tell?.(Math.max(0, times.begunMs - times.admittedMs), now - times.begunMs);
    this.#begin(now);
  }

  #begin(now: number): void {
    if (this.#running.length >= this.#threads) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    next.begunMs = now;
    this.#running.push(next);
  }
}
