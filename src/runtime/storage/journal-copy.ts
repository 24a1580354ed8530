// Journal copy
//
// Groups of a journal, written anew into one segment of their own: for a copy of a data directory, and for a repair.
//
// JC1. The file counts as a segment only when all of its groups are on the disk: its first page is written last.
// JC2. A segment that begins with a group before the first one needed does no harm: readers pass over it.

import { randomInt } from 'node:crypto';
import type { Disk, DiskFile } from './disk.js';
import { GROUP_HEADER_BYTES, PAGE_BYTES, paged, writeGroupHeader, writeSegmentHeader } from './group-format.js';
import type { Group } from './group-reader.js';
import { SALT_MAX } from './segment-log.js';
import { newSegmentName } from './segments.js';

export class SegmentCopy {
  readonly #disk: Disk;
  readonly #number: number;
  readonly #salt = randomInt(SALT_MAX);
  #file: DiskFile | undefined;
  #firstGroup = 0;
  #position = PAGE_BYTES;

  /** Of a segment with this number, greater than that of any other on the disk. Without a group there is no file. */
  constructor(disk: Disk, number: number) {
    this.#disk = disk;
    this.#number = number;
  }

  /** The group after the last one given. */
  append({ number, seqBefore, records }: Group): void {
    if (this.#file === undefined) {
      this.#file = this.#disk.create(newSegmentName());
      this.#firstGroup = number;
    }
    const length = GROUP_HEADER_BYTES + records.length;
    const bytes = Buffer.alloc(paged(length));
    records.copy(bytes, GROUP_HEADER_BYTES);
    writeGroupHeader(bytes, 0, length, { number, seqBefore }, this.#salt);
    this.#file.write(bytes, bytes.length, this.#position);
    this.#position += bytes.length;
  }

  /** Blocks until all of it is on the disk (JC1). */
  end(): void {
    const file = this.#file;
    if (file === undefined) return;
    file.flush();
    const page = Buffer.alloc(PAGE_BYTES);
    writeSegmentHeader(page, { number: this.#number, firstGroup: this.#firstGroup, salt: this.#salt });
    file.write(page, page.length, 0);
    file.flush();
    this.#disk.flushNames();
    file.close();
    this.#file = undefined;
  }

  /** Leaves nothing behind. */
  abandon(): void {
    const file = this.#file;
    if (file === undefined) return;
    file.close();
    this.#disk.remove(file.name);
    this.#file = undefined;
  }
}
