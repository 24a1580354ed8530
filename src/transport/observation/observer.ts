// Observer
//
// The observer's thread as the main thread sees it: answers to readings, and a tap for whoever follows events. The thread
// is started by the first who asks: a server that nobody watches has none.
//
// Owns:     the thread, who waits for it, and when it is tapped.
// Does not: read anything, or wait for a disk: what it passes on is finished bytes.
//
// OB1. What is read holds everything that was acknowledged before the call.
// OB2. At most READINGS_MAX wait; past it the caller is told when to come back.
// OB3. When the thread ends unasked, all who wait get WORKER_LOST, streams are told, and another one takes its place: at
//      the earliest RESTART_PAUSE_MS later.

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Clock } from '../../clock.js';
import { CodedError } from '../../errors.js';
import type { Log } from '../../log.js';
import { tapMemory } from '../../runtime/event-tap.js';
import type { FromObserver, Live, Looking, Looks, ObserverThreadData, Past, Reading, ToObserver } from './protocol.js';

export const READINGS_MAX = 256;
export const RESTART_PAUSE_MS = 1_000;
/** One reading is far shorter. */
const STOP_TIMEOUT_MS = 2_000;
/** What one page and the end of the log take is a part of it: past it the thread ends, and not the process. */
const HEAP_MIB_MAX = 512;

/** What it needs of the runtime. */
export interface Observable {
  settled(): Promise<void>;
  tapEvents(port: MessagePort, memory: SharedArrayBuffer): void;
}

/** What becomes of streams. */
export interface StreamHooks {
  opened(stream: number, after: number): void;
  /** It cannot go on without a gap: the log begins behind `upTo`. */
  archived(stream: number, upTo: number): void;
  past(message: Past): void;
  live(message: Live): void;
  /** All of them have ended: the thread has. */
  lost(): void;
}

export interface ObserverParts {
  readonly workerUrl: URL;
  readonly data: ObserverThreadData;
  readonly system: Observable;
  readonly clock: Clock;
  readonly log: Log;
}

interface Waiting {
  /** With what its question is answered with. */
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Observer {
  readonly #parts: ObserverParts;
  readonly #waiting = new Map<number, Waiting>();
  #hooks: StreamHooks | undefined;
  #thread: Worker | undefined;
  #isTapped = false;
  #ticket = 0;
  /** Readings that wait for the tables too. */
  #readings = 0;
  #notBefore = Number.NEGATIVE_INFINITY;
  #isStopping = false;

  constructor(parts: ObserverParts) {
    this.#parts = parts;
  }

  /** Of all streams: one listener, which lives as long. */
  listen(hooks: StreamHooks): void {
    this.#hooks = hooks;
  }

  /** The thread's id; undefined while there is none. */
  get threadId(): number | undefined {
    return this.#thread?.threadId;
  }

  /** Finished JSON; undefined where there is no such thing. Rejects with a CodedError (OB2, OB3). */
  async read(reading: Reading): Promise<Uint8Array | undefined> {
    if (this.#readings >= READINGS_MAX) throw new CodedError('OVERLOADED', { what: 'the observations that wait' });
    this.#readings++;
    try {
      await this.#parts.system.settled();
      return (await this.#ask((ticket) => ({ kind: 'read', ticket, reading }))) as Uint8Array | undefined;
    } finally {
      this.#readings--;
    }
  }

  /**
   * One slice of a search (content-search.ts), in what is in the tables: whoever looks for what was acknowledged waits for
   * them first. Rejects as read() does. One at a time: it is for one who goes on when it has an answer.
   */
  async look<K extends keyof Looks>(kind: K, asked: Looks[K]['asked']): Promise<Looks[K]['found']> {
    const looking = { kind, asked } as Looking;
    return (await this.#ask((ticket) => ({ kind: 'look', ticket, looking }))) as Looks[K]['found'];
  }

  /** Events that are in the tables hold something else now: when it resolves, streams are shown nothing else any more. */
  async forget(): Promise<void> {
    if (this.#thread !== undefined) await this.#ask((ticket) => ({ kind: 'forget', ticket }));
  }

  #ask(question: (ticket: number) => ToObserver): Promise<unknown> {
    const ticket = ++this.#ticket;
    return new Promise((resolve, reject) => {
      this.#running().postMessage(question(ticket));
      this.#waiting.set(ticket, { resolve, reject });
    });
  }

  /** Streams may be opened from here on. Throws WORKER_LOST while there is no thread. */
  tap(): void {
    if (this.#isTapped) return;
    const { port1, port2 } = new MessageChannel();
    const memory = tapMemory();
    this.#running().postMessage({ kind: 'tap', port: port1, memory } satisfies ToObserver, [port1]);
    this.#parts.system.tapEvents(port2, memory);
    this.#isTapped = true;
  }

  /** There are no streams any more: the journal need not tell anyone. */
  untap(): void {
    if (!this.#isTapped) return;
    this.#isTapped = false;
    this.tell({ kind: 'untap' });
  }

  /** Nothing, where the thread has ended: so have its streams. */
  tell(message: ToObserver): void {
    this.#thread?.postMessage(message);
  }

  /** Ends the thread; who waits is told that the server stops. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#refuseAll(new CodedError('DRAINING'));
    const thread = this.#thread;
    if (thread === undefined) return;
    const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
    thread.postMessage({ kind: 'stop' } satisfies ToObserver);
    const late = this.#parts.clock.after(STOP_TIMEOUT_MS, () => void thread.terminate());
    await ended;
    late.cancel();
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
    const thread = new Worker(workerUrl, {
      name: 'observer',
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
    });
    let cause: unknown;
    thread.on('message', (message: FromObserver) => this.#receive(message));
    thread.on('error', (error) => {
      cause = error;
    });
    thread.on('exit', () => this.#ended(cause));
    return thread;
  }

  #receive(message: FromObserver): void {
    switch (message.kind) {
      case 'read':
        this.#take(message.ticket)?.resolve(message.json);
        break;
      case 'looked':
        this.#take(message.ticket)?.resolve(message.found);
        break;
      case 'forgotten':
        this.#take(message.ticket)?.resolve(undefined);
        break;
      case 'refused':
        this.#take(message.ticket)?.reject(new CodedError(message.fault.code, message.fault.params));
        break;
      case 'failed':
        this.#take(message.ticket)?.reject(new Error(`an observation failed: ${message.error}`));
        break;
      case 'opened':
        this.#hooks?.opened(message.stream, message.after);
        break;
      case 'archived':
        this.#hooks?.archived(message.stream, message.upTo);
        break;
      case 'past':
        this.#hooks?.past(message);
        break;
      case 'live':
        this.#hooks?.live(message);
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
    this.#isTapped = false;
    if (this.#isStopping) return;
    const { clock, log } = this.#parts;
    this.#notBefore = clock.monotonic() + RESTART_PAUSE_MS;
    log.error({ event: 'observer_lost', error: cause });
    this.#refuseAll(new CodedError('WORKER_LOST', { retryAfterMs: RESTART_PAUSE_MS }));
    this.#hooks?.lost();
  }

  #refuseAll(error: CodedError): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of all) reject(error);
  }
}
