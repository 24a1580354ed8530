// Test process
//
// All the threads of a system in one, from a start to its end: lives of workers, the journal, the applier, and the outside's
// door. Each does its part of what the threads do (runtime/supervisor.ts, runtime/threads/) in steps; none waits for another.
//
// Owns:     what dies with a process.
// Does not: keep anything (test-disk.ts), choose the next step (scheduler.ts), or know what an ask is (test-host.ts).
//
// TP1. A start brings the tables to where the journal ends before anything else, and raises the epoch of every slot.
// TP2. The slots of a lost worker have no owner until the journal has fenced them; its former life goes on until its end is
//      a step that was taken, and may try whatever it likes.
// TP3. What comes from a life that its reader knows to be lost is not read any more.

import { invariant } from '../invariant.js';
import type { AnyKind } from '../runtime/actor.js';
import { Applier, recoverTables } from '../runtime/applier.js';
import { Asks } from '../runtime/asks.js';
import { Counters } from '../runtime/counters.js';
import { Entrance } from '../runtime/entrance.js';
import { readBatch } from '../runtime/envelope-reader.js';
import { Journal } from '../runtime/journal.js';
import { Link, linkMemory } from '../runtime/link.js';
import { Progress } from '../runtime/progress.js';
import { Pulse } from '../runtime/pulse.js';
import type { TurnFailure } from '../runtime/recovery.js';
import { type LogLine, Shard } from '../runtime/shard.js';
import { NOBODY, ShardMap, slotsOf } from '../runtime/shard-map.js';
import { readMetaNumber } from '../runtime/storage/meta.js';
import { CommitCount, StoreView } from '../runtime/store-view.js';
import { META_EPOCH, readTablesState } from '../runtime/tables.js';
import { FRONT } from '../runtime/threads/protocol.js';
import { Channel } from './channel.js';
import type { Step } from './scheduler.js';
import type { TestDisk } from './test-disk.js';
import { TestLife } from './test-life.js';
import { OwnedClock, type VirtualClock } from './virtual-clock.js';

const ALL_SLOTS = slotsOf(0, 1);

export interface ProcessOptions {
  readonly kinds: readonly AnyKind[];
  readonly workers: number;
  /** Of each worker. */
  readonly residentBytesMax: number;
  /** Of context.random(). */
  readonly seed: number;
  readonly disk: TestDisk;
  readonly clock: VirtualClock;
  readonly onFailure: (failure: TurnFailure) => void;
  readonly onLog: (line: LogLine) => void;
}

export class TestProcess {
  readonly asks: Asks;
  readonly entrance: Entrance;
  readonly map = new ShardMap();
  readonly counters: Counters;
  readonly #options: ProcessOptions;
  readonly #progress = new Progress();
  readonly #commits = new CommitCount();
  readonly #journal: Journal;
  readonly #applier: Applier;
  readonly #frontClock: OwnedClock;
  /** By worker; undefined while it is being replaced. */
  readonly #lives: (TestLife | undefined)[] = [];
  /** Former lives that still run. */
  readonly #leaving = new Set<TestLife>();
  #sources = 0;
  /** The last group in the tables that the journal has heard of. */
  #told: number;
  /** Somebody asked to hear of it, even if it is no news. */
  #hurry = false;
  #mustSend = false;

  constructor(options: ProcessOptions) {
    const { kinds, disk, clock, workers } = options;
    this.#options = options;
    const { tables } = disk;
    const counterNames = [...new Set(kinds.flatMap(({ counters = [] }) => counters))];
    this.counters = new Counters(counterNames);
    const { map, counters } = this;
    const progress = this.#progress;
    const rest = disk.follow(readTablesState(tables, counterNames).applied);
    const state = recoverTables(
      tables,
      () => rest.next(Number.POSITIVE_INFINITY),
      counterNames,
      ({ applied }) => disk.release(applied),
    );
    const epoch = readMetaNumber(tables, META_EPOCH) ?? 0;
    const parts = { log: disk, map, counters, progress, monotonic: () => clock.monotonic() };
    this.#journal = new Journal(parts, { ...state, epoch }, ALL_SLOTS);
    const source = disk.follow(state.applied);
    this.#applier = new Applier({ store: tables, source, progress, commits: this.#commits, counterNames });
    this.#told = state.applied;
    this.#frontClock = new OwnedClock(clock);
    this.asks = new Asks(this.#frontClock);
    this.entrance = new Entrance({
      protocols: kinds.map(({ protocol }) => protocol),
      asks: this.asks,
      map,
      link: (worker) => this.#lives[worker]?.front,
      planFlush: () => {
        this.#mustSend = true;
      },
      durability: 'durable',
      isStopping: () => false,
    });
    for (let worker = 0; worker < workers; worker++) this.#begin(worker, this.#journal.stats.epoch);
    // All workers know each other before anybody outside knows the system.
    for (const life of this.lives) for (const hear of life.heard.splice(0)) hear();
  }

  /** The lives that own slots now. */
  get lives(): readonly TestLife[] {
    return this.#lives.filter((life) => life !== undefined);
  }

  /** All that may happen next. Nothing: everything has come to rest. */
  steps(): Step[] {
    const steps: Step[] = [];
    for (const life of this.#lives) life?.addSteps(steps);
    for (const life of this.#leaving) {
      life.addSteps(steps);
      steps.push({ kind: 'bury', of: life.name, take: () => this.#bury(life) });
    }
    for (let worker = 0; worker < this.#options.workers; worker++) {
      if (this.#lives[worker] !== undefined) continue;
      steps.push({ kind: 'replace', of: `worker ${worker}`, take: () => this.#replace(worker) });
    }
    if (this.#mustSend) steps.push({ kind: 'send', of: 'outside', take: () => this.#send() });
    if (this.#frontClock.isDue) steps.push({ kind: 'timer', of: 'outside', take: () => this.#frontClock.fire() });
    if (this.#journal.hasWork) steps.push({ kind: 'commit', of: 'journal', take: () => this.#journal.commitGroup() });
    if (this.#progress.behind > 0) steps.push({ kind: 'apply', of: 'applier', take: () => this.#applier.applyOnce() });
    const isNews = this.#applier.applied !== this.#told || (this.#hurry && this.#progress.behind === 0);
    if (isNews) steps.push({ kind: 'applied', of: 'journal', take: () => this.#tellApplied() });
    return steps;
  }

  /** When the next timer is due, on the clock that never goes back. */
  get nextTimerAt(): number {
    const clocks = [this.#frontClock, ...[...this.lives, ...this.#leaving].map(({ clock }) => clock)];
    return Math.min(...clocks.map(({ nextAt }) => nextAt));
  }

  /** Whoever owned its slots owns them no more; false while it is being replaced already (TP2). */
  lose(worker: number): boolean {
    const old = this.#lives[worker];
    if (old === undefined) return false;
    this.#lives[worker] = undefined;
    this.#leaving.add(old);
    for (const slot of slotsOf(worker, this.#options.workers)) this.map.setOwner(slot, NOBODY);
    old.up.close();
    this.asks.lose(worker);
    for (const other of this.lives) {
      other.heard.push(() => {
        other.shard.disconnect(worker + 1);
        other.inbound.get(worker + 1)?.close();
      });
    }
    return true;
  }

  /** Everything that is not on the disk is gone, at once. */
  end(): void {
    for (const life of [...this.lives, ...this.#leaving]) life.end();
    this.#lives.fill(undefined);
    this.#leaving.clear();
    this.#frontClock.end();
    for (let worker = 0; worker < this.#options.workers; worker++) this.asks.lose(worker);
  }

  #send(): void {
    this.#mustSend = false;
    for (const life of this.lives) life.front?.flush();
  }

  #tellApplied(): void {
    this.#hurry = false;
    this.#told = this.#applier.applied;
    this.#journal.applied(this.#told);
  }

  #bury(life: TestLife): void {
    this.#leaving.delete(life);
    life.end();
    this.#journal.detach(life.source);
  }

  #replace(worker: number): void {
    try {
      this.#begin(worker, this.#journal.fence(slotsOf(worker, this.#options.workers)));
    } catch (error) {
      // The disk did not take the fence: it is tried again, as the journal's thread does.
      invariant(error instanceof Error, 'the disk refuses with an error');
    }
  }

  #begin(worker: number, epoch: number): void {
    const { clock, workers } = this.#options;
    const source = ++this.#sources;
    const slots = slotsOf(worker, workers);
    const life = new TestLife({
      worker,
      source,
      clock: new OwnedClock(clock),
      counters: this.counters,
      submit: (batch, generation) => this.#journal.submit(source, batch, generation),
      makeShard: (self) => this.#makeShard(self, new Map(slots.map((slot) => [slot, epoch]))),
    });
    const memory = linkMemory();
    life.front = new Link(life.down, memory, 0);
    const connection = life.shard.connect(FRONT, new Link(life.up, memory, 1));
    life.down.open((batch) => life.shard.receive(connection, batch));
    life.up.open((batch) => this.#receive(batch));
    this.#journal.attach(source, {
      reservations: life.reservations,
      acknowledge: (acknowledgement) => {
        if (!life.isDead) life.acknowledgements.push(acknowledgement);
      },
    });
    for (const other of this.lives) join(life, other);
    this.#lives[worker] = life;
    for (const slot of slots) this.map.setOwner(slot, worker);
  }

  #makeShard(life: TestLife, epochs: ReadonlyMap<number, number>): Shard {
    const { kinds, disk, residentBytesMax, seed, onFailure, onLog } = this.#options;
    return new Shard({
      kinds,
      map: this.map,
      epochs,
      view: new StoreView(disk.tables, this.#commits),
      counters: this.counters,
      reservations: life.reservations,
      journal: { submit: (batch, generation) => life.send(batch, generation) },
      progress: this.#progress,
      since: this.#journal.durable,
      settle: () => {
        if (!life.isDead) this.#hurry = true;
      },
      pulse: new Pulse(),
      clock: life.clock,
      residentBytesMax,
      forceEncoding: true,
      isDurable: true,
      isExplained: true,
      seed,
      plan: (run) => life.plan(run),
      onLog: (line) => {
        if (!life.isDead) onLog(line);
      },
      onFailure: (failure) => {
        if (!life.isDead) onFailure(failure);
      },
    });
  }

  #receive(batch: ArrayBuffer): void {
    const unexpected = (): void => invariant(false, 'a worker treats the outside as one of its own');
    readBatch(Buffer.from(batch), FRONT, {
      delivery: unexpected,
      reply: (reply) => this.asks.settle(reply),
      credit: unexpected,
    });
  }
}

/** A link between a new life and another one, which hears of it some time later. */
function join(life: TestLife, other: TestLife): void {
  const memory = linkMemory();
  const toOther = new Channel(`${life.name} → ${other.name}`);
  const toLife = new Channel(`${other.name} → ${life.name}`);
  connect(life, other.worker + 1, new Link(toOther, memory, 0), toLife);
  other.heard.push(() => connect(other, life.worker + 1, new Link(toLife, memory, 1), toOther));
}

function connect(life: TestLife, peer: number, link: Link, inbound: Channel): void {
  const connection = life.shard.connect(peer, link);
  life.inbound.set(peer, inbound);
  inbound.open((batch) => life.shard.receive(connection, batch));
}
