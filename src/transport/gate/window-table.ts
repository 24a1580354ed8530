// Window table
//
// Counts what each key has used of a limit in fixed windows. A key's window begins with its first call, not with the
// minute of the wall clock: so the keys do not all come back in the same instant, and a caller that stays within the
// limit from its start is never cut short by a boundary that it cannot see.
//
// Owns:     the open windows, their bound, and forgetting them.
// Does not: know who a key is (rate-limiter.ts, registration-limiter.ts).
//
// W1. In one window a key is granted at most `limit`. A cost that does not fit is refused whole and uses nothing.
// W2. A window opens with a granted call and ends `windowMs` later. A refused call neither opens nor prolongs one.
// W3. At most `entriesMax` windows are open; past it new keys are refused with OVERLOADED, and those known go on.
// W4. A limit of 0 is off: everything is granted and nothing remembered.

import type { Clock } from '../../clock.js';
import type { Fault } from '../../errors.js';
import { invariant } from '../../invariant.js';
import { ExpiringMap } from './expiring-map.js';

/** Told as limit and as remaining where a limit is off. */
export const UNLIMITED = 2_147_483_647;
/** Ended windows forgotten with each call: more than one, so that a burst of keys is forgotten faster than it came. */
const EXPIRED_PER_CALL = 2;

export interface LimitDecision {
  readonly allowed: boolean;
  /** Most that a window grants. */
  readonly limit: number;
  readonly remaining: number;
  /** When the window ends, in unix seconds, rounded up. */
  readonly resetS: number;
  /** Whole seconds until then, at least 1. */
  readonly retryAfterS: number;
  /** RATE_LIMITED or OVERLOADED when not allowed. */
  readonly fault: Fault | undefined;
}

export interface WindowTableOptions {
  /** What is limited, as an error names it: `message_send`. */
  readonly what: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly entriesMax: number;
  readonly clock: Clock;
}

interface Window {
  used: number;
  readonly endMs: number;
  readonly resetS: number;
}

export class WindowTable {
  readonly #options: WindowTableOptions;
  readonly #windows: ExpiringMap<Window>;

  constructor(options: WindowTableOptions) {
    this.#options = options;
    this.#windows = new ExpiringMap<Window>({ lifetimeMs: options.windowMs, entriesMax: options.entriesMax });
  }

  /** Windows remembered, ended ones that were not forgotten yet included. */
  get size(): number {
    return this.#windows.size;
  }

  /** Takes `cost` (a whole number, at least 1) from the key's window. `nowMs` is the clock's monotonic time. */
  take(key: string, cost: number, nowMs: number): LimitDecision {
    invariant(Number.isInteger(cost) && cost >= 1, 'a cost is a whole number of at least 1');
    const { limit } = this.#options;
    if (limit === 0) return this.#unlimited();
    this.#windows.dropExpired(nowMs, EXPIRED_PER_CALL);
    const open = this.#windows.get(key, nowMs);
    if (open === undefined) return this.#first(key, cost, nowMs);
    if (open.used + cost > limit) return this.#decision(open, nowMs, this.#limited(open, nowMs));
    open.used += cost;
    return this.#decision(open, nowMs, undefined);
  }

  /** Forgets at most `countMax` ended windows, for a table that gets no calls. */
  dropExpired(nowMs: number, countMax: number): void {
    this.#windows.dropExpired(nowMs, countMax);
  }

  #first(key: string, cost: number, nowMs: number): LimitDecision {
    const { limit, windowMs, clock, what } = this.#options;
    const window: Window = { used: 0, endMs: nowMs + windowMs, resetS: Math.ceil((clock.now() + windowMs) / 1000) };
    if (cost > limit) return this.#decision(window, nowMs, this.#limited(window, nowMs));
    if (this.#windows.full) {
      return this.#decision(window, nowMs, { code: 'OVERLOADED', params: { what: `the ${what} table` } });
    }
    window.used = cost;
    this.#windows.set(key, window, nowMs);
    return this.#decision(window, nowMs, undefined);
  }

  #limited(window: Window, nowMs: number): Fault {
    const retryAfterMs = retryAfterSeconds(window, nowMs) * 1000;
    return { code: 'RATE_LIMITED', params: { what: this.#options.what, retryAfterMs } };
  }

  #decision(window: Window, nowMs: number, fault: Fault | undefined): LimitDecision {
    return {
      allowed: fault === undefined,
      limit: this.#options.limit,
      remaining: this.#options.limit - window.used,
      resetS: window.resetS,
      retryAfterS: retryAfterSeconds(window, nowMs),
      fault,
    };
  }

  #unlimited(): LimitDecision {
    const { clock, windowMs } = this.#options;
    const resetS = Math.ceil((clock.now() + windowMs) / 1000);
    return { allowed: true, limit: UNLIMITED, remaining: UNLIMITED, resetS, retryAfterS: 1, fault: undefined };
  }
}

function retryAfterSeconds(window: Window, nowMs: number): number {
  return Math.max(1, Math.ceil((window.endMs - nowMs) / 1000));
}
