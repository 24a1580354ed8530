// Writes groups of random bytes to a segment log, and reads them back as a start of the server would.

import assert from 'node:assert/strict';
import type { Disk } from '../../../src/runtime/storage/disk.js';
import { GROUP_HEADER_BYTES, PAGE_BYTES } from '../../../src/runtime/storage/group-format.js';
import { GroupReader } from '../../../src/runtime/storage/group-reader.js';
import { SegmentLog } from '../../../src/runtime/storage/segment-log.js';
import { Random } from '../../fuzz/random.js';

export const SEGMENT_BYTES = 8 * PAGE_BYTES;
/** Of records, so that a group with its header takes exactly a page. */
export const PAGE_OF_RECORDS = PAGE_BYTES - GROUP_HEADER_BYTES;
/** Seven of these fill a segment. */
export const PAGES_IN_SEGMENT = SEGMENT_BYTES / PAGE_BYTES - 1;

/** Appends groups of random bytes with the next numbers, and remembers them. */
export class Writer {
  readonly log: SegmentLog;
  readonly written: Buffer[];
  readonly first: number;

  constructor(disk: Disk, written: Buffer[] = []) {
    this.log = new SegmentLog(disk, SEGMENT_BYTES);
    this.written = written;
    this.first = written.length + 1;
  }

  get last(): number {
    return this.written.length;
  }

  append(...sizes: number[]): void {
    for (const size of sizes) {
      const records = randomBytes(size, this.last);
      const half = size >> 1;
      const number = this.last + 1;
      this.log.append({ number, seqBefore: number * 10 }, [records.subarray(0, half), records.subarray(half)], size);
      this.written.push(records);
    }
  }
}

function randomBytes(size: number, seed: number): Buffer {
  const random = new Random(seed);
  return Buffer.from(Uint8Array.from({ length: size }, () => random.below(256)));
}

/** Groups from this number to the end, as a start reads them. */
export function readToEnd(disk: Disk, from: number): Buffer[] {
  const reader = new GroupReader(disk, from);
  const groups: Buffer[] = [];
  try {
    for (let group = reader.nextToEnd(); group !== undefined; group = reader.nextToEnd()) {
      assert.equal(group.number, from + groups.length);
      assert.equal(group.seqBefore, group.number * 10);
      groups.push(group.records);
    }
    return groups;
  } finally {
    reader.close();
  }
}

export function assertSame(found: readonly Buffer[], expected: readonly Buffer[]): void {
  assert.deepEqual(
    found.map((bytes) => bytes.length),
    expected.map((bytes) => bytes.length),
  );
  assert.ok(found.every((bytes, index) => bytes.equals(expected[index]!)));
}
