// Journal life
//
// One process as far as its journal goes: it recovers the tables, takes over the segments, and then works under a random
// load, with a disk that fails now and then, until it is left. Everything is in one thread; what other threads would do at
// the same time happens between the operations of the disk.
//
// Owns:     the parts of the process, and the load.
// Does not: cut the power (power-cut.test.ts), or know what must be there (acknowledged-work.ts).

import assert from 'node:assert/strict';
import { Applier, recoverTables } from '../../src/runtime/applier.js';
import { Counters, Reservations } from '../../src/runtime/counters.js';
import { type Acknowledgement, type GroupLog, Journal } from '../../src/runtime/journal.js';
import { Progress } from '../../src/runtime/progress.js';
import { ShardMap } from '../../src/runtime/shard-map.js';
import type { DiskReader } from '../../src/runtime/storage/disk.js';
import { GroupReader } from '../../src/runtime/storage/group-reader.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import { readMetaNumber } from '../../src/runtime/storage/meta.js';
import { SegmentLog } from '../../src/runtime/storage/segment-log.js';
import { makeSegmentFile } from '../../src/runtime/storage/segments.js';
import { CommitCount } from '../../src/runtime/store-view.js';
import { META_EPOCH, readTablesState } from '../../src/runtime/tables.js';
import type { Random } from '../fuzz/random.js';
import { batchOf, type Op } from '../runtime/record-batches.js';
import type { Operation, RecordingDisk } from '../runtime/storage/recording-disk.js';
import { type AcknowledgedWork, COUNTERS, type Deed, markOf, ROW_TABLE, SOURCES } from './acknowledged-work.js';
import type { DurableTables } from './durable-tables.js';
import type { Plants } from './planted-faults.js';

export const SEGMENT_BYTES = 64 * 1024;
const ROWS = 12;
const VALUE_BYTES_MAX = 12_000;
const SLOTS = Array.from({ length: SOURCES }, (_, source) => source);

/** Brings tables up to the end of the journal, a few groups in each transaction. */
export function recover(disk: DiskReader, tables: DurableTables, plants: Plants, random: Random): void {
  const { applied } = readTablesState(tables, COUNTERS);
  const reader = new GroupReader(plants.reader?.(disk) ?? disk, applied + 1);
  for (let isEnd = false; !isEnd; ) {
    let left = 1 + random.below(20);
    const nextToEnd = () => {
      if (left-- === 0) return undefined;
      const group = reader.nextToEnd();
      isEnd = group === undefined;
      return group;
    };
    recoverTables(tables, nextToEnd, COUNTERS, () => undefined);
  }
  reader.close();
}

/** A shard as the journal sees it. */
class Source {
  readonly reservations: Reservations;
  generation = 0;
  /** Records that it waits for, and the number of the last one of all. */
  waiting: { readonly number: number; readonly deed: Deed }[] = [];
  last = 0;
  #applied = 0;
  #durable = 0;

  constructor(
    readonly id: number,
    readonly work: AcknowledgedWork,
    counters: Counters,
  ) {
    this.reservations = new Reservations(counters);
  }

  acknowledge(acknowledgement: Acknowledgement): void {
    switch (acknowledgement.kind) {
      case 'durable':
        assert.ok(acknowledgement.upTo > this.#durable, 'acknowledged twice');
        this.#durable = acknowledgement.upTo;
        while (this.waiting.length > 0 && this.waiting[0]!.number <= acknowledgement.upTo) {
          this.work.acknowledged(this.waiting.shift()!.deed);
        }
        break;
      case 'applied':
        assert.ok(acknowledgement.upTo >= this.#applied && acknowledgement.upTo <= this.#durable);
        this.#applied = acknowledgement.upTo;
        break;
      case 'failed':
        this.waiting = [];
        this.generation++;
        break;
      default:
        acknowledgement satisfies never;
    }
  }
}

export class JournalLife {
  readonly #disk: RecordingDisk;
  readonly #tables: DurableTables;
  readonly #work: AcknowledgedWork;
  readonly #random: Random;
  readonly #counters = new Counters(COUNTERS);
  readonly #progress = new Progress();
  readonly #map = new ShardMap();
  readonly #log: SegmentLog;
  readonly #journal: Journal;
  readonly #applier: Applier;
  readonly #sources: readonly Source[];
  /** Tables that are rarely brought up leave many segments. */
  readonly #isLazy: boolean;
  #isApplying = false;
  /** The kind of the next operation to fail, and after how many of these. */
  #fault: { readonly kind: Operation['kind']; after: number } | undefined;

  /** The tables have been recovered. Begins with a fence, that no fault meets. */
  constructor(disk: RecordingDisk, tables: DurableTables, work: AcknowledgedWork, random: Random, plants: Plants) {
    this.#disk = disk;
    this.#tables = tables;
    this.#work = work;
    this.#random = random;
    this.#isLazy = random.oneIn(3);
    const state = readTablesState(tables, COUNTERS);
    const epoch = readMetaNumber(tables, META_EPOCH) ?? 0;
    this.#log = new SegmentLog(plants.disk?.(disk) ?? disk, SEGMENT_BYTES);
    const log = plants.log?.(this.#log) ?? this.#log;
    const watched: GroupLog = {
      append(group, records, bytes) {
        work.begins(records);
        log.append(group, records, bytes);
        work.durable(group.number);
      },
      release: (applied) => log.release(applied),
    };
    const [counters, progress, map] = [this.#counters, this.#progress, this.#map];
    this.#journal = new Journal(
      { log: watched, map, counters, progress, monotonic: () => 0 },
      { ...state, epoch },
      SLOTS,
    );
    work.epoch = this.#journal.stats.epoch;
    this.#sources = SLOTS.map((id) => new Source(id, work, counters));
    for (const source of this.#sources) this.#journal.attach(source.id, source);
    const source = new GroupReader(plants.reader?.(disk) ?? disk, state.applied + 1);
    const commits = new CommitCount();
    this.#applier = new Applier({ store: tables, source, progress, commits, counterNames: COUNTERS });
    disk.faultOf = ({ kind }) => {
      if (this.#fault?.kind !== kind || this.#fault.after-- > 0) return undefined;
      this.#fault = undefined;
      return { code: random.oneIn(2) ? 'EIO' : 'ENOSPC', taken: random.below(20_000) };
    };
  }

  /** The applier's thread may do something while the journal's waits for the disk. */
  meanwhile(): void {
    if (!this.#isApplying && !this.#isLazy && this.#random.oneIn(10)) this.#apply();
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) this.#step();
  }

  /** Nothing fails any more: all that was sent is acknowledged or refused, and in the tables. */
  settle(): void {
    this.#fault = undefined;
    this.#tables.failuresLeft = 0;
    this.#apply();
    this.#journal.applied(this.#applier.applied);
    while (this.#journal.hasWork) this.#journal.commitGroup();
    this.#apply();
    this.#journal.applied(this.#applier.applied);
    assert.equal(this.#applier.applied, this.#journal.durable);
    assert.deepEqual(
      this.#sources.map((source) => source.waiting.length),
      SLOTS.map(() => 0),
      'a record was neither acknowledged nor refused',
    );
    COUNTERS.forEach((name, index) => {
      assert.equal(this.#counters.used(index), this.#counters.committed(index), `${name} holds a reservation`);
    });
    this.#noKeyIsMarked();
  }

  /** Every key that was marked as written and not in the tables was unmarked; asked as if one group were behind. */
  #noKeyIsMarked(): void {
    const progress = this.#progress;
    progress.publishDurable(progress.applied + 1);
    for (const { id } of this.#sources) {
      const keys = [markOf(id), ...Array.from({ length: ROWS }, (_, row) => encodeKey([ROW_TABLE, id, row]))];
      for (const key of keys) assert.ok(!progress.mayBeBehind(key), 'a key is marked that is not behind');
    }
    progress.publishDurable(progress.applied);
  }

  #step(): void {
    const journal = this.#journal;
    const chance = this.#random.below(100);
    if (chance < 40) this.#send(this.#random.pick(this.#sources));
    else if (chance < 75) journal.commitGroup();
    else if (chance < 83) this.#maybeApply();
    else if (chance < 90) journal.applied(this.#applier.applied);
    else if (chance < 93) this.#fence();
    else if (chance < 96) this.#makeSpare();
    else this.#arm();
  }

  #maybeApply(): void {
    if (!this.#isLazy || this.#random.oneIn(4)) this.#apply();
  }

  #apply(): void {
    this.#isApplying = true;
    try {
      this.#applier.applyOnce();
    } catch (error) {
      if (!isInjected(error)) throw error;
      this.#journal.stuck('the tables cannot be written');
    } finally {
      this.#isApplying = false;
    }
  }

  #arm(): void {
    if (this.#random.oneIn(5)) {
      this.#tables.failuresLeft = 1;
      return;
    }
    const kind = this.#random.pick(['write', 'write', 'flush', 'flush', 'create', 'read', 'open'] as const);
    this.#fault = { kind, after: this.#random.size(6) };
  }

  #fence(): void {
    try {
      this.#work.epoch = this.#journal.fence([this.#random.pick(SLOTS)]);
    } catch (error) {
      if (!isInjected(error)) throw error;
    }
  }

  #makeSpare(): void {
    if (!this.#log.needsSpare) return;
    try {
      this.#log.addSpare(makeSegmentFile(this.#disk, SEGMENT_BYTES).name);
    } catch (error) {
      if (!isInjected(error)) throw error;
    }
  }

  #send(source: Source): void {
    const records = 1 + this.#random.below(4);
    const plans = Array.from({ length: records }, () => {
      const id = ++this.#work.lastId;
      const deed: Deed = { id, source: source.id, ops: this.#ops(id, source) };
      this.#work.sent(deed);
      source.waiting.push({ number: ++source.last, deed });
      return { slot: source.id, epoch: this.#map.epoch(source.id), ops: deed.ops };
    });
    this.#journal.submit(source.id, batchOf(plans), source.generation);
  }

  #ops(id: number, source: Source): Op[] {
    const random = this.#random;
    const ops: Op[] = [{ kind: 'put', key: markOf(source.id), value: Buffer.from(String(id)) }];
    for (let i = random.below(4); i > 0; i--) {
      const key = encodeKey([ROW_TABLE, source.id, random.below(ROWS)]);
      const bytes = random.oneIn(60) ? SEGMENT_BYTES : random.size(VALUE_BYTES_MAX);
      if (random.oneIn(4)) ops.push({ kind: 'delete', key });
      else ops.push({ kind: 'put', key, value: Buffer.alloc(bytes, `${id}.${i}`) });
    }
    for (let i = random.below(3); i > 0; i--) {
      ops.push({ kind: 'event', value: Buffer.from(`${source.id} ${id}.${i}`) });
    }
    for (let i = random.below(3); i > 0; i--) {
      const counter = random.below(COUNTERS.length);
      // Now and then so low that the journal refuses it.
      const delta = random.oneIn(5) ? -random.below(100) : random.below(50);
      const reserved = delta > 0 && random.oneIn(2) && source.reservations.reserve(counter, delta, 2 ** 40);
      ops.push({ kind: 'add', counter, delta, reserved });
    }
    return ops;
  }
}

function isInjected(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return /^(EIO|ENOSPC)$/.test(String(Reflect.get(error.cause ?? error, 'code')));
}
