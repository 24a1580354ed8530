// Registration limiter
//
// How many operators may be registered from one place in an hour: the only call that needs no token and yet costs a
// hash. A place is an IPv4 address, or the /64 of an IPv6 one, of which one customer usually has every address.

import type { Clock } from '../../clock.js';
import { networkOf } from './client-ip.js';
import { type LimitDecision, WindowTable } from './window-table.js';

/** Places remembered: about 25 MB when full. Until some expire, a new one is refused with OVERLOADED. */
export const REGISTRATION_ENTRIES_MAX = 100_000;
const WINDOW_MS = 3_600_000;

export interface RegistrationLimiterOptions {
  /** 0 turns the limit off. */
  readonly perHour: number;
  readonly clock: Clock;
}

export class RegistrationLimiter {
  readonly #clock: Clock;
  readonly #table: WindowTable;

  constructor({ perHour, clock }: RegistrationLimiterOptions) {
    this.#clock = clock;
    this.#table = new WindowTable({
      what: 'operator_registration',
      limit: perHour,
      windowMs: WINDOW_MS,
      entriesMax: REGISTRATION_ENTRIES_MAX,
      clock,
    });
  }

  /** Takes one registration from the place of `ip`. */
  take(ip: string): LimitDecision {
    return this.#table.take(networkOf(ip), 1, this.#clock.monotonic());
  }
}
