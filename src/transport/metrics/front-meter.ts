// Front meter
//
// What the main thread counts of requests, frames, refusals, messages and hashes.
//
// Owns:     these numbers.
// Does not: tell them (exposition.ts).
//
// FM1. A request costs two lookups in maps and a few stores; memory is allocated for the first of each route and status only.
// FM2. Labels are names of the contract: nothing that a client sends becomes one.

import type { MemoryRouteName } from '../../contract/memory-routes.js';
import type { RouteName } from '../../contract/routes.js';
import type { AgentFrameOf } from '../../contract/session.js';
import type { ErrorCode } from '../../errors.js';
import { Histogram, type Reading } from '../../metrics.js';

type FrameType = AgentFrameOf<'send' | 'state.get' | 'state.put' | 'state.delete' | 'state.list' | 'registry'>['type'];
/** A call of the contract, a frame that asks for the same, or `none`: no route was found. */
export type RequestName = RouteName | `memory.${MemoryRouteName}` | `session.${FrameType}` | 'none';

export interface RequestReading {
  readonly route: RequestName;
  readonly status: number;
  readonly reading: Reading;
}

export class FrontMeter {
  readonly hashWaits = new Histogram();
  readonly hashes = new Histogram();
  readonly #requests = new Map<RequestName, Map<number, Histogram>>();
  readonly #refusals = new Map<ErrorCode, number>();
  #messages = 0;
  #readsDropped = 0;

  /** A request was answered with this status, `ms` after it came. */
  answered(route: RequestName, status: number, ms: number): void {
    (this.#requests.get(route)?.get(status) ?? this.#begin(route, status)).observe(ms);
  }

  refused(code: ErrorCode): void {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
  }

  /** A message is in the inbox of its recipient, and was not there before. */
  messageSent(): void {
    this.#messages++;
  }

  /** Reads that were to be events, and are not. */
  readsDropped(count: number): void {
    this.#readsDropped += count;
  }

  get dropped(): number {
    return this.#readsDropped;
  }

  get messages(): number {
    return this.#messages;
  }

  get refusals(): ReadonlyMap<ErrorCode, number> {
    return this.#refusals;
  }

  requests(): RequestReading[] {
    return [...this.#requests].flatMap(([route, byStatus]) =>
      [...byStatus].map(([status, histogram]) => ({ route, status, reading: histogram.read() })),
    );
  }

  #begin(route: RequestName, status: number): Histogram {
    const byStatus = this.#requests.get(route) ?? new Map<number, Histogram>();
    const histogram = new Histogram();
    this.#requests.set(route, byStatus.set(status, histogram));
    return histogram;
  }
}
