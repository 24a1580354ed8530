// Read log
//
// Tells the event log what was read of the shared state and of the registry, where the config says so (event_log.reads), a
// batch at a time, behind the answers.
//
//     answered ──▶ waiting ──after BATCH_AFTER_MS, or READS_PER_BATCH of them──▶ one batch on its way ──▶ events
//                     └── more than WAITING_MAX: dropped, counted, and told
//
// RL1. No answer waits for it.
// RL2. At most WAITING_MAX reads wait, and one batch is on its way. A batch that was not taken for want of room waits on.
// RL3. Reads become events in the order of their answers, each at most once; each that does not is counted.

import { READ_LOG, READS_PER_BATCH, type Read, readsProtocol } from '../../actors/reads/protocol.js';
import type { Clock, Timer } from '../../clock.js';
import { errorTable } from '../../errors.js';
import type { Log } from '../../log.js';
import type { Actors } from '../../runtime/ref.js';

export const WAITING_MAX = 20_000;
export const BATCH_AFTER_MS = 50;
export const RETRY_AFTER_MS = 250;
/** Dropped reads are told at most so often. */
export const TOLD_EVERY_MS = 10_000;
/** A stop waits so long for what was read before it. */
const STOP_MS_MAX = 1_000;

export interface ReadLogParts {
  readonly actors: Pick<Actors, 'ask'>;
  readonly clock: Clock;
  readonly log: Pick<Log, 'warn'>;
  /** Of the metrics. */
  readonly meter: { readsDropped(count: number): void };
}

export class ReadLog {
  readonly #parts: ReadLogParts;
  #waiting: Read[] = [];
  #timer: Timer | undefined;
  /** The timer goes at once. */
  #isSoon = false;
  #isUnderWay = false;
  #droppedUntold = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  /** Who waits for the end of everything. */
  #emptied: (() => void) | undefined;

  constructor(parts: ReadLogParts) {
    this.#parts = parts;
  }

  /** An agent was told the value of a key, or that there is none. */
  stateRead(by: string, key: string, found: boolean): void {
    this.#add({ kind: 'state', key, by, found });
  }

  registryRead(by: string): void {
    this.#add({ kind: 'registry', by });
  }

  /** What was read by now becomes events, if there is time. */
  async stop(): Promise<void> {
    if (this.#waiting.length === 0 && !this.#isUnderWay) return;
    const isEmpty = new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    this.#plan(0);
    const { clock } = this.#parts;
    let late: Timer | undefined;
    await Promise.race([
      isEmpty,
      new Promise<void>((resolve) => {
        late = clock.after(STOP_MS_MAX, resolve);
      }),
    ]);
    late?.cancel();
  }

  #add(read: Read): void {
    if (this.#waiting.length >= WAITING_MAX) {
      this.#drop(1);
      return;
    }
    this.#waiting.push(read);
    this.#plan(this.#waiting.length >= READS_PER_BATCH ? 0 : BATCH_AFTER_MS);
  }

  /** A batch that is on its way plans the next. */
  #plan(delayMs: number): void {
    if (this.#isUnderWay || (this.#timer !== undefined && (delayMs > 0 || this.#isSoon))) return;
    this.#timer?.cancel();
    this.#isSoon = delayMs === 0;
    this.#timer = this.#parts.clock.after(delayMs, () => void this.#send());
  }

  async #send(): Promise<void> {
    this.#timer = undefined;
    const reads = this.#waiting.slice(0, READS_PER_BATCH);
    this.#isUnderWay = true;
    const answer = await this.#parts.actors.ask(readsProtocol, READ_LOG, 'log', { reads });
    this.#isUnderWay = false;
    const isRefused = !answer.ok && errorTable[answer.fault.code].family === 'pressure';
    if (!isRefused) this.#waiting = this.#waiting.slice(reads.length);
    // Perhaps they were logged: nobody knows, and an event is not said twice.
    if (!answer.ok && !isRefused) this.#drop(reads.length);
    if (this.#waiting.length > 0) this.#plan(isRefused ? RETRY_AFTER_MS : 0);
    else this.#emptied?.();
  }

  #drop(count: number): void {
    const { clock, log, meter } = this.#parts;
    meter.readsDropped(count);
    this.#droppedUntold += count;
    const now = clock.monotonic();
    if (now - this.#toldAt < TOLD_EVERY_MS) return;
    log.warn({
      event: 'reads_dropped',
      message: 'reads came faster than they could be logged',
      count: this.#droppedUntold,
    });
    this.#droppedUntold = 0;
    this.#toldAt = now;
  }
}
