// Rate limiter
//
// How much of each class of calls an agent may make in a minute. The same for every agent.

import type { Clock } from '../../clock.js';
import { type LimitDecision, WindowTable } from './window-table.js';

export const LIMIT_CLASSES = ['message_send', 'message_read', 'state_read', 'state_write', 'registry_read'] as const;
export type LimitClass = (typeof LIMIT_CLASSES)[number];

/** Agents remembered per class: about 50 MB each when full. A call of one more is refused with OVERLOADED. */
export const RATE_ENTRIES_MAX = 200_000;
const WINDOW_MS = 60_000;
/** Ended windows of another class forgotten with each call, in turn: a class without traffic empties too. */
const SWEPT_PER_CALL = 2;

export interface RateLimiterOptions {
  /** Calls per minute by class; 0 turns one off. */
  readonly perMinute: Readonly<Record<LimitClass, number>>;
  readonly clock: Clock;
}

export class RateLimiter {
  readonly #byClass: Readonly<Record<LimitClass, WindowTable>>;
  readonly #tables: readonly WindowTable[];
  readonly #clock: Clock;
  #swept = 0;

  constructor({ perMinute, clock }: RateLimiterOptions) {
    const table = (what: LimitClass) =>
      new WindowTable({ what, limit: perMinute[what], windowMs: WINDOW_MS, entriesMax: RATE_ENTRIES_MAX, clock });
    this.#clock = clock;
    this.#byClass = {
      message_send: table('message_send'),
      message_read: table('message_read'),
      state_read: table('state_read'),
      state_write: table('state_write'),
      registry_read: table('registry_read'),
    };
    this.#tables = Object.values(this.#byClass);
  }

  /** Takes one call, or a batch of `cost`, which is granted or refused whole. Under 0.3 µs. */
  take(agentId: string, limitClass: LimitClass, cost = 1): LimitDecision {
    this.#swept = (this.#swept + 1) % this.#tables.length;
    const nowMs = this.#clock.monotonic();
    this.#tables[this.#swept]?.dropExpired(nowMs, SWEPT_PER_CALL);
    return this.#byClass[limitClass].take(agentId, cost, nowMs);
  }

  /** Windows remembered in all classes. */
  get size(): number {
    return this.#tables.reduce((sum, table) => sum + table.size, 0);
  }
}
