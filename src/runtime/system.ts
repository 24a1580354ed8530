// System
//
// The runtime as the front door sees it: actors by protocol and key, on worker threads, over one durable store.
//
//     ask ──▶ slot ──▶ owner's link ──▶ shard … reply ──▶ asks ──▶ the promise
//
// Owns:     the threads of a system from start to stop, and the way in.
// Does not: know any kind, or anything of HTTP.
//
// SY1. An answer never claims more durability than it has (G6).
// SY2. What cannot be admitted is refused at once, with the reason (G4, G8).
// SY3. A start that fails leaves no thread behind, and stop() leaves no ask unanswered.

import { systemClock } from '../clock.js';
import { CodedError, type Fault } from '../errors.js';
import { invariant } from '../invariant.js';
import type { Key, Messages, Protocol } from './actor.js';
import { formatAddress, SLOTS, slotOf } from './address.js';
import { Asks } from './asks.js';
import { decodeValue, encodeValue } from './codec.js';
import { Counters } from './counters.js';
import { answerKeys, findAnswer } from './idempotency.js';
import { JournalHandle } from './journal-handle.js';
import { Progress } from './progress.js';
import type { Actors, Answer, AskOptions, Durability, Idempotency } from './ref.js';
import { NOBODY, ShardMap } from './shard-map.js';
import { encodeKey } from './storage/keys.js';
import { openLmdbReader } from './storage/lmdb-store.js';
import type { StoreReader } from './storage/store.js';
import { CommitCount, StoreView } from './store-view.js';
import { Supervisor } from './supervisor.js';
import type { JournalReport, JournalTuning, ShardReport } from './threads/protocol.js';
import { messageNumber } from './turn.js';

const ASK_TIMEOUT_MS = 30_000;
/** So many envelopes leave before the end of a turn of the loop: the workers begin while the rest is still coming in. */
const EARLY_FLUSH_ENVELOPES = 32;

export interface SystemOptions {
  /** Where the store's files are; it exists, and nobody else writes there. */
  readonly directory: string;
  /** Where the journal's segments are; it exists too. */
  readonly journalDirectory: string;
  /** Where a migration puts the store as it was, in a directory named after its schema version. */
  readonly backups: string;
  readonly journal: JournalTuning;
  readonly workers: number;
  /** The module that a worker thread runs: it calls runShardWorker with the kinds of `protocols`, in the same order. */
  readonly workerUrl: URL;
  /** Given to the worker module as it is. */
  readonly settings: unknown;
  readonly protocols: readonly { readonly kind: string }[];
  readonly counters: readonly string[];
  /** What asks get that name no durability of their own. */
  readonly durability: Durability;
  readonly residentBytesMaxPerWorker: number;
  readonly forceEncoding: boolean;
  readonly onTrouble: (message: string, details: Readonly<Record<string, unknown>>) => void;
  /** The journal is gone: the process can promise nothing any more. */
  readonly onFatal: (error: unknown) => void;
}

export interface SystemStatus {
  readonly workers: readonly (ShardReport | undefined)[];
  readonly journal: JournalReport | undefined;
  readonly asksWaiting: number;
  readonly workerReplacements: number;
}

export class System implements Actors {
  readonly #options: SystemOptions;
  readonly #asks: Asks;
  readonly #map: ShardMap;
  readonly #counters: Counters;
  readonly #progress: Progress;
  readonly #journal: JournalHandle;
  readonly #supervisor: Supervisor;
  readonly #reader: StoreReader;
  readonly #view: StoreView;
  #flushPlanned = false;
  #unflushed = 0;
  #stopping = false;

  private constructor(parts: {
    options: SystemOptions;
    asks: Asks;
    map: ShardMap;
    counters: Counters;
    commits: CommitCount;
    progress: Progress;
    journal: JournalHandle;
    supervisor: Supervisor;
    reader: StoreReader;
  }) {
    this.#options = parts.options;
    this.#asks = parts.asks;
    this.#map = parts.map;
    this.#counters = parts.counters;
    this.#progress = parts.progress;
    this.#journal = parts.journal;
    this.#supervisor = parts.supervisor;
    this.#reader = parts.reader;
    this.#view = new StoreView(this.#reader, parts.commits);
  }

  /** Opens the store and starts all threads. Rejects, with everything stopped, when one of them cannot start (SY3). */
  static async start(options: SystemOptions): Promise<System> {
    const map = new ShardMap();
    const commits = new CommitCount();
    const counters = new Counters(options.counters);
    const progress = new Progress();
    const journal = new JournalHandle(
      {
        directory: options.directory,
        journalDirectory: options.journalDirectory,
        backups: options.backups,
        tuning: options.journal,
        memory: {
          map: map.memory,
          counters: counters.memory,
          commits: commits.memory,
          progress: progress.memory,
        },
        counterNames: options.counters,
        slots: Array.from({ length: SLOTS }, (_, slot) => slot),
      },
      {
        failing: (reason) => options.onTrouble('the store refuses writes', { reason }),
        recovering: (groups) => options.onTrouble('recovering what the last process left', { groups }),
        died: options.onFatal,
      },
    );
    const fence = await journal.ready();
    const asks = new Asks(systemClock);
    const supervisor = new Supervisor({
      workers: options.workers,
      workerUrl: options.workerUrl,
      settings: options.settings,
      directory: options.directory,
      memory: journal.memory,
      counters,
      map,
      journal,
      residentBytesMax: options.residentBytesMaxPerWorker,
      forceEncoding: options.forceEncoding,
      onReply: (reply) => asks.settle(reply),
      onLost: (worker) => asks.lose(worker),
      onTrouble: options.onTrouble,
    });
    try {
      await supervisor.start(fence);
      const reader = openLmdbReader(options.directory);
      return new System({ options, asks, map, counters, commits, progress, journal, supervisor, reader });
    } catch (error) {
      await supervisor.stop(0);
      await journal.stop();
      throw error;
    }
  }

  ask<M extends Messages, K extends keyof M & string>(
    to: Protocol<M>,
    key: string,
    message: K,
    args: M[K]['args'],
    options: AskOptions = {},
  ): Promise<Answer<M[K]['reply']>> {
    if (this.#asks.isFull) return refused({ code: 'OVERLOADED', params: { what: 'requests in flight' } });
    const correlation = this.#asks.next();
    const worker = this.#send(to, key, message, args, correlation, options);
    if (typeof worker !== 'number') return refused(worker);
    return new Promise((resolve) => {
      const settle = resolve as (answer: Answer<unknown>) => void;
      this.#asks.wait(correlation, worker, options.timeoutMs ?? ASK_TIMEOUT_MS, settle);
    });
  }

  tell<M extends Messages, K extends keyof M & string>(
    to: Protocol<M>,
    key: string,
    message: K,
    args: M[K]['args'],
  ): boolean {
    return typeof this.#send(to, key, message, args, 0, {}) === 'number';
  }

  /** Asks that wait for an answer. */
  get asksWaiting(): number {
    return this.#asks.size;
  }

  /** The committed value of a counter. */
  counter(name: string): number {
    return this.#counters.committed(this.#counters.index(name));
  }

  /**
   * One stored value, as of everything acknowledged so far. At once when nothing that is not in the tables yet can have
   * written it; otherwise when it is there. Rejects with OVERLOADED while the tables cannot be written, and with DRAINING.
   */
  read(key: Key): unknown | Promise<unknown> {
    if (!this.#progress.mayBeBehind(encodeKey(key))) return this.#view.get(key);
    return this.#settled().then(() => this.#view.get(key));
  }

  /** The answer that an earlier ask with this idempotency got, if it is remembered. */
  async storedAnswer(idempotency: Idempotency): Promise<Answer<unknown> | undefined> {
    const now = systemClock.now();
    const keys = answerKeys(idempotency, now).map(encodeKey);
    if (keys.some((key) => this.#progress.mayBeBehind(key))) await this.#settled();
    const earlier = findAnswer((key) => this.#view.get(key), idempotency, now);
    if (earlier === undefined) return undefined;
    if (earlier.kind === 'answer') return { ok: true, value: decodeValue(earlier.payload), replayed: true };
    const reason = 'the idempotency key was used for another request';
    return { ok: false, fault: { code: 'CONFLICT', params: { reason } } };
  }

  /** All that is durable now is in the tables. Throws a CodedError when it will not be soon. */
  async #settled(): Promise<void> {
    const isSettled = await this.#journal.settled();
    if (this.#stopping) throw new CodedError('DRAINING');
    if (!isSettled) throw new CodedError('OVERLOADED', { what: 'the tables, which the disk does not take' });
  }

  async status(): Promise<SystemStatus> {
    const [workers, journal] = await Promise.all([this.#supervisor.report(), this.#journal.report()]);
    return { workers, journal, asksWaiting: this.#asks.size, workerReplacements: this.#supervisor.replacements };
  }

  /** Ends a worker and starts another in its place; false when there is no such worker. Its callers get WORKER_LOST. */
  async replaceWorker(worker: number): Promise<boolean> {
    if (!Number.isInteger(worker) || worker < 0 || worker >= this.#options.workers) return false;
    await this.#supervisor.replace(worker, 'an operator asked for it');
    return true;
  }

  /** Puts a quarantined actor back to work; false when there is none of this address. */
  resume(kind: string, key: string): Promise<boolean> {
    const worker = this.#map.owner(slotOf(kind, key));
    if (worker === NOBODY) return Promise.resolve(false);
    return this.#supervisor.resume(worker, formatAddress({ kind, key }));
  }

  /** Finishes what was admitted, makes it durable, and ends all threads; workers are given `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    this.#supervisor.flush();
    await this.#supervisor.stop(timeoutMs);
    await this.#reader.close();
    await this.#journal.stop();
  }

  /** The worker that it went to, or why it did not. */
  #send<M extends Messages>(
    to: Protocol<M>,
    key: string,
    message: string,
    args: unknown,
    correlation: number,
    options: AskOptions,
  ): number | Fault {
    if (this.#stopping) return { code: 'DRAINING' };
    const slot = slotOf(to.kind, key);
    const worker = this.#map.owner(slot);
    const link = worker === NOBODY ? undefined : this.#supervisor.link(worker);
    if (link === undefined) return { code: 'SLOT_MOVING' };
    const sent = link.send({
      slot,
      kind: this.#kindNumber(to.kind),
      key,
      message: messageNumber(to.messages, message),
      sender: 0,
      correlation,
      control: false,
      durability: options.durability ?? this.#options.durability,
      idempotency: options.idempotency,
      payload: encodeValue(args),
    });
    if (!sent) return { code: 'OVERLOADED', params: { what: 'the link to the worker' } };
    this.#planFlush();
    return worker;
  }

  #kindNumber(kind: string): number {
    const number = this.#options.protocols.findIndex((protocol) => protocol.kind === kind);
    invariant(number >= 0, () => `the system was started without the actor kind ${kind}`);
    return number;
  }

  /** What is asked for in one turn of the loop leaves together, in few pieces. */
  #planFlush(): void {
    if (++this.#unflushed >= EARLY_FLUSH_ENVELOPES) this.#flush();
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    setImmediate(() => {
      this.#flushPlanned = false;
      this.#flush();
    });
  }

  #flush(): void {
    this.#unflushed = 0;
    this.#supervisor.flush();
  }
}

function refused(fault: Fault): Promise<{ readonly ok: false; readonly fault: Fault }> {
  return Promise.resolve({ ok: false, fault });
}
