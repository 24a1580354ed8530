// Retention
//
// The archivist's thread as the main thread sees it: told to look now and then, and held back while somebody else works on
// the archives, or needs old events where they are.
//
// Owns:     the thread, and when it looks.
// Does not: know what goes (archivist.ts).
//
// RT1. The archivist looks every LOOK_EVERY_MS, and at once again while there is more to do; one look at a time.
// RT2. Between a pause() that has resolved and its end no archive is written, and no event taken out of the tables.
// RT3. Nothing that a floor needs is taken out: each look is told the lowest of them. Where that holds something back, the
//      floors are asked to hurry; it is logged when HELD_LOOKS_MAX looks in a row have found it so.
// RT4. What fails is tried again after FAILED_PAUSE_MS, for ever; it is logged when it begins, and when it is over. A
//      thread that ends unasked is replaced.
// RT5. A server that keeps everything has no such thread.

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../clock.js';
import type { Log, LogRecord } from '../log.js';
import type { Looked, RetentionPolicy } from './archivist.js';
import type { ArchivistThreadData, FromArchivist, ToArchivist } from './protocol.js';

export const LOOK_EVERY_MS = 1_000;
export const FAILED_PAUSE_MS = 5_000;
export const HELD_LOOKS_MAX = 10;
/** Of a file in the making, and of one slice: far longer than either takes. */
const STOP_TIMEOUT_MS = 5_000;
/** One file in the making, and its lines, are a part of it. */
const HEAP_MIB_MAX = 1_024;

/** Somebody who needs events in the tables. */
export interface EventFloor {
  /** The last event that it does not need any more; Infinity: it needs none. */
  readonly upTo: () => number;
  /** Events behind it would go: it is asked to need them no longer, as soon as it can. */
  readonly hurry: () => void;
}

export interface RetentionParts {
  readonly workerUrl: URL;
  /** Where the tables are. */
  readonly directory: string;
  readonly archiveDirectory: string;
  readonly policy: RetentionPolicy;
  readonly system: { trimEvents(port: MessagePort): void };
  readonly floors: readonly EventFloor[];
  readonly clock: Clock;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
}

export class Retention {
  readonly #parts: RetentionParts;
  #thread: Worker | undefined;
  #timer: Timer | undefined;
  #isLooking = false;
  #pauses = 0;
  /** Who waits for the look that is under way. */
  #idle: (() => void)[] = [];
  #isStopping = false;
  #latest: Looked | undefined;
  /** What was logged, and not that it is over. */
  #trouble: 'failing' | 'held' | undefined;
  #hasToldMissing = false;
  /** Looks in a row that were held back. */
  #heldLooks = 0;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** What the last look found; undefined before the first, and where everything is kept. */
  get latest(): Looked | undefined {
    return this.#latest;
  }

  start(): void {
    const { days, bytes } = this.#parts.policy;
    if (days > 0 || bytes > 0) this.#plan(0);
  }

  /** Resolves when the archives are left alone (RT2), with what ends that. */
  async pause(): Promise<() => void> {
    this.#pauses++;
    if (this.#isLooking) await new Promise<void>((resolve) => this.#idle.push(resolve));
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#pauses--;
    };
  }

  /** Ends the thread, between two slices. What it has begun, the next life finishes. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#timer?.cancel();
    const thread = this.#thread;
    if (thread === undefined) return;
    const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
    thread.postMessage({ kind: 'stop' } satisfies ToArchivist);
    const late = this.#parts.clock.after(STOP_TIMEOUT_MS, () => void thread.terminate());
    await ended;
    late.cancel();
  }

  #plan(delayMs: number): void {
    if (this.#isStopping) return;
    this.#timer = this.#parts.clock.after(delayMs, () => this.#look());
  }

  #look(): void {
    // A pause delays by a look at most: whoever paused is not known to be quick.
    if (this.#pauses > 0) {
      this.#plan(LOOK_EVERY_MS);
      return;
    }
    const { floors, clock } = this.#parts;
    const floor = Math.min(Number.MAX_SAFE_INTEGER, ...floors.map(({ upTo }) => upTo()));
    this.#isLooking = true;
    this.#thread ??= this.#startThread();
    this.#thread.postMessage({ kind: 'look', floor, nowMs: clock.now() } satisfies ToArchivist);
  }

  #startThread(): Worker {
    const { workerUrl, directory, archiveDirectory, policy, system, log } = this.#parts;
    const { port1, port2 } = new MessageChannel();
    const workerData: ArchivistThreadData = { directory, archiveDirectory, policy, trims: port1 };
    system.trimEvents(port2);
    const thread = new Worker(workerUrl, {
      name: 'archivist',
      workerData,
      transferList: [port1],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
    });
    thread.on('message', (message: FromArchivist) => this.#receive(message));
    thread.on('error', (error) => log.error({ event: 'archivist_lost', error }));
    thread.on('exit', () => {
      this.#thread = undefined;
      if (this.#isLooking) this.#over(FAILED_PAUSE_MS);
    });
    return thread;
  }

  #receive(message: FromArchivist): void {
    switch (message.kind) {
      case 'looked':
        this.#tell(message.looked);
        this.#latest = message.looked;
        this.#over(message.looked.isMore ? 0 : LOOK_EVERY_MS);
        break;
      case 'failed':
        this.#told('failing', { event: 'retention_failing', reason: message.reason });
        this.#over(FAILED_PAUSE_MS);
        break;
      default:
        message satisfies never;
    }
  }

  #over(nextMs: number): void {
    this.#isLooking = false;
    for (const resolve of this.#idle.splice(0)) resolve();
    this.#plan(nextMs);
  }

  #tell({ trimmed, archived, isHeld }: Looked): void {
    const { log } = this.#parts;
    if (archived > (this.#latest?.archived ?? archived)) log.info({ event: 'events_archived', up_to: archived });
    if (trimmed > archived && !this.#hasToldMissing) {
      this.#hasToldMissing = true;
      log.warn({ event: 'archives_missing', archived_up_to: archived, taken_out_up_to: trimmed });
    }
    this.#heldLooks = isHeld ? this.#heldLooks + 1 : 0;
    if (isHeld) {
      for (const { hurry } of this.#parts.floors) hurry();
      if (this.#heldLooks >= HELD_LOOKS_MAX) this.#told('held', { event: 'retention_held', taken_out_up_to: trimmed });
    } else if (this.#trouble !== undefined) {
      this.#trouble = undefined;
      log.info({ event: 'retention_goes_on', taken_out_up_to: trimmed });
    }
  }

  #told(trouble: 'failing' | 'held', record: LogRecord): void {
    if (this.#trouble !== trouble) this.#parts.log.warn(record);
    this.#trouble = trouble;
  }
}
