// Segment log
//
// The writing end of the journal: groups, one after the other, each durable when append() returns. The only one who
// writes to segments.
//
// Owns:     the segment in use, the closed ones until they are applied, and the spares.
// Does not: choose what makes a group (journal.ts), or read (group-reader.ts).
//
// SL1. append() returns when the group is on the disk. When it throws, the group was refused, whatever the disk has of it.
// SL2. After a failed write or flush its segment takes no more groups, and this process never uses its file again: what
//      the kernel still holds of it in memory cannot be told from what the disk has.
// SL3. A segment is used again only when every group in it has been applied.
// SL4. Every process begins a segment of its own.
// SL5. What taint() was told of leaves by it, or by takeTainted(): it comes back as a spare, or not at all.

import { randomInt } from 'node:crypto';
import type { Disk, DiskFile } from './disk.js';
import {
  GROUP_HEADER_BYTES,
  type GroupHeader,
  PAGE_BYTES,
  paged,
  writeGroupHeader,
  writeSegmentHeader,
} from './group-format.js';
import { listSegments, makeSegmentFile } from './segments.js';
import { StorageError } from './storage-error.js';

/** More spares than this are given back to the file system. */
export const SPARES_MAX = 8;
/** The staging buffer starts with this size, and goes back to it after a larger group. */
const STAGING_BYTES = 1024 * 1024;
/** Salts are below. */
export const SALT_MAX = 2 ** 32;

/** A segment that is, or was, written by this process. */
interface OpenSegment {
  readonly file: DiskFile;
  readonly number: number;
  readonly salt: number;
  readonly firstGroup: number;
  lastGroup: number;
  /** Where the next group goes; 0 while not even the header is written. */
  position: number;
  /** A write or flush failed (SL2). */
  failed: boolean;
  /** It is not used again before it was wiped (SL5). */
  isTainted: boolean;
}

export class SegmentLog {
  readonly #disk: Disk;
  readonly #segmentBytes: number;
  readonly #spares: DiskFile[] = [];
  readonly #closed: OpenSegment[] = [];
  /** Let go of, and not taken yet. */
  readonly #tainted: string[] = [];
  #current: OpenSegment | undefined;
  #lastNumber: number;
  /** The number of the last group that is in the tables. */
  #applied = 0;
  #staging = Buffer.allocUnsafeSlow(STAGING_BYTES);

  /** Takes over all files of a journal whose groups are all applied. */
  constructor(disk: Disk, segmentBytes: number) {
    this.#disk = disk;
    this.#segmentBytes = segmentBytes;
    const { begun, blank } = listSegments(disk);
    this.#lastNumber = begun.at(-1)?.number ?? 0;
    for (const name of [...begun.map((segment) => segment.name), ...blank]) {
      const file = disk.open(name);
      // One that was not made to its end, or for another size.
      if (file.size === segmentBytes) this.#keep(file);
      else this.#discard(file);
    }
    // A file that is gone, also one that a former process removed, must not come back with a number given out again.
    disk.flushNames();
  }

  /** True when the segment in use is more than half full and nothing lies ready to follow it. */
  get needsSpare(): boolean {
    return this.#spares.length === 0 && (this.#current?.position ?? this.#segmentBytes) * 2 > this.#segmentBytes;
  }

  /** Segments that hold groups which are not applied yet, or may. */
  get segmentsInUse(): number {
    return this.#closed.length + (this.#current === undefined ? 0 : 1);
  }

  /** A file that somebody else made. One that cannot be opened now is left for the next process. */
  addSpare(name: string): void {
    try {
      this.#keep(this.#disk.open(name));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }

  /** Names of all spares, which are no longer its own; those in use and closed follow, by takeTainted() (SL5). */
  taint(): string[] {
    for (const segment of this.#closed) segment.isTainted = true;
    if (this.#current !== undefined) this.#current.isTainted = true;
    return this.#spares.splice(0).map(nameOfClosed);
  }

  /** The next group begins another segment, if the one in use is tainted. */
  roll(): void {
    if (this.#current?.isTainted === true) this.#close();
    this.#recycle();
  }

  /** Names of the tainted ones whose groups are all in the tables: they are no longer its own. */
  takeTainted(): string[] {
    return this.#tainted.splice(0);
  }

  /** Tainted segments that hold groups which are not in the tables, or may. */
  get taintedInUse(): number {
    const isInUse = this.#current?.isTainted === true ? 1 : 0;
    return this.#closed.filter(({ isTainted }) => isTainted).length + isInUse;
  }

  /** `records`: `bytes` of them in all, in order. Blocks until they are on the disk; throws a StorageError (SL1). */
  append(group: GroupHeader, records: readonly Uint8Array[], bytes: number): void {
    const length = GROUP_HEADER_BYTES + bytes;
    const segment = this.#segmentFor(group.number, paged(length));
    const isFresh = segment.position === 0;
    const start = isFresh ? PAGE_BYTES : 0;
    const end = start + paged(length);
    const staging = this.#room(end);
    let at = start + GROUP_HEADER_BYTES;
    for (const part of records) {
      staging.set(part, at);
      at += part.length;
    }
    staging.fill(0, at, end);
    if (isFresh) writeSegmentHeader(staging, segment);
    writeGroupHeader(staging, start, length, group, segment.salt);
    try {
      segment.file.write(staging, end, segment.position);
      segment.file.flush();
    } catch (error) {
      segment.failed = true;
      this.#close();
      // When nothing is behind, nobody comes to release it, and it may hold the very space that is missing.
      this.#recycle();
      throw refused(error);
    }
    segment.position += end;
    segment.lastGroup = group.number;
    if (staging.length > STAGING_BYTES) this.#staging = Buffer.allocUnsafeSlow(STAGING_BYTES);
  }

  /** All groups up to this number are in the tables, durably (SL3). */
  release(applied: number): void {
    this.#applied = applied;
    this.#recycle();
  }

  #recycle(): void {
    while (this.#closed.length > 0 && this.#closed[0]!.lastGroup <= this.#applied) {
      const { file, failed, position, isTainted } = this.#closed.shift()!;
      // One that grew gives its space back.
      if (failed || position > this.#segmentBytes) this.#discard(file);
      else if (isTainted) this.#tainted.push(nameOfClosed(file));
      else this.#keep(file);
    }
  }

  close(): void {
    this.#close();
    for (const { file } of this.#closed) file.close();
    for (const file of this.#spares) file.close();
  }

  #segmentFor(group: number, bytes: number): OpenSegment {
    const current = this.#current;
    // A group larger than a segment has one of its own, which grows.
    if (current !== undefined && (current.position === 0 || current.position + bytes <= this.#segmentBytes))
      return current;
    this.#close();
    this.#recycle();
    const file = this.#spares.pop() ?? this.#make();
    this.#current = {
      file,
      number: ++this.#lastNumber,
      salt: randomInt(SALT_MAX),
      firstGroup: group,
      lastGroup: group - 1,
      position: 0,
      failed: false,
      isTainted: false,
    };
    return this.#current;
  }

  #make(): DiskFile {
    try {
      return makeSegmentFile(this.#disk, this.#segmentBytes);
    } catch (error) {
      throw refused(error);
    }
  }

  #close(): void {
    if (this.#current !== undefined) this.#closed.push(this.#current);
    this.#current = undefined;
  }

  #keep(file: DiskFile): void {
    if (this.#spares.length < SPARES_MAX) this.#spares.push(file);
    else this.#discard(file);
  }

  #discard(file: DiskFile): void {
    try {
      file.close();
      this.#disk.remove(file.name);
    } catch {
      // It costs space and nothing else: no group depends on a file that is gone, and the next process takes it over.
    }
  }

  #room(bytes: number): Buffer {
    if (bytes > this.#staging.length) this.#staging = Buffer.allocUnsafeSlow(bytes);
    return this.#staging;
  }
}

function nameOfClosed(file: DiskFile): string {
  file.close();
  return file.name;
}

function refused(error: unknown): StorageError {
  const reason = error instanceof Error ? error.message : String(error);
  return new StorageError(`The disk refused a group of the journal: ${reason}.`, { cause: error });
}
