// Summaries
//
// The thread of the summaries as the main thread sees it: pages of the sums, and how far they are. The thread is started by
// the first who asks, or some time after the server was: what is not folded cannot be let go of.
//
// Owns:     the thread, and who waits for it.
// Does not: fold or read anything, or wait for a disk: what it passes on is finished bytes.
//
// SM1. What is read holds everything that was acknowledged before the call.
// SM2. At most READINGS_MAX wait; past it the caller is told when to come back. So is one for whom too much is to be folded
//      first.
// SM3. When the thread ends unasked, all who wait get WORKER_LOST, and another one takes its place after RESTART_PAUSE_MS.
// SM4. All events up to `folded` are in the sums, on the disk: no other part needs to keep them for this one.

import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../clock.js';
import { CodedError } from '../../errors.js';
import type { Log } from '../../log.js';
import type { Observable } from './observer.js';
import type { FromSummaries, SummaryReading, SummaryThreadData, ToSummaries } from './summary-protocol.js';

export const READINGS_MAX = 256;
export const RESTART_PAUSE_MS = 1_000;
/** A server that lives shorter, and that nobody asks, does without the thread. */
export const START_AFTER_MS = 10_000;
/** A slice is far shorter. Past it the thread, which is never terminated, is let go of. */
const STOP_TIMEOUT_MS = 5_000;
/** What a folding thread does in a second, at the least: so long is told to those who have to wait. */
const EVENTS_PER_SECOND = 20_000;

export interface SummariesParts {
  readonly workerUrl: URL;
  readonly data: SummaryThreadData;
  readonly system: Pick<Observable, 'settled'>;
  readonly clock: Clock;
  readonly log: Log;
}

interface Waiting {
  readonly resolve: (json: Uint8Array | undefined) => void;
  readonly reject: (error: Error) => void;
}

export class Summaries {
  readonly #parts: SummariesParts;
  readonly #waiting = new Map<number, Waiting>();
  #thread: Worker | undefined;
  #starting: Timer;
  #ticket = 0;
  /** Readings that wait for the tables too. */
  #readings = 0;
  #folded = 0;
  #notBefore = Number.NEGATIVE_INFINITY;
  #isStopping = false;

  constructor(parts: SummariesParts) {
    this.#parts = parts;
    this.#starting = parts.clock.after(START_AFTER_MS, () => this.#begin());
  }

  /** The number of the last event that is certainly in the sums (SM4): 0 before the thread has said so. */
  get folded(): number {
    return this.#folded;
  }

  /** The thread's id; undefined while there is none. */
  get threadId(): number | undefined {
    return this.#thread?.threadId;
  }

  /** Finished JSON; undefined where there is no such thing. Rejects with a CodedError (SM2, SM3). */
  async read(reading: SummaryReading): Promise<Uint8Array | undefined> {
    if (this.#readings >= READINGS_MAX)
      throw new CodedError('OVERLOADED', { what: 'the summaries that are waited for' });
    this.#readings++;
    try {
      await this.#parts.system.settled();
      const ticket = ++this.#ticket;
      return await new Promise((resolve, reject) => {
        this.#running().postMessage({ kind: 'read', ticket, reading } satisfies ToSummaries);
        this.#waiting.set(ticket, { resolve, reject });
      });
    } finally {
      this.#readings--;
    }
  }

  /** Has what is there folded soon, be it little; after a thread that was lost, the next one does so by itself. */
  hurry(): void {
    if (this.#isStopping || this.#parts.clock.monotonic() < this.#notBefore) return;
    this.#running().postMessage({ kind: 'fold' } satisfies ToSummaries);
  }

  /** Ends the thread; who waits is told that the server stops. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#starting.cancel();
    this.#refuseAll(new CodedError('DRAINING'));
    const thread = this.#thread;
    if (thread === undefined) return;
    await new Promise<void>((resolve) => {
      const late = this.#parts.clock.after(STOP_TIMEOUT_MS, () => {
        thread.unref();
        resolve();
      });
      thread.once('exit', () => {
        late.cancel();
        resolve();
      });
      thread.postMessage({ kind: 'stop' } satisfies ToSummaries);
    });
  }

  #begin(): void {
    if (this.#isStopping) return;
    this.#notBefore = Number.NEGATIVE_INFINITY;
    this.#running();
  }

  #running(): Worker {
    this.#thread ??= this.#start();
    return this.#thread;
  }

  #start(): Worker {
    const { workerUrl, data, clock } = this.#parts;
    if (this.#isStopping) throw new CodedError('DRAINING');
    const pauseMs = this.#notBefore - clock.monotonic();
    if (pauseMs > 0) throw new CodedError('WORKER_LOST', { retryAfterMs: Math.ceil(pauseMs) });
    this.#starting.cancel();
    const thread = new Worker(workerUrl, { name: 'summaries', workerData: data });
    let cause: unknown;
    thread.on('message', (message: FromSummaries) => this.#receive(message));
    thread.on('error', (error) => {
      cause = error;
    });
    thread.on('exit', () => this.#ended(cause));
    return thread;
  }

  #receive(message: FromSummaries): void {
    const { log } = this.#parts;
    switch (message.kind) {
      case 'read':
        this.#take(message.ticket)?.resolve(message.json);
        break;
      case 'behind':
        this.#take(message.ticket)?.reject(behind(message.events));
        break;
      case 'failed':
        this.#take(message.ticket)?.reject(new Error(`a summary failed: ${message.error}`));
        break;
      case 'folded':
        this.#folded = message.seq;
        break;
      case 'missed':
        log.error({ event: 'summaries_incomplete', events: message.events });
        break;
      case 'failing':
        log.error({ event: 'summaries_failed', error: message.error });
        break;
      default:
        message satisfies never;
    }
  }

  #take(ticket: number): Waiting | undefined {
    const waiting = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    return waiting;
  }

  #ended(cause: unknown): void {
    this.#thread = undefined;
    if (this.#isStopping) return;
    const { clock, log } = this.#parts;
    this.#notBefore = clock.monotonic() + RESTART_PAUSE_MS;
    log.error({ event: 'summaries_lost', error: cause });
    this.#refuseAll(new CodedError('WORKER_LOST', { retryAfterMs: RESTART_PAUSE_MS }));
    this.#starting = clock.after(RESTART_PAUSE_MS, () => this.#begin());
  }

  #refuseAll(error: CodedError): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of all) reject(error);
  }
}

function behind(events: number): CodedError {
  const retryAfterMs = Math.ceil((events / EVENTS_PER_SECOND) * 1_000);
  return new CodedError('OVERLOADED', { what: 'the events that are to be summed up first', retryAfterMs });
}
