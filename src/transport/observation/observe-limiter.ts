// Observe limiter
//
// How often one place may observe in a minute, whoever it says it is. A place is what registration-limiter.ts calls one.

import type { Clock } from '../../clock.js';
import { networkOf } from '../gate/client-ip.js';
import { type LimitDecision, WindowTable } from '../gate/window-table.js';

/** Places remembered: about 25 MB when full. Until some expire, a new one is refused with OVERLOADED. */
const ENTRIES_MAX = 100_000;
const WINDOW_MS = 60_000;

export class ObserveLimiter {
  readonly #clock: Clock;
  readonly #table: WindowTable;

  /** `perMinute` 0 turns the limit off. */
  constructor(perMinute: number, clock: Clock) {
    this.#clock = clock;
    this.#table = new WindowTable({
      what: 'observation',
      limit: perMinute,
      windowMs: WINDOW_MS,
      entriesMax: ENTRIES_MAX,
      clock,
    });
  }

  /** Takes one request from the place of `ip`. */
  take(ip: string): LimitDecision {
    return this.#table.take(networkOf(ip), 1, this.#clock.monotonic());
  }
}
