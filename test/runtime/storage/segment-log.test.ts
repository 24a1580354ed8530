import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { type Disk, RealDisk } from '../../../src/runtime/storage/disk.js';
import { GROUP_HEADER_BYTES, PAGE_BYTES } from '../../../src/runtime/storage/group-format.js';
import { GroupReader } from '../../../src/runtime/storage/group-reader.js';
import { SPARES_MAX } from '../../../src/runtime/storage/segment-log.js';
import { listSegments, makeSegmentFile } from '../../../src/runtime/storage/segments.js';
import { StorageError } from '../../../src/runtime/storage/storage-error.js';
import { Random } from '../../fuzz/random.js';
import { RecordingDisk } from './recording-disk.js';
import { assertSame, PAGE_OF_RECORDS, PAGES_IN_SEGMENT, readToEnd, SEGMENT_BYTES, Writer } from './segment-writer.js';

const directory = mkdtempSync(join(tmpdir(), 'troupe-segments-'));
after(() => rmSync(directory, { recursive: true, force: true }));
let directories = 0;

const disks: readonly { readonly name: string; readonly make: () => Disk }[] = [
  { name: 'a real directory', make: () => new RealDisk(join(directory, String(directories++))) },
  { name: 'the recording disk', make: () => new RecordingDisk(new Random(1)) },
];

const segmentFiles = (disk: Disk) => disk.list().length;
const sizeOf = (disk: Disk, name: string) => {
  const file = disk.open(name);
  file.close();
  return file.size;
};

const size = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 3 * PAGE_BYTES }) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: -2, max: 2 })).map(([pages, by]) => {
      return Math.max(1, pages * PAGE_BYTES - GROUP_HEADER_BYTES + by);
    }),
  },
  { weight: 1, arbitrary: fc.integer({ min: SEGMENT_BYTES, max: 2 * SEGMENT_BYTES }) },
);

for (const { name, make } of disks) {
  describe(`a segment log over ${name}`, () => {
    it('gives back every group in order, whole, to one who follows and to one who comes later (SL1, GR1)', () => {
      fc.assert(
        fc.property(fc.array(fc.record({ size, follow: fc.boolean() }), { maxLength: 25 }), fc.nat(), (steps, from) => {
          const disk = make();
          const writer = new Writer(disk);
          const reader = new GroupReader(disk, 1);
          const followed: Buffer[] = [];
          const follow = () => {
            for (let group = reader.next(writer.last); group !== undefined; group = reader.next(writer.last)) {
              followed.push(group.records);
            }
          };
          for (const step of steps) {
            writer.append(step.size);
            if (step.follow) follow();
          }
          follow();
          assertSame(followed, writer.written);
          const start = 1 + (from % (writer.last + 1));
          assertSame(readToEnd(disk, start), writer.written.slice(start - 1));
          reader.close();
          writer.log.close();
        }),
        { numRuns: 40 },
      );
    });

    it('keeps what was read as it was while the log goes on', () => {
      const disk = make();
      const writer = new Writer(disk);
      const reader = new GroupReader(disk, 1);
      writer.append(100);
      const first = reader.next(1)!.records;
      for (let i = 0; i < 40; i++) {
        writer.append(PAGE_OF_RECORDS);
        reader.next(writer.last);
        writer.log.release(writer.last);
      }
      assertSame([first], writer.written.slice(0, 1));
      reader.close();
      writer.log.close();
    });

    it('uses a segment again when all its groups are applied, and never before (SL3)', () => {
      const disk = make();
      const writer = new Writer(disk);
      const round = Array<number>(PAGES_IN_SEGMENT).fill(PAGE_OF_RECORDS);
      writer.append(...round, ...round, ...round);
      assert.equal(segmentFiles(disk), 3);
      writer.log.release(PAGES_IN_SEGMENT - 1);
      writer.append(...round);
      assert.equal(segmentFiles(disk), 4);
      assertSame(readToEnd(disk, 1), writer.written);
      writer.log.release(2 * PAGES_IN_SEGMENT);
      writer.append(...round, ...round);
      assert.equal(segmentFiles(disk), 4);
      assert.equal(writer.log.segmentsInUse, 4);
      const kept = 2 * PAGES_IN_SEGMENT;
      assertSame(readToEnd(disk, kept + 1), writer.written.slice(kept));
      writer.log.close();
    });

    it(`keeps at most ${SPARES_MAX} spares, and gives the rest back`, () => {
      const disk = make();
      const writer = new Writer(disk);
      for (let i = 0; i < SPARES_MAX + 5; i++) writer.append(PAGES_IN_SEGMENT * PAGE_BYTES - GROUP_HEADER_BYTES);
      assert.equal(segmentFiles(disk), SPARES_MAX + 5);
      writer.log.release(writer.last);
      assert.equal(segmentFiles(disk), SPARES_MAX + 1);
      makeSegmentFile(disk, SEGMENT_BYTES).close();
      writer.log.addSpare(disk.list().at(-1)!);
      assert.equal(segmentFiles(disk), SPARES_MAX + 1);
      writer.log.close();
    });

    it('begins a segment of its own in every process, and takes over the files of the former one (SL4)', () => {
      const disk = make();
      const first = new Writer(disk);
      first.append(10, 10);
      first.log.close();
      const second = new Writer(disk, first.written);
      second.append(10);
      second.log.close();
      const third = new Writer(disk, second.written);
      third.append(10);
      third.log.close();
      assert.equal(segmentFiles(disk), 1);
      const [segment] = listSegments(disk).begun;
      assert.deepEqual([segment!.number, segment!.firstGroup], [3, 4]);
      assertSame(readToEnd(disk, 4), third.written.slice(3));
    });

    it('gives a group larger than a segment one of its own, which is not used again', () => {
      const disk = make();
      const writer = new Writer(disk);
      writer.append(10, 3 * SEGMENT_BYTES, 10);
      assert.equal(segmentFiles(disk), 3);
      assertSame(readToEnd(disk, 1), writer.written);
      writer.log.release(writer.last);
      writer.append(...Array<number>(3 * PAGES_IN_SEGMENT).fill(PAGE_OF_RECORDS));
      const sizes = disk.list().map((each) => sizeOf(disk, each));
      assert.deepEqual(new Set(sizes), new Set([SEGMENT_BYTES]));
      writer.log.close();
    });

    it('discards what was not made to its end, or for another size', () => {
      const disk = make();
      makeSegmentFile(disk, SEGMENT_BYTES / 2).close();
      disk.create('half.segment').close();
      const writer = new Writer(disk);
      writer.append(10);
      assert.deepEqual(
        disk.list().map((each) => sizeOf(disk, each)),
        [SEGMENT_BYTES],
      );
      writer.log.close();
    });
  });
}

describe('what the disk refused', () => {
  const refusals = [
    { what: 'flush', fault: { code: 'EIO' } },
    { what: 'write', fault: { code: 'EIO' } },
    { what: 'write', fault: { code: 'ENOSPC', taken: PAGE_BYTES + 100 } },
  ] as const;
  for (const { what, fault } of refusals) {
    it(`is a group that is not read again, and its segment takes nothing more: ${what}, ${JSON.stringify(fault)} (SL1, SL2)`, () => {
      const disk = new RecordingDisk(new Random(2));
      const writer = new Writer(disk);
      const reader = new GroupReader(disk, 1);
      writer.append(100, 100);
      reader.next(writer.last);
      const [failed] = disk.list();
      disk.faultOf = ({ kind }) => (kind === what ? fault : undefined);
      assert.throws(() => writer.append(2 * PAGE_BYTES), StorageError);
      disk.faultOf = () => undefined;
      // One who follows looks before the number is taken by another group, and finds out by itself where that is.
      assertSame([reader.next(writer.last)!.records], writer.written.slice(1));
      const before = disk.bytesOf(failed!);
      writer.append(300, 400);
      assert.ok(disk.bytesOf(failed!).equals(before), 'the segment was written again');
      assertSame([reader.next(writer.last)!.records, reader.next(writer.last)!.records], writer.written.slice(2));
      assertSame(readToEnd(disk, 1), writer.written);
      writer.log.release(writer.last);
      for (let i = 0; i < 40; i++) writer.append(PAGE_OF_RECORDS);
      assert.ok(!disk.list().includes(failed!), 'the file was kept');
    });
  }

  it('keeps its number when the beginning of its segment failed too, however often (GR1)', () => {
    const disk = new RecordingDisk(new Random(3));
    const writer = new Writer(disk);
    writer.append(PAGES_IN_SEGMENT * PAGE_BYTES - GROUP_HEADER_BYTES);
    const full = disk.list()[0];
    disk.faultOf = (each) => (each.kind === 'flush' && each.name !== full ? { code: 'EIO' } : undefined);
    for (let i = 0; i < 3; i++) assert.throws(() => writer.append(50), StorageError);
    disk.faultOf = () => undefined;
    writer.append(60, 70);
    assertSame(readToEnd(disk, 1), writer.written);
    assert.equal(new GroupReader(disk, 2).next(2)!.records.length, 60);
  });

  it('does not stop the log when it is the removal of a file', () => {
    const disk = new RecordingDisk(new Random(4));
    const writer = new Writer(disk);
    disk.faultOf = ({ kind }) => (kind === 'remove' ? { code: 'EROFS' } : undefined);
    for (let i = 0; i < SPARES_MAX + 2; i++) writer.append(PAGES_IN_SEGMENT * PAGE_BYTES);
    writer.log.release(writer.last);
    writer.append(10);
    assertSame(readToEnd(disk, writer.last), writer.written.slice(-1));
  });
});

describe('a segment log that takes over', () => {
  it('makes the names durable before it begins, so that no file that is gone comes back with a number given out again', () => {
    const disk = new RecordingDisk(new Random(5));
    makeSegmentFile(disk, SEGMENT_BYTES).close();
    disk.operations.length = 0;
    const writer = new Writer(disk);
    writer.append(10);
    const kinds = disk.operations.map(({ kind }) => kind);
    assert.ok(kinds.indexOf('flushNames') !== -1 && kinds.indexOf('flushNames') < kinds.indexOf('write'));
  });
});
