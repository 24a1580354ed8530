// Memory limiter
//
// How often one place, and one key, may call the memory API in a minute. A place is what registration-limiter.ts calls one.

import type { Clock } from '../../clock.js';
import { networkOf } from '../gate/client-ip.js';
import { type LimitDecision, WindowTable } from '../gate/window-table.js';

/** Places remembered: about 25 MB when full. Until some expire, a new one is refused. Keys are as many as the config has. */
const PLACES_MAX = 100_000;
const KEYS_MAX = 10_000;
const WINDOW_MS = 60_000;

export class MemoryLimiter {
  readonly #clock: Clock;
  readonly #places: WindowTable;
  readonly #keys: WindowTable;

  /** `perMinute` 0 turns the limit off. */
  constructor(perMinute: number, clock: Clock) {
    const table = (what: string, entriesMax: number) =>
      new WindowTable({ what, limit: perMinute, windowMs: WINDOW_MS, entriesMax, clock });
    this.#clock = clock;
    this.#places = table('memory calls of one address', PLACES_MAX);
    this.#keys = table('memory calls of one key', KEYS_MAX);
  }

  takeOfPlace(ip: string): LimitDecision {
    return this.#places.take(networkOf(ip), 1, this.#clock.monotonic());
  }

  takeOfKey(id: string): LimitDecision {
    return this.#keys.take(id, 1, this.#clock.monotonic());
  }
}
