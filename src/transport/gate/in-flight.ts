// In flight
//
// Serialises the requests that carry the same Idempotency-Key: the second must find the first one's answer stored, not
// race it. One event loop sees every request, so a map in memory is enough.
//
// Owns:     who is inside under a scope and key, and who waits for that.
// Does not: remember answers, or read the key (idempotency.ts).
//
// K1. Of the requests with one scope and key, one at a time is inside; the others enter in the order they came.
// K2. At most WAITERS_PER_KEY_MAX wait under one key and IN_FLIGHT_MAX are inside or wait in all; past it OVERLOADED.

import type { Fault } from '../../errors.js';

const WAITERS_PER_KEY_MAX = 8;
const IN_FLIGHT_MAX = 65_536;

/** Lets the next one in. Calling it again does nothing. */
export type Release = () => void;

export type Entry =
  | { readonly kind: 'entered'; readonly release: Release }
  /** Who gives up waiting still gets a release, and must call it. */
  | { readonly kind: 'waiting'; readonly entered: Promise<Release> }
  | { readonly kind: 'refused'; readonly fault: Fault };

type Waiter = (release: Release) => void;

export class InFlight {
  /** Present while a request is inside; those that wait for it, in order. */
  readonly #waiting = new Map<string, Waiter[]>();
  #count = 0;

  /** Requests inside or waiting. */
  get count(): number {
    return this.#count;
  }

  /** Goes in at once when nobody is inside under this scope and key, and in turn otherwise (K1). */
  enter(scope: string, key: string): Entry {
    if (this.#count >= IN_FLIGHT_MAX) return overloaded('the requests in flight');
    // The key cannot hold a line break, so no two pairs join to the same text.
    const name = `${key}\n${scope}`;
    const waiting = this.#waiting.get(name);
    if (waiting === undefined) {
      this.#count++;
      this.#waiting.set(name, []);
      return { kind: 'entered', release: this.#releaseOf(name) };
    }
    if (waiting.length >= WAITERS_PER_KEY_MAX) return overloaded('the requests with this Idempotency-Key');
    this.#count++;
    return { kind: 'waiting', entered: new Promise<Release>((enter) => waiting.push(enter)) };
  }

  #releaseOf(name: string): Release {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#count--;
      const next = this.#waiting.get(name)?.shift();
      if (next === undefined) this.#waiting.delete(name);
      else next(this.#releaseOf(name));
    };
  }
}

function overloaded(what: string): Entry {
  return { kind: 'refused', fault: { code: 'OVERLOADED', params: { what } } };
}
