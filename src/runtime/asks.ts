// Asks
//
// The asks of the front door that wait for an answer.
//
// Owns:     correlation numbers, time limits, and the promise of each.
// Does not: route them (system.ts).
//
// AS1. Every ask is answered exactly once: by its reply, by its time limit, or because its worker was lost.
// AS2. At most ASKS_MAX wait at once.
// AS3. A reply that comes after its ask was answered is ignored.

import type { Clock, Timer } from '../clock.js';
import type { Fault } from '../errors.js';
import { decodeValue } from './codec.js';
import type { Reply } from './envelope.js';
import type { Answer } from './ref.js';

export const ASKS_MAX = 65_536;
/** Time limits are looked at this often, so an ask may wait that much longer. */
const LOOK_EVERY_MS = 250;
const CORRELATION_MAX = 0xffff_ffff;

interface Ask {
  readonly worker: number;
  readonly deadline: number;
  readonly resolve: (answer: Answer<unknown>) => void;
}

export class Asks {
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Ask>();
  #last = 0;
  #look: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.size;
  }

  get isFull(): boolean {
    return this.#waiting.size >= ASKS_MAX;
  }

  /** A correlation number that is in use by nobody. */
  next(): number {
    do this.#last = this.#last === CORRELATION_MAX ? 1 : this.#last + 1;
    while (this.#waiting.has(this.#last));
    return this.#last;
  }

  wait(correlation: number, worker: number, timeoutMs: number, resolve: (answer: Answer<unknown>) => void): void {
    this.#waiting.set(correlation, { worker, deadline: this.#clock.monotonic() + timeoutMs, resolve });
    this.#look ??= this.#clock.after(LOOK_EVERY_MS, this.#endLate);
  }

  settle(reply: Reply): void {
    const ask = this.#waiting.get(reply.correlation);
    if (ask === undefined) return;
    this.#waiting.delete(reply.correlation);
    const value = decodeValue(reply.payload);
    if (reply.fault) ask.resolve({ ok: false, fault: value as Fault });
    else ask.resolve({ ok: true, value, replayed: reply.replayed });
  }

  /** The worker is gone: what it did with its asks nobody knows. */
  lose(worker: number): void {
    for (const [correlation, ask] of this.#waiting) {
      if (ask.worker !== worker) continue;
      this.#waiting.delete(correlation);
      ask.resolve({ ok: false, fault: { code: 'WORKER_LOST' } });
    }
  }

  readonly #endLate = (): void => {
    this.#look = undefined;
    const now = this.#clock.monotonic();
    for (const [correlation, ask] of this.#waiting) {
      if (ask.deadline > now) continue;
      this.#waiting.delete(correlation);
      ask.resolve({ ok: false, fault: { code: 'ASK_TIMEOUT' } });
    }
    if (this.#waiting.size > 0) this.#look = this.#clock.after(LOOK_EVERY_MS, this.#endLate);
  };
}
