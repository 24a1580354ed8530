// Deadlines
//
// Calls whoever has waited long enough, with one timer for all of them: since everyone in a line is given the same time,
// they fall due in the order in which they began. Bodies that take too long, and sockets that are due for a look.
//
// Owns:     the waiting line and its timer.
// Does not: know what falling due means.
//
// D1. Whoever is still waiting `timeoutMs` after begin() is expired, once. Whoever has ended never is.
// D2. The timer runs only while somebody waits, and there is one at most.
// D3. Whoever begins again while it is expired waits anew, and makes nobody else wait longer.

import type { Clock, Timer } from '../../clock.js';

export interface Expirable {
  expire(): void;
}

export class Deadlines {
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  /** In the order of their beginning; the value is when each falls due. */
  readonly #waiting = new Map<Expirable, number>();
  #timer: Timer | undefined;
  #sweeping = false;

  constructor(timeoutMs: number, clock: Clock) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  begin(one: Expirable): void {
    this.#waiting.set(one, this.#clock.monotonic() + this.#timeoutMs);
    if (!this.#sweeping) this.#arm(this.#timeoutMs);
  }

  end(one: Expirable): void {
    if (!this.#waiting.delete(one) || this.#waiting.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    this.#timer ??= this.#clock.after(delayMs, () => this.#sweep());
  }

  #sweep(): void {
    this.#timer = undefined;
    this.#sweeping = true;
    const now = this.#clock.monotonic();
    let nextMs: number | undefined;
    for (const [one, dueAt] of this.#waiting) {
      if (dueAt > now) {
        nextMs = Math.ceil(dueAt - now);
        break;
      }
      this.#waiting.delete(one);
      one.expire();
    }
    this.#sweeping = false;
    if (nextMs !== undefined) this.#arm(nextMs);
  }
}
