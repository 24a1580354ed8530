import type { Clock, Timer } from '../../src/clock.js';

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that stands still until it is moved, and then calls what is due, in order. */
export class ManualClock implements Clock {
  #monotonicMs = 1_000;
  #wallMs: number;
  #order = 0;
  readonly #waiting = new Set<Waiting>();

  constructor(wallMs = 1_700_000_000_000) {
    this.#wallMs = wallMs;
  }

  now(): number {
    return this.#wallMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const waiting: Waiting = { at: this.#monotonicMs + delayMs, order: this.#order++, run };
    this.#waiting.add(waiting);
    return { cancel: () => this.#waiting.delete(waiting) };
  }

  get timers(): number {
    return this.#waiting.size;
  }

  advance(ms: number): void {
    const until = this.#monotonicMs + ms;
    for (;;) {
      const due = [...this.#waiting].filter(({ at }) => at <= until);
      const next = due.sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (next === undefined) break;
      this.#waiting.delete(next);
      this.#move(Math.max(0, next.at - this.#monotonicMs));
      next.run();
    }
    this.#move(until - this.#monotonicMs);
  }

  /** The machine sleeps for so long: what became due comes when it wakes, once. */
  jump(ms: number): void {
    this.#move(ms);
    this.advance(0);
  }

  /** The wall clock alone is set, as an administrator does. */
  setWall(ms: number): void {
    this.#wallMs = ms;
  }

  #move(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
  }
}
