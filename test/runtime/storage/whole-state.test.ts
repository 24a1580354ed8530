import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { recoverTables } from '../../../src/runtime/applier.js';
import { PAGE_BYTES } from '../../../src/runtime/storage/group-format.js';
import { GroupReader } from '../../../src/runtime/storage/group-reader.js';
import { encodeKey } from '../../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../../src/runtime/storage/memory-store.js';
import { readMetaNumber } from '../../../src/runtime/storage/meta.js';
import { SegmentLog } from '../../../src/runtime/storage/segment-log.js';
import { listSegments } from '../../../src/runtime/storage/segments.js';
import { readWholeState } from '../../../src/runtime/storage/whole-state.js';
import { Random } from '../../fuzz/random.js';
import { batchOf, type Op } from '../record-batches.js';
import { contentOf } from '../stored-events.js';
import { RecordingDisk } from './recording-disk.js';

const COUNTERS = ['kept', 'lent'];

/** The ops of one group, and all groups of a journal. */
type Groups = readonly (readonly Op[])[];

function journalOf(groups: Groups): RecordingDisk {
  const disk = new RecordingDisk(new Random(1));
  const log = new SegmentLog(disk, 4 * PAGE_BYTES);
  let seqBefore = 0;
  groups.forEach((ops, index) => {
    const records = Buffer.from(batchOf([{ slot: 0, epoch: 1, ops }]));
    log.append({ number: index + 1, seqBefore }, [records], records.length);
    seqBefore += ops.filter(({ kind }) => kind === 'event').length;
  });
  return disk;
}

/** Tables that hold the first groups of a journal. */
function tablesAfter(groups: Groups, applied: number): MemoryStore {
  const store = new MemoryStore();
  const reader = new GroupReader(journalOf(groups.slice(0, applied)), 1);
  recoverTables(
    store,
    () => reader.nextToEnd(),
    COUNTERS,
    () => undefined,
  );
  return store;
}

const someKey = fc.constantFrom('a', 'b', 'c', 'd').map((name) => encodeKey(['row', name]));
const someValue = fc.uint8Array({ maxLength: 300 });
const someOp: fc.Arbitrary<Op> = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key: someKey, value: someValue }),
  fc.record({ kind: fc.constant('delete' as const), key: someKey }),
  fc.record({ kind: fc.constant('event' as const), value: someValue }),
  fc.record({
    kind: fc.constant('add' as const),
    counter: fc.nat({ max: 1 }),
    delta: fc.nat({ max: 9 }),
    reserved: fc.boolean(),
  }),
);
const someGroups = fc.array(fc.array(someOp, { maxLength: 8 }), { maxLength: 20 });

const event: Op = { kind: 'event', value: Buffer.from('e') };
const EVENTS: Groups = Array.from({ length: 12 }, () => [event]);

describe('the whole state of a data directory', () => {
  test('is what a start makes of it, wherever the tables stand', () => {
    fc.assert(
      fc.property(someGroups, fc.nat({ max: 20 }), (groups, chosen) => {
        const applied = Math.min(chosen, groups.length);
        const tables = tablesAfter(groups, applied);
        const before = contentOf(tables);
        const state = readWholeState(tables, journalOf(groups), COUNTERS);
        assert.deepEqual([state.unapplied, state.torn, state.problems], [groups.length - applied, undefined, []]);
        assert.deepEqual(contentOf(state.reader), contentOf(tablesAfter(groups, groups.length)));
        assert.deepEqual(contentOf(tables), before, 'nothing was written');
      }),
    );
  });

  test('ends before the damage, which is a problem with its place (WS1)', () => {
    const disk = journalOf(EVENTS);
    const [, , third] = listSegments(disk).begun;
    disk.overwrite(third!.name, Buffer.from('xxxx'), PAGE_BYTES);
    const { reader, unapplied, problems } = readWholeState(tablesAfter(EVENTS, 2), disk, COUNTERS);
    assert.equal(unapplied, third!.firstGroup - 3);
    assert.equal(readMetaNumber(reader, ['seq']), third!.firstGroup - 1);
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, new RegExp(`segment ${third!.name}, byte ${PAGE_BYTES}, `));
  });

  test('names a segment whose first page is damaged (WS1)', () => {
    const disk = journalOf(EVENTS);
    const last = listSegments(disk).begun.at(-1)!;
    disk.overwrite(last.name, Buffer.from('xxxx'), 12);
    const { unapplied, problems } = readWholeState(tablesAfter(EVENTS, 2), disk, COUNTERS);
    assert.equal(unapplied, last.firstGroup - 3);
    assert.match(problems.join(), new RegExp(`^segment ${last.name} is damaged`));
  });

  test('says that the last group is torn, which is no problem', () => {
    const disk = journalOf(EVENTS);
    const last = listSegments(disk).begun.at(-1)!;
    disk.overwrite(last.name, Buffer.from('xxxx'), PAGE_BYTES * (1 + 12 - last.firstGroup) + 40);
    const { unapplied, torn, problems } = readWholeState(tablesAfter(EVENTS, 2), disk, COUNTERS);
    assert.deepEqual([unapplied, torn, problems], [9, 12, []]);
  });

  test('names groups that do not follow the tables, or cannot be applied to them (WS1)', () => {
    const other = readWholeState(tablesAfter([[], [event]], 2), journalOf(EVENTS), COUNTERS);
    assert.equal(other.unapplied, 0);
    assert.match(other.problems.join(), /^group 3 is whole and cannot be applied: .*after event 2 does not follow/);
    const below: Op = { kind: 'add', counter: 1, delta: -1, reserved: false };
    const negative = readWholeState(new MemoryStore(), journalOf([[below]]), COUNTERS);
    assert.match(negative.problems.join(), /cannot be applied: .*counter lent cannot hold -1/);
    assert.deepEqual(contentOf(negative.reader), new Map());
  });

  test('is the tables alone where these do not say how far they are (WS1)', () => {
    const tables = tablesAfter(EVENTS, 2);
    tables.commit((batch) => batch.put(encodeKey(['meta', 'applied']), Buffer.from('x')));
    const { reader, unapplied, problems } = readWholeState(tables, journalOf(EVENTS), COUNTERS);
    assert.deepEqual([reader, unapplied], [tables, 0]);
    assert.match(problems.join(), /meta applied is no number/);
  });
});
