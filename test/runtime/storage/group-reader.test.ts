import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { GROUP_HEADER_BYTES, PAGE_BYTES } from '../../../src/runtime/storage/group-format.js';
import { GroupReader, JournalDamage } from '../../../src/runtime/storage/group-reader.js';
import { SPARES_MAX } from '../../../src/runtime/storage/segment-log.js';
import { listSegments } from '../../../src/runtime/storage/segments.js';
import { StorageError } from '../../../src/runtime/storage/storage-error.js';
import { Random } from '../../fuzz/random.js';
import { RecordingDisk } from './recording-disk.js';
import { assertSame, PAGE_OF_RECORDS, PAGES_IN_SEGMENT, readToEnd, Writer } from './segment-writer.js';

describe('a group reader', () => {
  /** Three groups in one segment, and one more in the next; the second takes two pages. */
  function written() {
    const disk = new RecordingDisk(new Random(6));
    const writer = new Writer(disk);
    writer.append(500, PAGE_BYTES, 500, (PAGES_IN_SEGMENT - 3) * PAGE_BYTES);
    const [first, second] = listSegments(disk).begun.map((segment) => segment.name);
    return { disk, writer, first: first!, second: second! };
  }
  const flipped = (disk: RecordingDisk, segment: string, at: number, by: number) =>
    disk.overwrite(segment, Buffer.of(disk.bytesOf(segment)[at]! ^ by), at);
  const start = { 1: PAGE_BYTES, 2: 2 * PAGE_BYTES, 3: 4 * PAGE_BYTES };

  it('ends where the last write was torn, wherever that is (GR2, GF1)', () => {
    for (let sector = 0; sector < 16; sector++) {
      const { disk, writer, second } = written();
      disk.overwrite(second, Buffer.alloc(512), PAGE_BYTES + sector * 512);
      assertSame(readToEnd(disk, 1), writer.written.slice(0, 3));
    }
  });

  it('names the place of a changed byte in any group that has a whole one behind it (GR2, GF1)', () => {
    const bytes = { 1: GROUP_HEADER_BYTES + 500, 2: GROUP_HEADER_BYTES + PAGE_BYTES, 3: GROUP_HEADER_BYTES + 500 };
    const check = (group: 1 | 2 | 3, offset: number, by: number) => {
      const { disk, first } = written();
      flipped(disk, first, start[group] + (offset % bytes[group]), by);
      const isNamed = (error: unknown) =>
        error instanceof JournalDamage &&
        error.segment === first &&
        error.group === group &&
        error.at === start[group] &&
        error.message.includes(`byte ${start[group]}`);
      assert.throws(() => readToEnd(disk, 1), isNamed);
      const reader = new GroupReader(disk, group);
      assert.throws(() => reader.next(4), isNamed);
    };
    for (const group of [1, 2, 3] as const) {
      for (let offset = 0; offset < GROUP_HEADER_BYTES; offset++) check(group, offset, 1 << (offset % 8));
    }
    const flip = fc.tuple(
      fc.constantFrom(1 as const, 2 as const, 3 as const),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
    );
    fc.assert(fc.property(flip, ([group, offset, by]) => check(group, offset, by)));
  });

  it('names damage before the first group that is wanted, which hides it (GR2)', () => {
    const disk = new RecordingDisk(new Random(7));
    const writer = new Writer(disk);
    writer.append(500, 500, 500);
    flipped(disk, listSegments(disk).begun[0]!.name, start[1] + 100, 1);
    assert.throws(() => readToEnd(disk, 3), JournalDamage);
    assert.deepEqual(readToEnd(disk, 4), []);
  });

  it('names a damaged beginning of a segment that holds more than the last group (GR2)', () => {
    for (const at of [0, 4, 8, 12, 16, 24, 32]) {
      const disk = new RecordingDisk(new Random(8));
      const writer = new Writer(disk);
      writer.append(500, 500, 500);
      flipped(disk, listSegments(disk).begun[0]!.name, at, 4);
      assert.throws(() => readToEnd(disk, 1), StorageError);
      assert.throws(() => readToEnd(disk, 2), StorageError);
    }
  });

  it('names a segment that is missing', () => {
    const { disk, first, second } = written();
    const without = disk.copy(new Random(1));
    without.remove(first);
    assert.throws(() => readToEnd(without, 1), JournalDamage);
    disk.remove(second);
    assert.throws(() => new GroupReader(disk, 4).next(4), JournalDamage);
  });

  it('takes nothing for a group that was left from an earlier use of the file, or that a client sent (GF1)', () => {
    const disk = new RecordingDisk(new Random(9));
    const writer = new Writer(disk);
    writer.append(500, 500, 500);
    writer.log.close();
    const [name] = disk.list();
    const old = disk.bytesOf(name!);
    const next = new Writer(disk, writer.written.slice(0, 1));
    // The same numbers once more: the former second group lies whole behind the new one, and the third after it.
    next.append(400);
    assert.ok(
      disk
        .bytesOf(name!)
        .subarray(3 * PAGE_BYTES)
        .equals(old.subarray(3 * PAGE_BYTES)),
    );
    assertSame(readToEnd(disk, 2), next.written.slice(1));
    // A whole old group at the beginning of a page inside of a group that is then torn.
    const forged = Buffer.alloc(3 * PAGE_BYTES);
    old.copy(forged, PAGE_OF_RECORDS, 3 * PAGE_BYTES, 4 * PAGE_BYTES);
    next.log.append({ number: 3, seqBefore: 30 }, [forged], forged.length);
    const at = 2 * PAGE_BYTES;
    const page = (bytes: Buffer, number: number) => bytes.subarray(number * PAGE_BYTES, (number + 1) * PAGE_BYTES);
    assert.ok(page(disk.bytesOf(name!), 3).equals(page(old, 3)));
    disk.overwrite(name!, Buffer.alloc(512), at);
    assertSame(readToEnd(disk, 2), next.written.slice(1));
  });

  it('passes over a file that is removed while it looks', () => {
    const disk = new RecordingDisk(new Random(10));
    const writer = new Writer(disk);
    writer.append(...Array<number>(SPARES_MAX + 3).fill(PAGES_IN_SEGMENT * PAGE_BYTES - GROUP_HEADER_BYTES), 10);
    // The writer gives segments back between the reading of the directory and the opening of its files.
    const before = disk.list();
    writer.log.release(writer.last - 1);
    assert.ok(disk.list().length < before.length);
    const lists = [before];
    const late = { list: () => lists.shift() ?? disk.list(), open: (name: string) => disk.open(name) };
    assert.equal(listSegments(late).begun.at(-1)!.firstGroup, writer.last);
  });
});
