// Early body
//
// A body that is collected before anybody may want it: the listener hands it over in the turn of the request, and who
// sent it is known only when its token was hashed. Bounded by the listener; thrown away with the call when refused.

import type { BodyOutcome, HttpExchange } from '../listener/listener.js';

export class EarlyBody {
  #outcome: BodyOutcome | undefined;
  #wanted: ((outcome: BodyOutcome) => void) | undefined;

  /** `bytesMax` in the place of the listener's. */
  constructor(exchange: HttpExchange, bytesMax?: number) {
    exchange.readBody((outcome) => {
      this.#outcome = outcome;
      this.#wanted?.(outcome);
    }, bytesMax);
  }

  /** Calls `wanted` once: now, or when the body is there. */
  whenThere(wanted: (outcome: BodyOutcome) => void): void {
    if (this.#outcome === undefined) this.#wanted = wanted;
    else wanted(this.#outcome);
  }
}
