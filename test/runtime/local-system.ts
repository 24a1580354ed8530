// Local system
//
// Shards, a journal and an applier in one thread, over memory: the runtime without its threads, moved by hand. What shards
// submit is committed, and what is committed comes to the tables, when the test says so, so that gates can be seen closed
// and tables behind; links carry real batches.

import assert from 'node:assert/strict';
import type { AnyKind, Key, Messages, Protocol } from '../../src/runtime/actor.js';
import { slotOf } from '../../src/runtime/address.js';
import { Applier } from '../../src/runtime/applier.js';
import { Asks } from '../../src/runtime/asks.js';
import { decodeValue, encodeValue } from '../../src/runtime/codec.js';
import { Counters, Reservations } from '../../src/runtime/counters.js';
import { readBatch } from '../../src/runtime/envelope-reader.js';
import { type Acknowledgement, Journal } from '../../src/runtime/journal.js';
import { Link, linkMemory } from '../../src/runtime/link.js';
import { Progress } from '../../src/runtime/progress.js';
import { Pulse } from '../../src/runtime/pulse.js';
import type { TurnFailure } from '../../src/runtime/recovery.js';
import type { Answer, AskOptions } from '../../src/runtime/ref.js';
import { Routes } from '../../src/runtime/routes.js';
import { type LogLine, Shard } from '../../src/runtime/shard.js';
import { NOBODY, ShardMap, slotsOf } from '../../src/runtime/shard-map.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import { CommitCount, StoreView } from '../../src/runtime/store-view.js';
import { readTablesState } from '../../src/runtime/tables.js';
import { FRONT } from '../../src/runtime/threads/protocol.js';
import { ManualClock } from './manual-clock.js';
import { MemoryLog } from './memory-log.js';

const ALL_SLOTS = slotsOf(0, 1);
/** Rounds of the event loop without any movement after which everything has come to rest. */
const QUIET_ROUNDS = 3;

/** A thread that is gone touches no shared memory; here its code may go on. */
class MortalReservations extends Reservations {
  isDead = false;

  override reserve(index: number, delta: number, max: number): boolean {
    return !this.isDead && super.reserve(index, delta, max);
  }

  override release(index: number, delta: number): void {
    if (!this.isDead) super.release(index, delta);
  }
}

/** One life of one worker. */
export class LocalShard {
  readonly shard: Shard;
  readonly toFront: ArrayBuffer[] = [];
  readonly inbound: { readonly connection: number; readonly batch: ArrayBuffer }[] = [];
  readonly acknowledgements: Acknowledgement[] = [];
  /** Nothing that it posts arrives any more: the thread is gone. */
  isDead = false;

  constructor(
    readonly worker: number,
    readonly source: number,
    readonly front: Link,
    readonly reservations: MortalReservations,
    makeShard: (self: LocalShard) => Shard,
  ) {
    this.shard = makeShard(this);
  }

  hear(said: Acknowledgement): void {
    if (this.isDead) return;
    if (said.kind === 'durable') this.shard.durable(said.upTo);
    else if (said.kind === 'applied') this.shard.applied(said.upTo, said.group);
    else this.shard.commitFailed();
  }
}

export interface LocalOptions {
  readonly kinds: readonly AnyKind[];
  readonly workers?: number;
  readonly counters?: readonly string[];
  readonly residentBytesMax?: number;
  /** Default true. */
  readonly forceEncoding?: boolean;
}

export class LocalSystem {
  readonly clock = new ManualClock();
  readonly log = new MemoryLog();
  readonly tables = new MemoryStore();
  readonly progress = new Progress();
  readonly map = new ShardMap();
  readonly counters: Counters;
  readonly commits = new CommitCount();
  readonly journal: Journal;
  readonly applier: Applier;
  readonly asks: Asks;
  readonly failures: TurnFailure[] = [];
  /** What actors said to the log. */
  readonly lines: LogLine[] = [];
  readonly routes: Routes;
  readonly shards: LocalShard[] = [];
  /** Former lives that still run. */
  readonly zombies: LocalShard[] = [];
  /** run() commits whatever is submitted. */
  autoCommit = true;
  /** run() brings the tables up to what is committed. */
  autoApply = true;
  /** How often a shard asked for the tables to be brought up. */
  settles = 0;
  readonly #options: LocalOptions;
  #sources = 0;

  constructor(options: LocalOptions) {
    this.#options = options;
    this.counters = new Counters(options.counters ?? ['total']);
    this.routes = new Routes(options.kinds.map(({ protocol }) => protocol));
    const { log, map, tables, counters, commits, progress } = this;
    const counterNames = counters.names;
    const start = { ...readTablesState(tables, counterNames), epoch: 0 };
    const monotonic = () => this.clock.monotonic();
    this.journal = new Journal({ log, map, counters, progress, monotonic }, start, ALL_SLOTS);
    this.applier = new Applier({ store: tables, source: log, progress, commits, counterNames });
    this.asks = new Asks(this.clock);
    this.apply();
    const { epoch } = this.journal.stats;
    for (let worker = 0; worker < this.#workers; worker++) this.#begin(worker, epoch);
  }

  get #workers(): number {
    return this.#options.workers ?? 1;
  }

  /** The only shard, of a system that has one. */
  get shard(): Shard {
    return this.shards[0]!.shard;
  }

  ownerOf(kind: string, key: string): LocalShard {
    return this.shards[this.map.owner(slotOf(kind, key))]!;
  }

  ask<M extends Messages, K extends keyof M & string>(
    to: Protocol<M>,
    key: string,
    message: K,
    args: M[K]['args'],
    options: AskOptions = {},
  ): Promise<Answer<M[K]['reply']>> {
    const correlation = this.asks.next();
    const life = this.ownerOf(to.kind, key);
    const sent = this.send(life, to, key, message, args, correlation, options);
    if (!sent) return Promise.resolve({ ok: false, fault: { code: 'OVERLOADED' } });
    return new Promise((resolve) => {
      this.asks.wait(
        correlation,
        life.worker,
        options.timeoutMs ?? 30_000,
        resolve as (answer: Answer<unknown>) => void,
      );
    });
  }

  tell<M extends Messages, K extends keyof M & string>(
    to: Protocol<M>,
    key: string,
    message: K,
    args: M[K]['args'],
  ): void {
    this.send(this.ownerOf(to.kind, key), to, key, message, args, 0, {});
  }

  /** To one life, current or not. */
  send<M extends Messages>(
    life: LocalShard,
    to: Protocol<M>,
    key: string,
    message: string,
    args: unknown,
    correlation: number,
    options: AskOptions,
  ): boolean {
    const route = this.routes.to(to);
    return life.front.send({
      slot: slotOf(to.kind, key),
      kind: route.kind,
      key,
      message: Routes.numberOf(route, message),
      senderKind: 0,
      senderKey: '',
      correlation,
      control: false,
      durability: options.durability ?? 'durable',
      idempotency: options.idempotency,
      chain: undefined,
      payload: encodeValue(args),
    });
  }

  /** The event of this number, from 1. */
  event(seq: number): unknown {
    const event = this.log.events[seq - 1];
    return event === undefined ? undefined : decodeValue(event);
  }

  /** What is durable under a key, in the tables or not. */
  stored(key: Key): unknown {
    const bytes = this.log.durable.get(encodeKey(key));
    return bytes === undefined ? undefined : decodeValue(bytes);
  }

  /** What the tables hold under a key. */
  inTables(key: Key): unknown {
    const bytes = this.tables.get(encodeKey(key));
    return bytes === undefined ? undefined : decodeValue(bytes);
  }

  /** Commits one group and tells the shards. */
  commit(): void {
    this.journal.commitGroup();
    this.acknowledge();
  }

  /** Brings the tables up to what is committed, and lets the journal say so, behind what it has said already. */
  apply(): void {
    while (this.applier.applyOnce());
    this.journal.applied(this.applier.applied);
    for (const life of [...this.shards, ...this.zombies]) {
      while (life.acknowledgements[0]?.kind === 'applied') life.hear(life.acknowledgements.shift()!);
    }
  }

  /** Hands over what the journal has said. */
  acknowledge(): void {
    for (const life of [...this.shards, ...this.zombies]) {
      for (const said of life.acknowledgements.splice(0)) life.hear(said);
    }
  }

  /** One round: what was posted arrives, and every thread has a turn of its loop. True when something moved. */
  async round(): Promise<boolean> {
    let moved = false;
    for (const life of [...this.shards, ...this.zombies]) {
      life.front.flush();
      for (const { connection, batch } of life.inbound.splice(0)) {
        moved = true;
        if (!life.isDead) life.shard.receive(connection, batch);
      }
      for (const batch of life.toFront.splice(0)) {
        moved = true;
        readBatch(Buffer.from(batch), FRONT, {
          delivery: () => assert.fail('a shard sent an envelope to the front door'),
          reply: (reply) => this.asks.settle(reply),
          credit: () => assert.fail('a shard reads a stream of the front door'),
        });
      }
    }
    await new Promise<void>((resolve) => setImmediate(resolve));
    const isTold = this.shards.every(({ acknowledgements }) => acknowledgements.length === 0);
    if (this.autoCommit && (this.journal.hasWork || !isTold)) {
      this.commit();
      moved = true;
    }
    if (this.autoApply && this.progress.behind > 0) {
      this.apply();
      moved = true;
    }
    return moved;
  }

  /** Until everything has come to rest. */
  async run(): Promise<void> {
    let quiet = 0;
    while (quiet < QUIET_ROUNDS) quiet = (await this.round()) ? 0 : quiet + 1;
  }

  /** Moves the clock, then lets what became due run. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.run();
  }

  /** A new life for a worker. The former one goes on as a zombie until bury(). */
  replace(worker: number): LocalShard {
    const old = this.shards[worker]!;
    const slots = slotsOf(worker, this.#workers);
    for (const slot of slots) this.map.setOwner(slot, NOBODY);
    this.asks.lose(worker);
    for (const other of this.shards) if (other !== old) other.shard.disconnect(worker + 1);
    this.zombies.push(old);
    old.toFront.length = 0;
    this.#begin(worker, this.journal.fence(slots));
    return old;
  }

  /** The thread of a zombie ends. */
  bury(zombie: LocalShard): void {
    zombie.isDead = true;
    zombie.reservations.isDead = true;
    this.journal.detach(zombie.source);
    this.zombies.splice(this.zombies.indexOf(zombie), 1);
  }

  #begin(worker: number, epoch: number): void {
    const source = ++this.#sources;
    const reservations = new MortalReservations(this.counters);
    const memory = linkMemory();
    const slots = slotsOf(worker, this.#workers);
    let connection = 0;
    let life: LocalShard;
    const front = new Link(
      { postMessage: (batch) => life.inbound.push({ connection, batch: batch as ArrayBuffer }) },
      memory,
      0,
    );
    life = new LocalShard(worker, source, front, reservations, (self) =>
      this.#makeShard(self, slots, epoch, reservations),
    );
    connection = life.shard.connect(
      FRONT,
      new Link(
        {
          postMessage: (batch) => {
            if (!life.isDead && this.shards[worker] === life) life.toFront.push(batch as ArrayBuffer);
          },
        },
        memory,
        1,
      ),
    );
    this.journal.attach(source, {
      reservations,
      acknowledge: (acknowledgement) => life.acknowledgements.push(acknowledgement),
    });
    for (const other of this.shards) if (other !== undefined && other.worker !== worker) this.#join(life, other);
    this.shards[worker] = life;
    for (const slot of slots) this.map.setOwner(slot, worker);
  }

  #makeShard(life: LocalShard, slots: readonly number[], epoch: number, reservations: Reservations): Shard {
    return new Shard({
      kinds: this.#options.kinds,
      map: this.map,
      epochs: new Map(slots.map((slot) => [slot, epoch])),
      view: new StoreView(this.tables, this.commits),
      counters: this.counters,
      reservations,
      journal: {
        submit: (batch, generation) => {
          if (!life.isDead) this.journal.submit(life.source, batch, generation);
        },
      },
      progress: this.progress,
      since: this.journal.durable,
      settle: () => {
        if (!life.isDead) this.settles++;
      },
      clock: this.clock,
      pulse: new Pulse(),
      residentBytesMax: this.#options.residentBytesMax ?? 64 * 1024 * 1024,
      forceEncoding: this.#options.forceEncoding ?? true,
      isDurable: true,
      isExplained: true,
      seed: 0,
      onLog: (line) => this.lines.push(line),
      onFailure: (failure) => this.failures.push(failure),
    });
  }

  #join(one: LocalShard, other: LocalShard): void {
    const memory = linkMemory();
    const connections = { one: 0, other: 0 };
    const toOther = new Link(
      {
        postMessage: (batch) => {
          if (!one.isDead) other.inbound.push({ connection: connections.other, batch: batch as ArrayBuffer });
        },
      },
      memory,
      0,
    );
    const toOne = new Link(
      {
        postMessage: (batch) => {
          if (!other.isDead) one.inbound.push({ connection: connections.one, batch: batch as ArrayBuffer });
        },
      },
      memory,
      1,
    );
    connections.one = one.shard.connect(other.worker + 1, toOther);
    connections.other = other.shard.connect(one.worker + 1, toOne);
  }
}
