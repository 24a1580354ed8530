// Circuit
//
// Whether it makes sense to try: an endpoint that fails and fails is left alone for a while.
//
//   closed ── `failuresMax` failed in a row ──▶ open ── openMs ──▶ on trial ── delivered ──▶ closed
//                                               ▲                     │
//                                               └────── failed ───────┘
//
// CI1. While it is open nothing is begun. On trial one delivery at a time is, with one attempt.
// CI2. Its row says all of it, and there is none while nothing has failed: so it is the same after a crash.

import type { CircuitRow } from './protocol.js';

export interface CircuitBounds {
  readonly failuresMax: number;
  readonly openMs: number;
}

export type CircuitState = 'closed' | 'open' | 'trial';

export class Circuit {
  readonly #bounds: CircuitBounds;
  #failures: number;
  #openUntil: number | null;

  constructor(bounds: CircuitBounds, row: CircuitRow | undefined) {
    this.#bounds = bounds;
    this.#failures = row?.failures ?? 0;
    this.#openUntil = row?.openUntil ?? null;
  }

  /** What is to be stored; undefined when nothing is. */
  get row(): CircuitRow | undefined {
    return this.#failures === 0 ? undefined : { failures: this.#failures, openUntil: this.#openUntil };
  }

  get openUntil(): number | null {
    return this.#openUntil;
  }

  state(now: number): CircuitState {
    if (this.#openUntil === null) return 'closed';
    return now < this.#openUntil ? 'open' : 'trial';
  }

  delivered(): void {
    this.#failures = 0;
    this.#openUntil = null;
  }

  /** A delivery was given up. */
  failed(now: number): void {
    this.#failures++;
    // What was in flight when it opened, and fails late, does not keep it open for longer.
    if (this.state(now) === 'open') return;
    if (this.#openUntil !== null || this.#failures >= this.#bounds.failuresMax)
      this.#openUntil = now + this.#bounds.openMs;
  }
}
