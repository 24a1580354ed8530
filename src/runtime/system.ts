// System
//
// The runtime as the front door sees it: actors by protocol and key, on worker threads, over one durable store.
//
// Owns:     the threads of a system from start to stop, and the way in.
// Does not: know any kind, or anything of HTTP.
//
// SY1. An answer never claims more durability than it has (G6).
// SY2. After stop() was called nothing new is admitted.
// SY3. A start that fails leaves no thread behind, and stop() leaves no ask unanswered.

import { availableParallelism } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import { systemClock } from '../clock.js';
import { CodedError } from '../errors.js';
import { Asks } from './asks.js';
import { decodeValue } from './codec.js';
import type { Key } from './context.js';
import { Counters } from './counters.js';
import type { DeadLetter } from './dead-letter.js';
import { Entrance } from './entrance.js';
import { type Explanation, mergeExplanations } from './explanation.js';
import { answerKeys, findAnswer } from './idempotency.js';
import { type JournalKeeper, openJournal, type StorePlace } from './journal-keeper.js';
import { metersMemory, type RuntimeReading, readMeters } from './meters.js';
import { Progress } from './progress.js';
import type { AnyProtocol } from './protocol.js';
import type { Quarantined } from './quarantine.js';
import type { Answer, Durability, Idempotency } from './ref.js';
import type { LogLine } from './shard.js';
import { ShardMap } from './shard-map.js';
import { encodeKey } from './storage/keys.js';
import { openLmdbReader } from './storage/lmdb-store.js';
import { MemoryStore } from './storage/memory-store.js';
import type { StoreReader } from './storage/store.js';
import { CommitCount, StoreView } from './store-view.js';
import { Supervisor } from './supervisor.js';
import type { JournalReport, ShardReport } from './threads/protocol.js';
import { frontVisitor, type Traces } from './traces.js';

/** So many envelopes leave before the end of a turn of the loop: the workers begin while the rest is still coming in. */
const EARLY_FLUSH_ENVELOPES = 32;

export interface SystemOptions {
  /** Undefined: nothing is kept, and a turn that writes fails. */
  readonly store: StorePlace | undefined;
  readonly workers: number;
  /** The module that a worker thread runs: it calls runShardWorker with the kinds of `protocols`, in the same order. */
  readonly workerUrl: URL;
  /** Given to the worker module as it is. */
  readonly settings: unknown;
  readonly protocols: readonly AnyProtocol[];
  readonly counters: readonly string[];
  /** What asks get that name no durability of their own. */
  readonly durability: Durability;
  readonly residentBytesMaxPerWorker: number;
  readonly forceEncoding: boolean;
  /** Workers keep account of what their actors cost: what explain() tells. */
  readonly isExplained: boolean;
  /** Of the random numbers that actors draw. */
  readonly seed: number;
  /** A handler that blocks its worker longer than this has the worker replaced. Infinity: never. */
  readonly handlerMsMax: number;
  /** What actors say to the log. */
  readonly onLog: (line: LogLine) => void;
  /** An actor failed whose kind says `escalate`. */
  readonly onEscalation: (address: string, error: string) => void;
  readonly onTrouble: (message: string, details: Readonly<Record<string, unknown>>) => void;
  /** Absent: nothing is traced, and nothing is done for it. */
  readonly traces?: Traces | undefined;
  /** The journal is gone: the process can promise nothing any more. */
  readonly onFatal: (error: unknown) => void;
}

export interface SystemStatus {
  readonly workers: readonly (ShardReport | undefined)[];
  readonly journal: JournalReport | undefined;
  readonly asksWaiting: number;
  readonly workerReplacements: number;
}

/** Shard workers where nobody says how many: one for each core but that of the front door and the journal. */
export function defaultWorkers(): number {
  return Math.max(1, availableParallelism() - 1);
}

export class System {
  readonly #options: SystemOptions;
  readonly #asks: Asks;
  readonly #counters: Counters;
  readonly #progress: Progress;
  readonly #journal: JournalKeeper;
  readonly #supervisor: Supervisor;
  readonly #reader: StoreReader;
  readonly #view: StoreView;
  /** The way in. */
  readonly actors: Entrance;
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
    journal: JournalKeeper;
    supervisor: Supervisor;
    reader: StoreReader;
  }) {
    this.#options = parts.options;
    this.#asks = parts.asks;
    this.#counters = parts.counters;
    this.#progress = parts.progress;
    this.#journal = parts.journal;
    this.#supervisor = parts.supervisor;
    this.#reader = parts.reader;
    this.#view = new StoreView(this.#reader, parts.commits);
    this.actors = new Entrance({
      protocols: parts.options.protocols,
      asks: parts.asks,
      map: parts.map,
      link: (worker) => this.#supervisor.link(worker),
      planFlush: () => this.#planFlush(),
      durability: parts.options.durability,
      isStopping: () => this.#stopping,
      traces: parts.options.traces,
    });
  }

  /** Opens the store and starts all threads. Rejects, with everything stopped, when one of them cannot start (SY3). */
  static async start(options: SystemOptions): Promise<System> {
    const map = new ShardMap();
    const commits = new CommitCount();
    const counters = new Counters(options.counters);
    const progress = new Progress();
    const memory = {
      map: map.memory,
      counters: counters.memory,
      commits: commits.memory,
      progress: progress.memory,
      meters: metersMemory(options.workers, options.protocols.length),
    };
    const { journal, fence } = await openJournal(options, memory);
    const asks = new Asks(systemClock);
    const supervisor = new Supervisor({
      workers: options.workers,
      workerUrl: options.workerUrl,
      settings: options.settings,
      directory: options.store?.directory,
      memory,
      counters,
      map,
      journal,
      residentBytesMax: options.residentBytesMaxPerWorker,
      forceEncoding: options.forceEncoding,
      isExplained: options.isExplained,
      seed: options.seed,
      handlerMsMax: options.handlerMsMax,
      onLog: options.onLog,
      onEscalation: options.onEscalation,
      front: frontVisitor((reply) => asks.settle(reply), options.traces),
      onLost: (worker) => asks.lose(worker),
      onTrouble: options.onTrouble,
    });
    try {
      await supervisor.start(fence);
      const reader = options.store === undefined ? new MemoryStore() : openLmdbReader(options.store.directory);
      return new System({ options, asks, map, counters, commits, progress, journal, supervisor, reader });
    } catch (error) {
      await supervisor.stop(0);
      await journal.stop();
      throw error;
    }
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

  /** Every event that becomes durable from now on goes to this port too, until it is closed (event-tap.ts). One at a time. */
  tapEvents(port: MessagePort, memory: SharedArrayBuffer): void {
    this.#journal.tap(port, memory);
  }

  /** Whoever has the other end may take the oldest events out of the tables, when it has kept them (event-trim.ts). */
  trimEvents(port: MessagePort): void {
    this.#journal.trims(port);
  }

  /** Resolves when all that was acknowledged is in the tables; rejects with OVERLOADED or DRAINING when it will not be soon. */
  async settled(): Promise<void> {
    if (this.#progress.behind > 0) await this.#settled();
  }

  /**
   * Resolves when no file of the journal holds what is in the tables by now: bytes that were taken back are in none of them
   * then. Costs a write of all spare segments. Rejects with OVERLOADED or DRAINING when it cannot be done.
   */
  async scrubbed(): Promise<void> {
    const isScrubbed = await this.#journal.scrubbed();
    if (this.#stopping) throw new CodedError('DRAINING');
    if (!isScrubbed) throw new CodedError('OVERLOADED', { what: "the journal's files, which the disk does not take" });
  }

  /** What the threads have counted since the start. At once: no thread is asked. */
  readMeters(): RuntimeReading {
    const kinds = this.#options.protocols.map(({ kind }) => kind);
    return readMeters(this.#journal.memory.meters, kinds);
  }

  /** `isBrief`: numbers alone, without dead letters and the quarantine, for whoever asks often. */
  async status(isBrief = false): Promise<SystemStatus> {
    const [workers, journal] = await Promise.all([this.#supervisor.report(isBrief), this.#journal.report()]);
    return { workers, journal, asksWaiting: this.#asks.size, workerReplacements: this.#supervisor.replacements };
  }

  /** Ends a worker and starts another in its place; false when there is no such worker. Its callers get WORKER_LOST. */
  async replaceWorker(worker: number): Promise<boolean> {
    if (!Number.isInteger(worker) || worker < 0 || worker >= this.#options.workers) return false;
    await this.#supervisor.replace(worker, 'an operator asked for it');
    return true;
  }

  /** Where the time and the memory go: at most `top` actors by each measure. */
  async explain(top: number): Promise<Explanation> {
    return mergeExplanations(await this.#supervisor.explain(top), top);
  }

  async deadLetters(): Promise<DeadLetter[]> {
    const reports = await this.#supervisor.report();
    return reports.flatMap((report) => report?.recentDeadLetters ?? []).sort((a, b) => a.at - b.at);
  }

  async quarantined(): Promise<Quarantined[]> {
    const reports = await this.#supervisor.report();
    return reports.flatMap((report) => report?.quarantine ?? []);
  }

  /** Puts a quarantined actor back to work, `skip` without what it failed at; false when there is none of this address. */
  async resume(address: string, skip = false): Promise<boolean> {
    return this.#supervisor.tellAll((ticket) => ({ kind: 'resume', ticket, address, skip }));
  }

  /** Says again what a dead letter holds; false when it is not kept any more. */
  async replay(letter: string): Promise<boolean> {
    return this.#supervisor.tellAll((ticket) => ({ kind: 'replay', ticket, letter }));
  }

  /** Finishes what was admitted, makes it durable, and ends all threads; workers are given `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    this.#supervisor.flush();
    await this.#supervisor.stop(timeoutMs);
    await this.#reader.close();
    await this.#journal.stop();
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
