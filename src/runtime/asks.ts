// Asks
//
// The asks of one thread that wait for an answer, or for the items of a stream.
//
// Owns:     correlation numbers, time limits, and who is told.
// Does not: route them (system.ts, outbox.ts).
//
// AS1. Every ask is answered exactly once: by its reply, by its time limit, or because its peer was lost. What is
//      forgotten is answered to nobody.
// AS2. At most ASKS_MAX wait for their time limit at once, and OPEN_MAX without one: streams and watches, which last.
// AS3. A reply that comes after its ask was answered is ignored.

import type { Clock, Timer } from '../clock.js';
import type { Fault } from '../errors.js';
import type { Reply } from './envelope.js';
import { answerOf } from './received.js';
import type { Answer } from './ref.js';
import { NOBODY } from './shard-map.js';

export const ASKS_MAX = 65_536;
/** Of a server each live session is one. */
export const OPEN_MAX = 131_072;
/** The time limit of an ask that names none. */
export const ASK_TIMEOUT_MS = 30_000;
/** The answer to an ask that gets the items of a stream: it can have one value only. */
export const STREAMED: Fault = { code: 'BAD_REQUEST', params: { reason: 'this message is answered by a stream' } };
/** Time limits are looked at this often, so an ask may wait that much longer. */
const LOOK_EVERY_MS = 250;
const CORRELATION_MAX = 0xffff_ffff;

interface Ask {
  /** Who was asked: a worker, or NOBODY while its slot was between two. */
  readonly peer: number;
  readonly deadline: number;
  readonly resolve: (answer: Answer<unknown>) => void;
  readonly item: ((value: unknown) => void) | undefined;
}

export class Asks {
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Ask>();
  /** Those without a time limit: nobody looks through them for late ones. */
  readonly #open = new Map<number, Ask>();
  #last = 0;
  #look: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** With a time limit. */
  get size(): number {
    return this.#waiting.size;
  }

  get isFull(): boolean {
    return this.#waiting.size >= ASKS_MAX;
  }

  get isFullOfOpen(): boolean {
    return this.#open.size >= OPEN_MAX;
  }

  /** A correlation number that is in use by nobody. */
  next(): number {
    do this.#last = this.#last === CORRELATION_MAX ? 1 : this.#last + 1;
    while (this.#find(this.#last) !== undefined);
    return this.#last;
  }

  /** `item` is called with what a stream gives before it ends. */
  wait(
    correlation: number,
    peer: number,
    timeoutMs: number,
    resolve: (answer: Answer<unknown>) => void,
    item?: (value: unknown) => void,
  ): void {
    const deadline = this.#clock.monotonic() + timeoutMs;
    if (deadline === Number.POSITIVE_INFINITY) {
      this.#open.set(correlation, { peer, deadline, resolve, item });
      return;
    }
    this.#waiting.set(correlation, { peer, deadline, resolve, item });
    this.#look ??= this.#clock.after(LOOK_EVERY_MS, this.#endLate);
  }

  settle(reply: Reply): void {
    const ask = this.#find(reply.correlation);
    if (ask === undefined) return;
    const value = answerOf(reply);
    if (reply.more) {
      ask.item?.(value);
      return;
    }
    this.forget(reply.correlation);
    if (reply.fault) ask.resolve({ ok: false, fault: value as Fault });
    else ask.resolve({ ok: true, value, replayed: reply.replayed });
  }

  /** An answer that was not encoded. */
  answer(correlation: number, value: unknown): void {
    const ask = this.#find(correlation);
    if (ask === undefined) return;
    this.forget(correlation);
    ask.resolve({ ok: true, value, replayed: false });
  }

  /** Nobody waits for it any more. */
  forget(correlation: number): void {
    if (!this.#waiting.delete(correlation)) this.#open.delete(correlation);
  }

  /** The peer is gone: what it did with its asks nobody knows. */
  lose(peer: number): void {
    for (const asks of [this.#waiting, this.#open]) {
      for (const [correlation, ask] of asks) {
        // An ask that began while its slot had no owner may have been sent to any worker since: it is not known which.
        if (ask.peer !== peer && ask.peer !== NOBODY) continue;
        asks.delete(correlation);
        ask.resolve({ ok: false, fault: { code: 'WORKER_LOST' } });
      }
    }
  }

  #find(correlation: number): Ask | undefined {
    return this.#waiting.get(correlation) ?? this.#open.get(correlation);
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
