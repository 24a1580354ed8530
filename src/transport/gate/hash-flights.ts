// Hash flights
//
// A hash costs milliseconds of a processor, so nobody may cause one that is not needed. Here requests with the same
// token share one, and the tokens that claim the same lookup id wait for each other: who knows a lookup id, which is no
// secret, can keep one thread of the pool busy, but not all.
//
// Owns:     which verification runs, who shares it, who waits behind it, and the bounds of that.
// Does not: hash, know a token or a rule (authenticator.ts), or bound the pool (runtime/threads/job-pool.ts).
//
// F1. One flight at a time per digest, however many wait for it.
// F2. One running flight at a time per lookup id; at most LANE_QUEUE_MAX others wait behind it, in order. After a flight
//     that came to nothing the lookup id rests for REST_MS: guessing one by one keeps no thread busy either.
// F3. At most WAITERS_MAX callers wait in all, and WAITERS_PER_FLIGHT_MAX for one flight.
// F4. A flight that was revoked is told so by `state.revoked`, also when it had not begun.

import type { Clock } from '../../clock.js';

/** Other tokens with the same lookup id that may wait. An honest lookup id has one token: this is for a wrong guess or two. */
const LANE_QUEUE_MAX = 4;
/** Of a thread, hashing takes 4 ms then in every 50. Who mistyped a token waits no longer than that. */
export const REST_MS = 50;
const WAITERS_PER_FLIGHT_MAX = 4_096;
const WAITERS_MAX = 16_384;

export interface FlightState {
  readonly revoked: boolean;
}

/** Must not reject for an expected reason: every caller that shares the flight would get the rejection. */
export type FlightWork<R> = (state: FlightState) => Promise<R>;

class Flight<R> implements FlightState {
  revoked = false;
  waiters = 0;
  readonly landed: Promise<R>;
  resolve!: (result: R) => void;
  reject!: (error: unknown) => void;

  constructor(
    readonly digest: string,
    readonly lookupId: string,
    readonly work: FlightWork<R>,
  ) {
    this.landed = new Promise<R>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** The flights of one lookup id. It is there while one runs, or it rests. */
interface Lane<R> {
  running: Flight<R> | undefined;
  readonly waiting: Flight<R>[];
}

export interface HashFlightsOptions<R> {
  readonly clock: Clock;
  /** Whether a result shows that nobody's token was hashed. */
  readonly isVain: (result: R) => boolean;
}

export class HashFlights<R> {
  readonly #options: HashFlightsOptions<R>;
  readonly #byDigest = new Map<string, Flight<R>>();
  readonly #lanes = new Map<string, Lane<R>>();
  #waiters = 0;

  constructor(options: HashFlightsOptions<R>) {
    this.#options = options;
  }

  /** Callers that wait now. */
  get waiters(): number {
    return this.#waiters;
  }

  /** The result of the flight for `digest`, which is begun with `work` unless there is one. Undefined past a bound (F2, F3). */
  enter(digest: string, lookupId: string, work: FlightWork<R>): Promise<R> | undefined {
    if (this.#waiters >= WAITERS_MAX) return undefined;
    const flight = this.#byDigest.get(digest) ?? this.#begin(digest, lookupId, work);
    if (flight === undefined || flight.waiters >= WAITERS_PER_FLIGHT_MAX) return undefined;
    flight.waiters++;
    this.#waiters++;
    return flight.landed;
  }

  /** Tells every flight of this lookup id that its answer is no longer wanted (F4). */
  revoke(lookupId: string): void {
    const lane = this.#lanes.get(lookupId);
    if (lane?.running !== undefined) lane.running.revoked = true;
    for (const flight of lane?.waiting ?? []) flight.revoked = true;
  }

  #begin(digest: string, lookupId: string, work: FlightWork<R>): Flight<R> | undefined {
    const lane = this.#lanes.get(lookupId);
    if (lane !== undefined && lane.waiting.length >= LANE_QUEUE_MAX) return undefined;
    const flight = new Flight<R>(digest, lookupId, work);
    this.#byDigest.set(digest, flight);
    if (lane !== undefined) {
      lane.waiting.push(flight);
    } else {
      const fresh: Lane<R> = { running: undefined, waiting: [] };
      this.#lanes.set(lookupId, fresh);
      void this.#fly(fresh, flight);
    }
    return flight;
  }

  async #fly(lane: Lane<R>, flight: Flight<R>): Promise<void> {
    lane.running = flight;
    try {
      const result = await flight.work(flight);
      this.#land(lane, flight, this.#options.isVain(result));
      flight.resolve(result);
    } catch (error) {
      this.#land(lane, flight, false);
      flight.reject(error);
    }
  }

  #land(lane: Lane<R>, flight: Flight<R>, vain: boolean): void {
    this.#byDigest.delete(flight.digest);
    this.#waiters -= flight.waiters;
    lane.running = undefined;
    if (vain) this.#options.clock.after(REST_MS, () => this.#next(lane, flight.lookupId));
    else this.#next(lane, flight.lookupId);
  }

  #next(lane: Lane<R>, lookupId: string): void {
    const next = lane.waiting.shift();
    if (next === undefined) this.#lanes.delete(lookupId);
    else void this.#fly(lane, next);
  }
}
