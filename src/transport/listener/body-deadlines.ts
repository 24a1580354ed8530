// Body deadlines
//
// Ends bodies that take too long, with one timer for all of them: since every body is given the same time,
// they fall due in the order in which they began.
//
// Owns:     the waiting line and its timer.
// Does not: know what ending means (the exchanges).
//
// D1. Whoever is still waiting `timeoutMs` after begin() is expired, once. Whoever has ended never is.
// D2. The timer runs only while somebody waits.

import type { Clock, Timer } from '../../clock.js';

export interface Expirable {
  expire(): void;
}

export class BodyDeadlines {
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  /** In the order of their beginning; the value is when each falls due. */
  readonly #waiting = new Map<Expirable, number>();
  #timer: Timer | undefined;

  constructor(timeoutMs: number, clock: Clock) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  begin(body: Expirable): void {
    this.#waiting.set(body, this.#clock.monotonic() + this.#timeoutMs);
    this.#arm(this.#timeoutMs);
  }

  end(body: Expirable): void {
    if (!this.#waiting.delete(body) || this.#waiting.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    this.#timer ??= this.#clock.after(delayMs, () => this.#sweep());
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    for (const [body, dueAt] of this.#waiting) {
      if (dueAt > now) {
        this.#arm(Math.ceil(dueAt - now));
        return;
      }
      this.#waiting.delete(body);
      body.expire();
    }
  }
}
