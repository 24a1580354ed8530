import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UNAPPLIED_BYTES_MAX } from '../../src/journal-defaults.js';
import { Applier } from '../../src/runtime/applier.js';
import { Counters, Reservations } from '../../src/runtime/counters.js';
import { type Acknowledgement, GROUP_BYTES_MAX, Journal } from '../../src/runtime/journal.js';
import { Progress } from '../../src/runtime/progress.js';
import { ShardMap } from '../../src/runtime/shard-map.js';
import { GroupReader } from '../../src/runtime/storage/group-reader.js';
import { SegmentLog } from '../../src/runtime/storage/segment-log.js';
import { CommitCount } from '../../src/runtime/store-view.js';
import { Random } from '../fuzz/random.js';
import { FlakyStore } from './flaky-store.js';
import { batchOf, type RecordPlan } from './record-batches.js';
import { type Fault, type Operation, RecordingDisk } from './storage/recording-disk.js';
import { storedEvents } from './stored-events.js';

const SLOT = 1;
const SEGMENT_BYTES = 64 * 1024;

/** A shard as the journal sees it. Its records are one event each. */
class Shard {
  readonly acknowledged: Acknowledgement[] = [];
  sent = 0;
  generation = 0;

  acknowledge(acknowledgement: Acknowledgement): void {
    if (acknowledgement.kind === 'failed') this.generation++;
    this.acknowledged.push(acknowledgement);
  }

  /** What it was told since it was last asked. */
  told(): string[] {
    const told = this.acknowledged.splice(0);
    return told.map((each) => (each.kind === 'failed' ? 'failed' : `${each.kind} ${each.upTo}`));
  }
}

function setUp({ segmentBytes = SEGMENT_BYTES, shards: count = 1 } = {}) {
  const disk = new RecordingDisk(new Random(11));
  const store = new FlakyStore();
  const progress = new Progress();
  const counters = new Counters([]);
  const map = new ShardMap();
  const log = new SegmentLog(disk, segmentBytes);
  const journal = new Journal(
    { log, map, counters, progress, monotonic: () => 0 },
    { applied: 0, seq: 0, counters: [], epoch: 0 },
    [SLOT],
  );
  const source = new GroupReader(disk, 1);
  const applier = new Applier({ store, source, progress, commits: new CommitCount(), counterNames: [] });
  const shards = Array.from({ length: count }, (_, id) => {
    const shard = new Shard();
    journal.attach(id, {
      reservations: new Reservations(counters),
      acknowledge: (each) => shard.acknowledge(each),
    });
    return shard;
  });
  return { disk, store, log, journal, applier, shards, ...acts({ disk, store, journal, applier, shards, map }) };
}

interface Cast {
  readonly disk: RecordingDisk;
  readonly store: FlakyStore;
  readonly journal: Journal;
  readonly applier: Applier;
  readonly shards: readonly Shard[];
  readonly map: ShardMap;
}

function acts({ disk, store, journal, applier, shards, map }: Cast) {
  return {
    /** A batch of records, each an event with its text and so many bytes more. */
    send(texts: readonly string[], { by = 0, bytes = 0 } = {}): void {
      const shard = shards[by]!;
      const plans = texts.map((text): RecordPlan => {
        const value = Buffer.concat([Buffer.from(`${text}.`), Buffer.alloc(bytes)]);
        return { slot: SLOT, epoch: map.epoch(SLOT), ops: [{ kind: 'event', value }] };
      });
      shard.sent += texts.length;
      journal.submit(by, batchOf(plans), shard.generation);
    },
    /** One group in which the operations that this tells fail. */
    failing(faultOf: (operation: Operation) => Fault | undefined): void {
      disk.faultOf = faultOf;
      journal.commitGroup();
      disk.faultOf = () => undefined;
    },
    /** What the applier's thread does. */
    apply(): void {
      applier.applyOnce();
      journal.applied(applier.applied);
    },
    /** The texts of the events in the tables, in their order; fails when there is a gap. */
    events(): string[] {
      const stored = storedEvents(store);
      assert.equal(stored.length, journal.stats.seq);
      return stored.map((event) => event.split('.')[0]!);
    },
  };
}

const failures: readonly {
  readonly name: string;
  readonly bytes: number;
  readonly faultOf: (each: Operation) => Fault | undefined;
}[] = [
  { name: 'a write', bytes: 0, faultOf: ({ kind }) => (kind === 'write' ? { code: 'EIO' } : undefined) },
  { name: 'a flush', bytes: 0, faultOf: ({ kind }) => (kind === 'flush' ? { code: 'EIO' } : undefined) },
  {
    name: 'a write after a part of it',
    bytes: 20_000,
    faultOf: ({ kind }) => (kind === 'write' ? { code: 'EIO', taken: 9_000 } : undefined),
  },
  {
    name: 'the rest of a group that is larger than a segment',
    bytes: 2 * SEGMENT_BYTES,
    faultOf: (each) =>
      each.kind === 'write' && each.length > SEGMENT_BYTES ? { code: 'ENOSPC', taken: SEGMENT_BYTES } : undefined,
  },
  {
    name: 'a new segment',
    bytes: SEGMENT_BYTES - 8192,
    faultOf: ({ kind }) => (kind === 'create' ? { code: 'ENOSPC' } : undefined),
  },
  {
    name: 'the bytes of a new segment',
    bytes: SEGMENT_BYTES - 8192,
    faultOf: (each) => (each.kind === 'write' && each.at === 0 ? { code: 'ENOSPC', taken: 5_000 } : undefined),
  },
];

describe('a disk that refuses', () => {
  for (const { name, bytes, faultOf } of failures) {
    for (const looks of ['before', 'after'] as const) {
      it(`${name}: the shard is told once, its next generation goes on, and the tables look ${looks} that (J3, J4, J5)`, () => {
        const { disk, journal, shards, send, failing, apply, events } = setUp();
        const [shard] = shards;
        send(['a', 'b']);
        journal.commitGroup();
        send(['c'], { bytes });
        failing(faultOf);
        send(['stale']);
        assert.deepEqual(shard!.told(), ['durable 2', 'failed']);
        shard!.generation--;
        send(['staler']);
        shard!.generation++;
        send(['d', 'e']);
        if (looks === 'before') apply();
        journal.commitGroup();
        send(['f']);
        journal.commitGroup();
        apply();
        assert.deepEqual(events(), ['a', 'b', 'stale', 'd', 'e', 'f']);
        const told = shard!.told().filter((each) => !each.startsWith('applied'));
        assert.deepEqual(told, ['durable 7', 'durable 8']);
        assert.equal(shard!.acknowledged.length, 0);
        assert.equal(journal.stats.failures, 1);
        const left = disk.list().map((file) => disk.open(file).size);
        assert.ok(
          left.every((size) => size === SEGMENT_BYTES),
          `files of ${left} bytes are left`,
        );
      });
    }
  }

  it('refuses what was sent by every shard of the group, and nothing of the others (J4)', () => {
    const { journal, shards, send, failing, apply, events } = setUp({ shards: 3 });
    send(['a'], { by: 0 });
    send(['b'], { by: 1 });
    failing(({ kind }) => (kind === 'flush' ? { code: 'EIO' } : undefined));
    send(['c'], { by: 2 });
    send(['d'], { by: 1 });
    journal.commitGroup();
    apply();
    const last = shards.map((shard) => shard.told());
    assert.deepEqual(last, [
      ['failed', 'applied 0'],
      ['failed', 'durable 2', 'applied 2'],
      ['durable 1', 'applied 1'],
    ]);
    assert.deepEqual(events(), ['c', 'd']);
  });

  it('keeps refusing for as long as it does, and loses nothing that came before or after', () => {
    const { journal, shards, send, failing, apply, events } = setUp();
    const kept: string[] = [];
    for (let round = 0; round < 30; round++) {
      send([`kept ${round}`]);
      journal.commitGroup();
      kept.push(`kept ${round}`);
      for (let i = 0; i <= round % 3; i++) {
        send([`lost ${round}`], { bytes: 3_000 });
        failing(({ kind }) => (kind === (round % 2 === 0 ? 'flush' : 'write') ? { code: 'EIO' } : undefined));
        if (round % 5 === i) apply();
      }
    }
    apply();
    assert.deepEqual(events(), kept);
    assert.equal(shards[0]!.told().filter((each) => each === 'failed').length, 60);
  });

  it('to be read: what was taken from the journal is applied once, and the rest when it can be read again (AP1, AP2)', () => {
    // More than is read at a time, so that the groups do not come in one piece.
    const sent = Array.from({ length: 30 }, (_, index) => `event ${index}`);
    const appliedFirst = new Set<number>();
    for (let goodReads = 0; goodReads < 3; goodReads++) {
      const { disk, journal, send, applier, events } = setUp({ segmentBytes: 4 * 1024 * 1024 });
      for (const text of sent) {
        send([text], { bytes: 50_000 });
        journal.commitGroup();
      }
      let left = goodReads;
      disk.faultOf = ({ kind }) => (kind === 'read' && left-- === 0 ? { code: 'EIO' } : undefined);
      assert.throws(() => applier.applyOnce(), /EIO/);
      disk.faultOf = () => undefined;
      applier.applyOnce();
      appliedFirst.add(applier.applied);
      while (applier.applyOnce());
      assert.equal(applier.applied, journal.durable);
      assert.deepEqual(events(), sent);
    }
    assert.equal(appliedFirst.size, 2, 'no read failed between two groups');
  });

  it('gives no number of a group twice to what is applied: a fence that failed leaves the epoch (J2, J5)', () => {
    const { disk, journal, send, apply, events } = setUp();
    const { epoch } = journal.stats;
    disk.faultOf = ({ kind }) => (kind === 'flush' ? { code: 'EIO' } : undefined);
    assert.throws(() => journal.fence([SLOT]));
    disk.faultOf = () => undefined;
    assert.equal(journal.stats.epoch, epoch);
    send(['a']);
    journal.commitGroup();
    apply();
    assert.deepEqual(events(), ['a']);
    assert.equal(journal.fence([SLOT]), epoch + 1);
  });
});

describe('tables that cannot be written', () => {
  it('make the journal refuse every group until they can, and then it goes on (J6)', () => {
    const { store, journal, applier, shards, send, apply, events } = setUp();
    send(['a']);
    journal.commitGroup();
    store.failuresLeft = 2;
    for (let i = 0; i < 2; i++) {
      assert.throws(() => applier.applyOnce(), /full/);
      journal.stuck('the tables are full');
      send([`refused ${i}`]);
      assert.equal(journal.hasWork, true);
      journal.commitGroup();
      assert.match(journal.lastFailure, /the tables are full/);
    }
    assert.deepEqual(shards[0]!.told(), ['durable 1', 'failed', 'failed']);
    send(['b']);
    apply();
    journal.commitGroup();
    apply();
    assert.deepEqual(shards[0]!.told(), ['applied 1', 'durable 4', 'applied 4']);
    assert.deepEqual(events(), ['a', 'b']);
  });
});

describe('a journal that is far ahead of its tables', () => {
  it(`begins no group beyond its bound, and goes on when they have come up (J6)`, () => {
    const { journal, disk, applier, shards, send, apply } = setUp();
    const bytes = GROUP_BYTES_MAX / 2;
    const total = (2 * UNAPPLIED_BYTES_MAX) / bytes;
    let sent = 0;
    let mostSegments = 0;
    let stops = 0;
    while (sent < total) {
      send([`event ${sent++}`], { bytes });
      while (journal.hasWork) journal.commitGroup();
      const { unappliedBytes, batchesWaiting } = journal.stats;
      assert.ok(unappliedBytes < UNAPPLIED_BYTES_MAX + GROUP_BYTES_MAX + bytes, `${unappliedBytes} bytes are behind`);
      mostSegments = Math.max(mostSegments, disk.list().length);
      if (batchesWaiting < 4) continue;
      stops++;
      assert.equal(shards[0]!.told().at(-1), `durable ${sent - batchesWaiting}`);
      apply();
      assert.equal(journal.hasWork, true, 'the journal does not go on');
    }
    while (journal.hasWork || journal.stats.unappliedGroups > 0) {
      journal.commitGroup();
      apply();
    }
    assert.equal(applier.applied, journal.durable);
    assert.equal(journal.stats.seq, total);
    assert.ok(stops > 1);
    // Each group is larger than a segment here, and has one of its own.
    const most = UNAPPLIED_BYTES_MAX / bytes + 3;
    assert.ok(mostSegments <= most, `${mostSegments} segments where ${most} hold what may be behind`);
  });
});

describe('a slow disk', () => {
  /** Batches that arrive during one flush, and how many records each group then held. */
  function run(batchesPerFlush: number) {
    const { disk, journal, shards, send, apply, events } = setUp();
    const groups: number[] = [];
    let waitingMost = 0;
    let flushes = 0;
    disk.faultOf = ({ kind }) => {
      if (kind !== 'flush' || flushes === 40) return undefined;
      flushes++;
      for (let i = 0; i < batchesPerFlush; i++) send([`event ${shards[0]!.sent}`]);
      waitingMost = Math.max(waitingMost, journal.stats.batchesWaiting);
      return undefined;
    };
    send(['event 0']);
    while (journal.hasWork) {
      const { records } = journal.stats;
      journal.commitGroup();
      groups.push(journal.stats.records - records);
    }
    disk.faultOf = () => undefined;
    apply();
    assert.deepEqual(
      events(),
      Array.from({ length: shards[0]!.sent }, (_, index) => `event ${index}`),
    );
    return { groups, waitingMost };
  }

  it('makes groups larger, not the queue: one holds all that came during the flush before it', () => {
    for (const batchesPerFlush of [1, 10, 50]) {
      const { groups, waitingMost } = run(batchesPerFlush);
      // Two flushes make a segment and then write to it; the shard's batches of both wait together.
      assert.ok(waitingMost <= 2 * batchesPerFlush, `${waitingMost} batches waited`);
      assert.ok(groups.length <= 42, `${groups.length} groups for 40 flushes`);
      assert.ok(groups.slice(1, -1).every((records) => records >= batchesPerFlush));
    }
  });
});
