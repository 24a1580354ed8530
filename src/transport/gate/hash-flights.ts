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
// F2. One running flight at a time per lookup id; at most LANE_QUEUE_MAX others wait behind it, in order.
// F3. At most WAITERS_MAX callers wait in all, and WAITERS_PER_FLIGHT_MAX for one flight.
// F4. A flight that was revoked is told so by `state.revoked`, also when it had not begun.

/** Other tokens with the same lookup id that may wait. An honest lookup id has one token: this is for a wrong guess or two. */
const LANE_QUEUE_MAX = 4;
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

export class HashFlights<R> {
  readonly #byDigest = new Map<string, Flight<R>>();
  /** By lookup id: the running flight first, then those that wait for it. */
  readonly #lanes = new Map<string, Flight<R>[]>();
  #waiters = 0;

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
    for (const flight of this.#lanes.get(lookupId) ?? []) flight.revoked = true;
  }

  #begin(digest: string, lookupId: string, work: FlightWork<R>): Flight<R> | undefined {
    const lane = this.#lanes.get(lookupId);
    if (lane !== undefined && lane.length > LANE_QUEUE_MAX) return undefined;
    const flight = new Flight<R>(digest, lookupId, work);
    this.#byDigest.set(digest, flight);
    if (lane !== undefined) {
      lane.push(flight);
    } else {
      this.#lanes.set(lookupId, [flight]);
      void this.#fly(flight);
    }
    return flight;
  }

  async #fly(flight: Flight<R>): Promise<void> {
    try {
      const result = await flight.work(flight);
      this.#land(flight);
      flight.resolve(result);
    } catch (error) {
      this.#land(flight);
      flight.reject(error);
    }
  }

  #land(flight: Flight<R>): void {
    this.#byDigest.delete(flight.digest);
    this.#waiters -= flight.waiters;
    const lane = this.#lanes.get(flight.lookupId) ?? [];
    lane.shift();
    const next = lane[0];
    if (next === undefined) this.#lanes.delete(flight.lookupId);
    else void this.#fly(next);
  }
}
