import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { copyJournal } from '../../../src/runtime/storage/data-directory-copy.js';
import type { Disk } from '../../../src/runtime/storage/disk.js';
import { PAGE_BYTES } from '../../../src/runtime/storage/group-format.js';
import { GroupReader, JournalDamage } from '../../../src/runtime/storage/group-reader.js';
import { MemoryStore } from '../../../src/runtime/storage/memory-store.js';
import { writeMetaNumber } from '../../../src/runtime/storage/meta.js';
import { SegmentLog } from '../../../src/runtime/storage/segment-log.js';
import { listSegments } from '../../../src/runtime/storage/segments.js';
import { Random } from '../../fuzz/random.js';
import { RecordingDisk } from './recording-disk.js';

const SEGMENT_BYTES = 5 * PAGE_BYTES;

/** Groups 1 to `last`, of some bytes each. */
function journalOf(last: number): RecordingDisk {
  const disk = new RecordingDisk(new Random(last));
  const log = new SegmentLog(disk, SEGMENT_BYTES);
  for (let number = 1; number <= last; number++) appendTo(log, number);
  return disk;
}

function appendTo(log: SegmentLog, number: number): void {
  const records = recordsOf(number);
  log.append({ number, seqBefore: number * 10 }, [records], records.length);
}

function recordsOf(number: number): Buffer {
  return Buffer.from(`group ${number} `.repeat(1 + ((number * 97) % 700)));
}

function tablesAt(applied: number): MemoryStore {
  const store = new MemoryStore();
  store.commit((batch) => writeMetaNumber(batch, ['applied'], applied));
  return store;
}

/** The numbers of all groups from this one to the end, as a start reads them. */
function readToEnd(disk: Disk, from: number): number[] {
  const reader = new GroupReader(disk, from);
  const numbers: number[] = [];
  for (let group = reader.nextToEnd(); group !== undefined; group = reader.nextToEnd()) {
    assert.equal(group.seqBefore, group.number * 10);
    assert.ok(group.records.equals(recordsOf(group.number)), `group ${group.number} is another`);
    numbers.push(group.number);
  }
  return numbers;
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}

describe('the copy of a journal', () => {
  test('is one segment, in which a start finds what follows tables that are as old, or newer (JC2, DC2)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat({ max: 40 }), (last, applied) => {
        fc.pre(applied < last);
        const copy = new RecordingDisk(new Random(0));
        copyJournal(tablesAt(applied), journalOf(last), copy);
        const { begun, blank } = listSegments(copy);
        assert.deepEqual([begun.map(({ firstGroup }) => firstGroup), blank], [[applied + 1], []]);
        for (let from = applied + 1; from <= last + 5; from++) {
          assert.deepEqual(readToEnd(copy, from), numbers(from, last));
        }
      }),
    );
  });

  test('is a journal that a server goes on with', () => {
    const copy = new RecordingDisk(new Random(0));
    copyJournal(tablesAt(4), journalOf(20), copy);
    const log = new SegmentLog(copy, SEGMENT_BYTES);
    for (let number = 21; number <= 40; number++) appendTo(log, number);
    assert.deepEqual(readToEnd(copy, 21), numbers(21, 40));
  });

  test('has no file when every group is in the tables', () => {
    const copy = new RecordingDisk(new Random(0));
    copyJournal(tablesAt(20), journalOf(20), copy);
    copyJournal(tablesAt(0), new RecordingDisk(new Random(0)), copy);
    assert.deepEqual(copy.list(), []);
  });

  test('is, when the power goes while it is made, nothing or whole, and whole when it is done (JC1)', () => {
    const source = journalOf(12);
    const cuts: RecordingDisk[] = [];
    const copy = new RecordingDisk(new Random(0));
    copy.afterEach = () => {
      for (let seed = 0; seed < 20; seed++) cuts.push(copy.afterPowerCut(new Random(seed)));
    };
    copyJournal(tablesAt(2), source, copy);
    const found = cuts.map((cut) => readToEnd(cut, 3).length);
    assert.deepEqual([...new Set(found)].sort(), [0, 10]);
    assert.deepEqual(new Set(found.slice(-20)), new Set([10]));
  });

  test('is not made of a journal that is damaged, and leaves no file then (DC3)', () => {
    const source = journalOf(20);
    const [, , third] = listSegments(source).begun;
    source.overwrite(third!.name, Buffer.from('x'), PAGE_BYTES);
    const copy = new RecordingDisk(new Random(0));
    assert.throws(() => copyJournal(tablesAt(0), source, copy), JournalDamage);
    assert.deepEqual(copy.list(), []);
  });

  test('leaves no file when its disk is full', () => {
    const copy = new RecordingDisk(new Random(0));
    copy.faultOf = ({ kind }) => (kind === 'flush' ? { code: 'ENOSPC' } : undefined);
    assert.throws(() => copyJournal(tablesAt(0), journalOf(20), copy), /ENOSPC/);
    assert.deepEqual(copy.list(), []);
  });
});
