import type { Clock, Timer } from '../../../src/clock.js';

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #timers: { readonly dueAt: number; readonly run: () => void }[] = [];
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

  after(delayMs: number, run: () => void): Timer {
    const timer = { dueAt: this.#monotonicMs + delayMs, run };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  advance(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
    const due = this.#timers.filter(({ dueAt }) => dueAt <= this.#monotonicMs).sort((a, b) => a.dueAt - b.dueAt);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const { run } of due) run();
  }

  /** The wall clock alone is set, as an administrator does. */
  setWall(ms: number): void {
    this.#wallMs = ms;
  }
}
