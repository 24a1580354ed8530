// Supervisor
//
// The shard workers of a system: started, watched, replaced, stopped.
//
//     starting ──ready──▶ running ──exit, error, or asked──▶ leaving: slots unowned, asks lost, fence ──▶ starting (a new life)
//        └──────── exit: the same, after a pause that grows ─────▶┘
//
// Owns:     which worker owns which slot, and every worker thread.
// Does not: run actors, or route asks (system.ts).
//
// SV-1. A slot has an owner only while its worker is running.
// SV-2. A new life of a worker begins after the journal's fence, so that nothing an older life still does is written (G1).
// SV-3. Callers of a lost worker are told at once; no socket drops.

import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { systemClock } from '../clock.js';
import { type Counters, Reservations } from './counters.js';
import { type EnvelopeVisitor, readBatch } from './envelope-reader.js';
import type { ShardExplanation } from './explanation.js';
import type { JournalKeeper } from './journal-keeper.js';
import { Link, linkMemory } from './link.js';
import { Pulse } from './pulse.js';
import type { LogLine } from './shard.js';
import { NOBODY, type ShardMap, slotsOf } from './shard-map.js';
import {
  type Fence,
  FRONT,
  type FromShard,
  type Peer,
  type ShardReport,
  type ShardWorkerData,
  type SharedMemory,
  type ToShard,
} from './threads/protocol.js';
import { probeStack } from './threads/stack-probe.js';
import { Tickets } from './tickets.js';
import { Watchdog, type Watched } from './watchdog.js';

/** Pauses before a worker that keeps dying is started again. */
const RESTART_PAUSES_MS = [0, 100, 500, 2_000, 5_000];
/** A life this long ends the memory of earlier deaths. */
const STEADY_LIFE_MS = 60_000;
/** A worker that has not said in this time how it is does not say it at all: it may be stuck. */
const REPORT_WAIT_MS = 1_000;
/** Young generation of a worker's heap: larger than Node's default, for fewer pauses under load. */
const YOUNG_GENERATION_MIB = 64;

export interface SupervisorOptions {
  readonly workers: number;
  readonly workerUrl: URL;
  readonly settings: unknown;
  readonly directory: string | undefined;
  readonly memory: SharedMemory;
  readonly counters: Counters;
  readonly map: ShardMap;
  readonly journal: JournalKeeper;
  readonly residentBytesMax: number;
  readonly forceEncoding: boolean;
  readonly isExplained: boolean;
  readonly seed: number;
  readonly handlerMsMax: number;
  readonly onLog: (line: LogLine) => void;
  readonly onEscalation: (address: string, error: string) => void;
  readonly front: Pick<EnvelopeVisitor, 'reply' | 'spans'>;
  readonly onLost: (worker: number) => void;
  readonly onTrouble: (message: string, details: Readonly<Record<string, unknown>>) => void;
}

interface Life {
  /** Unique over all lives of all workers: what the journal knows it by. */
  readonly source: number;
  readonly worker: number;
  readonly thread: Worker;
  readonly port: MessagePort;
  readonly link: Link;
  readonly startedAt: number;
  readonly exited: Promise<void>;
  readonly watched: Watched;
  /** It is ready, and nobody has asked it to end. */
  running: boolean;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #lives: (Life | undefined)[];
  readonly #deaths: number[];
  readonly #replacing = new Map<number, Promise<void>>();
  readonly #tickets = new Tickets<FromShard>(REPORT_WAIT_MS);
  /** Lives that were ended and whose threads may still run. */
  readonly #leaving = new Set<Promise<void>>();
  readonly #pauses = new Set<() => void>();
  #lastError: unknown;
  #sources = 0;
  #stopping = false;
  #replacements = 0;
  readonly #watchdog: Watchdog;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#watchdog = new Watchdog(systemClock, options.handlerMsMax);
    this.#lives = Array.from({ length: options.workers }, () => undefined);
    this.#deaths = Array.from({ length: options.workers }, () => 0);
  }

  get replacements(): number {
    return this.#replacements;
  }

  /** The way to a worker; undefined while it is being replaced. */
  link(worker: number): Link | undefined {
    const life = this.#lives[worker];
    return life?.running === true ? life.link : undefined;
  }

  flush(): void {
    for (const life of this.#lives) if (life !== undefined) life.link.flush();
  }

  /** Rejects when a worker ends before it is ready; stop() then ends the others. */
  async start(fence: Fence): Promise<void> {
    const ready = await Promise.all(this.#lives.map((_, worker) => this.#begin(worker, fence)));
    if (!ready.includes(false)) return;
    throw new Error('a worker ended before it was ready', { cause: this.#lastError });
  }

  /** Ends a worker, whatever it is doing, and starts another in its place. Resolves when that one owns the slots. */
  replace(worker: number, reason: string): Promise<void> {
    return this.#replaceOnce(worker, reason, false);
  }

  /** What each running worker says of itself, `isBrief` without lists; undefined of one that does not say it in time. */
  report(isBrief = false): Promise<(ShardReport | undefined)[]> {
    return this.#askAll(
      (ticket) => ({ kind: 'report', ticket, isBrief }),
      (answer) => (answer?.kind === 'report' ? answer.report : undefined),
    );
  }

  /** What each running worker tells of where its time goes. */
  explain(top: number): Promise<(ShardExplanation | undefined)[]> {
    return this.#askAll(
      (ticket) => ({ kind: 'explain', ticket, top }),
      (answer) => (answer?.kind === 'explained' ? answer.explanation : undefined),
    );
  }

  /** Tells every running worker to do something; true when one of them found it to do. */
  async tellAll(order: (ticket: number) => ToShard): Promise<boolean> {
    const found = await this.#askAll(order, (answer) => answer?.kind === 'done' && answer.found);
    return found.includes(true);
  }

  /** Asks every worker to finish its turns and gates; those that have not after `timeoutMs` are ended. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    for (const end of this.#pauses) end();
    await Promise.all(this.#lives.map((life) => (life === undefined ? undefined : this.#end(life, timeoutMs))));
    await Promise.all([...this.#replacing.values(), ...this.#leaving]);
  }

  async #end(life: Life, timeoutMs: number): Promise<void> {
    this.#tell(life, { kind: 'stop' });
    const late = setTimeout(() => void life.thread.terminate(), timeoutMs);
    await life.exited;
    clearTimeout(late);
    life.running = false;
    this.#takeLastAnswers(life);
    this.#options.journal.detach(life.source);
    this.#options.onLost(life.worker);
  }

  /** What it answered may lie in its port still: Node tells the end of a thread first when it finds both at once. */
  #takeLastAnswers(life: Life): void {
    for (;;) {
      const last = receiveMessageOnPort(life.port);
      if (last === undefined) return;
      this.#take(life, last.message as ArrayBuffer);
    }
  }

  /** False when the worker ended before it was ready. */
  async #begin(worker: number, fence: Fence): Promise<boolean> {
    const { options, life, ready } = this.#spawn(worker, fence);
    this.#lives[worker] = life;
    if (!(await ready)) return false;
    life.running = true;
    this.#watchdog.watch(life.watched);
    for (const slot of slotsOf(worker, options.workers)) options.map.setOwner(slot, worker);
    return true;
  }

  #spawn(worker: number, fence: Fence): { options: SupervisorOptions; life: Life; ready: Promise<boolean> } {
    const options = this.#options;
    const source = ++this.#sources;
    const front = new MessageChannel();
    const journal = new MessageChannel();
    const memory = linkMemory();
    const reservations = new Reservations(options.counters);
    const pulse = new Pulse();
    options.journal.attach(source, journal.port1, reservations.memory);
    const peers: Peer[] = [{ peer: FRONT, port: front.port2, memory, side: 1 }, ...this.#joinOthers(worker)];
    const data: ShardWorkerData = {
      worker,
      directory: options.directory,
      memory: options.memory,
      counterNames: options.counters.names,
      slots: slotsOf(worker, options.workers),
      fence,
      reservations: reservations.memory,
      pulse: pulse.memory,
      journal: journal.port2,
      peers,
      residentBytesMax: options.residentBytesMax,
      forceEncoding: options.forceEncoding,
      isExplained: options.isExplained,
      seed: options.seed,
      settings: options.settings,
    };
    const thread = new Worker(options.workerUrl, {
      name: `shard-${worker}`,
      workerData: data,
      transferList: [journal.port2, ...peers.map(({ port }) => port)],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
    });
    const life: Life = {
      source,
      worker,
      thread,
      port: front.port1,
      link: new Link({ postMessage: (value, transfer) => front.port1.postMessage(value, [...transfer]) }, memory, 0),
      startedAt: performance.now(),
      exited: new Promise((resolve) => thread.once('exit', () => resolve())),
      watched: {
        pulse,
        stuck: (ms) => void this.#name(life, ms),
        overdue: (ms) => void this.replace(worker, `a handler did not return for ${Math.round(ms)} ms`),
      },
      running: false,
    };
    void life.exited.then(() => this.#watchdog.forget(life.watched));
    return { options, life, ready: this.#watch(life) };
  }

  /** Finds out which handler it is that does not return. */
  async #name({ worker, thread }: Life, ms: number): Promise<void> {
    const probe = await probeStack(thread.threadId);
    const { address, message: handling, stack } = probe ?? {};
    this.#options.onTrouble('a handler does not return', { worker, ms: Math.round(ms), address, handling, stack });
  }

  /** Channels between a new worker and every other one that lives. */
  #joinOthers(worker: number): Peer[] {
    const peers: Peer[] = [];
    for (const other of this.#lives) {
      if (other === undefined || other.worker === worker) continue;
      const channel = new MessageChannel();
      const memory = linkMemory();
      const theirs: Peer = { peer: worker + 1, port: channel.port1, memory, side: 0 };
      other.thread.postMessage({ kind: 'connect', peer: theirs } satisfies ToShard, [channel.port1]);
      peers.push({ peer: other.worker + 1, port: channel.port2, memory, side: 1 });
    }
    return peers;
  }

  /** True when the worker is ready, false when it ends before. One that ends later, unasked, is replaced from here. */
  #watch(life: Life): Promise<boolean> {
    life.port.on('message', (batch: ArrayBuffer) => this.#take(life, batch));
    life.thread.on('error', (error) => {
      this.#lastError = error;
      this.#options.onTrouble('a worker failed', { worker: life.worker, error: error.stack ?? error.message });
    });
    life.thread.on('exit', (code) => {
      if (this.#stopping || !life.running) return;
      this.#options.onTrouble('a worker ended', { worker: life.worker, code });
      void this.#replaceOnce(life.worker, `it ended with code ${code}`, true);
    });
    return new Promise((resolve) => {
      life.thread.on('message', (message: FromShard) => this.#receive(life, message, () => resolve(true)));
      life.thread.once('exit', () => resolve(false));
    });
  }

  #take(life: Life, batch: ArrayBuffer): void {
    const stray = (): void => this.#options.onTrouble('a worker asked the front door', { worker: life.worker });
    readBatch(Buffer.from(batch), life.worker + 1, { ...this.#options.front, delivery: stray, credit: stray });
  }

  #receive(life: Life, message: FromShard, ready: () => void): void {
    switch (message.kind) {
      case 'ready':
        ready();
        break;
      case 'turn-failed': {
        const { address, message: handling, attempts, error, isEscalated } = message;
        this.#options.onTrouble('a turn failed', { worker: life.worker, address, handling, attempts, error });
        if (isEscalated) this.#options.onEscalation(address, error);
        break;
      }
      case 'log':
        this.#options.onLog(message.line);
        break;
      case 'stray':
        this.#options.onTrouble('nobody waited for a promise that was rejected', { worker: life.worker, ...message });
        break;
      case 'report':
      case 'explained':
      case 'done':
        this.#tickets.answer(message.ticket, message);
        break;
      case 'stopped':
        life.running = false;
        break;
      default:
        message satisfies never;
    }
  }

  /** `died`: nobody asked for it, so a worker that keeps dying is started after a pause. */
  #replaceOnce(worker: number, reason: string, died: boolean): Promise<void> {
    const underWay = this.#replacing.get(worker);
    if (underWay !== undefined) return underWay;
    const replacing = this.#replace(worker, reason, died).finally(() => this.#replacing.delete(worker));
    this.#replacing.set(worker, replacing);
    return replacing;
  }

  async #replace(worker: number, reason: string, died: boolean): Promise<void> {
    const { journal, workers, onTrouble } = this.#options;
    const slots = slotsOf(worker, workers);
    this.#replacements++;
    let startsAfterDeath = died;
    while (!this.#stopping) {
      const old = this.#lives[worker];
      this.#unseat(worker, slots);
      if (old !== undefined) this.#bury(old);
      const fence = await journal.fence(slots);
      if (startsAfterDeath) await this.#pause(worker, old);
      // Without a journal there is nothing to start for: its end is fatal, and was told.
      if (this.#stopping || fence === undefined) return;
      onTrouble('a worker is replaced', { worker, reason, epoch: fence.epoch });
      if (await this.#begin(worker, fence)) return;
      startsAfterDeath = true;
    }
  }

  /** From here on nobody sends it anything. */
  #unseat(worker: number, slots: readonly number[]): void {
    this.#lives[worker] = undefined;
    for (const slot of slots) this.#options.map.setOwner(slot, NOBODY);
    this.#options.onLost(worker);
    for (const other of this.#lives)
      if (other !== undefined) this.#tell(other, { kind: 'disconnect', peer: worker + 1 });
  }

  /** The old life ends when it ends; the fence makes it harmless. What it reserved is given back then. */
  #bury(old: Life): void {
    old.running = false;
    this.#watchdog.forget(old.watched);
    old.port.close();
    const gone = old.exited.then(() => {
      this.#options.journal.detach(old.source);
      this.#leaving.delete(gone);
    });
    this.#leaving.add(gone);
    void old.thread.terminate();
  }

  async #pause(worker: number, old: Life | undefined): Promise<void> {
    const steady = old !== undefined && performance.now() - old.startedAt > STEADY_LIFE_MS;
    const deaths = steady ? 0 : this.#deaths[worker]!;
    this.#deaths[worker] = deaths + 1;
    const pauseMs = RESTART_PAUSES_MS[Math.min(deaths, RESTART_PAUSES_MS.length - 1)]!;
    if (pauseMs === 0 || this.#stopping) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#pauses.delete(end);
        resolve();
      };
      const timer = setTimeout(end, pauseMs);
      this.#pauses.add(end);
    });
  }

  /** What each worker answers, as `read` reads it. */
  #askAll<T>(question: (ticket: number) => ToShard, read: (answer: FromShard | undefined) => T): Promise<T[]> {
    return Promise.all(this.#lives.map(async (life) => read(await this.#ask(life, question))));
  }

  /** Undefined when the worker is not there, or does not answer in time. */
  #ask(life: Life | undefined, question: (ticket: number) => ToShard): Promise<FromShard | undefined> {
    if (life === undefined || !life.running) return Promise.resolve(undefined);
    return this.#tickets.ask((ticket) => this.#tell(life, question(ticket)));
  }

  #tell(life: Life, message: ToShard): void {
    life.thread.postMessage(message);
  }
}
