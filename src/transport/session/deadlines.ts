// Deadlines
//
// Who must have done something within the same time, in the order in which they began: one timer for all of them.
//
// DL1. `late` hears of each that was not deleted in time, once.

import type { Clock, Timer } from '../../clock.js';

export class Deadlines<T> {
  readonly #clock: Clock;
  readonly #lifetimeMs: number;
  readonly #late: (item: T) => void;
  readonly #dueMs = new Map<T, number>();
  #timer: Timer | undefined;

  constructor(clock: Clock, lifetimeMs: number, late: (item: T) => void) {
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
    this.#late = late;
  }

  get size(): number {
    return this.#dueMs.size;
  }

  add(item: T): void {
    this.#dueMs.set(item, this.#clock.monotonic() + this.#lifetimeMs);
    this.#timer ??= this.#clock.after(this.#lifetimeMs, this.#look);
  }

  delete(item: T): void {
    this.#dueMs.delete(item);
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    for (const [item, due] of this.#dueMs) {
      if (due > now) {
        this.#timer = this.#clock.after(due - now, this.#look);
        return;
      }
      this.#dueMs.delete(item);
      this.#late(item);
    }
  };
}
