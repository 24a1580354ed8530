// Group reader
//
// The reading end of the journal: groups in order, from any number that is still there. One follows the writer while the
// server runs; one reads what a process left behind.
//
// Owns:     its place in the segments.
// Does not: know which groups are durable (its caller says up to where), or write.
//
// GR1. Groups come in the order of their numbers, each once, without a gap.
// GR2. Reading to the end: what was not written whole ends the journal. When something later is whole, so that it cannot
//      have been the last write, the journal is damaged and that place is named.
// GR3. Reading up to a durable group: it is there, or the journal is damaged.

import type { DiskFile, DiskReader } from './disk.js';
import { claimedNumber, GROUP_HEADER_BYTES, groupLength, PAGE_BYTES, paged, readGroupHeader } from './group-format.js';
import { listSegments, type Segment } from './segments.js';
import { StorageError } from './storage-error.js';

/** Read at a time; a larger group is read in one piece. */
const WINDOW_BYTES = 1024 * 1024;

export interface Group {
  /** From 1, without gaps. */
  readonly number: number;
  /** The number of the last event before it. */
  readonly seqBefore: number;
  /** Commit records, one after the other. A view that stays as it is. */
  readonly records: Buffer;
}

/** The place where the journal is not what was written. */
export class JournalDamage extends StorageError {
  constructor(
    readonly segment: string,
    readonly at: number,
    /** The group that should be there. */
    readonly group: number,
    what: string,
  ) {
    super(`The journal is damaged: segment ${segment}, byte ${at}, where group ${group} should be: ${what}.`);
  }
}

interface Place {
  readonly segment: Segment;
  readonly file: DiskFile;
  /** Groups from this number on are in a later segment. */
  until: number;
  at: number;
}

export class GroupReader {
  readonly #disk: DiskReader;
  #next: number;
  #place: Place | undefined;
  /** Groups after this one may be in a segment that was begun since the place was found. */
  #foundUpTo = 0;
  #window = Buffer.alloc(0);
  #windowAt = 0;
  /** Groups after this one may have been written since the window was read. */
  #windowUpTo = 0;

  /** Begins with this group. */
  constructor(disk: DiskReader, from: number) {
    this.#disk = disk;
    this.#next = from;
  }

  /** The group that is read next. */
  get position(): number {
    return this.#next;
  }

  /** The next group, if its number is at most `durable` (GR3). Throws JournalDamage, or what the disk throws. */
  next(durable: number): Group | undefined {
    if (this.#next > durable) return undefined;
    if (this.#windowUpTo < this.#next) this.#forgetWindow();
    const group = this.#read(durable);
    if (group === undefined) throw this.#damage('it is not there');
    return group;
  }

  /** The next group of a journal that nobody writes, or undefined at its end (GR2). Throws as next() does. */
  nextToEnd(): Group | undefined {
    const group = this.#read(Number.POSITIVE_INFINITY);
    if (group === undefined) this.#mustBeTheEnd();
    return group;
  }

  close(): void {
    this.#place?.file.close();
    this.#place = undefined;
    this.#foundUpTo = 0;
  }

  #read(upTo: number): Group | undefined {
    // A group that was refused may lie whole where this one would follow: who has the number is known once it is durable.
    if (this.#foundUpTo < this.#next) this.#find(upTo);
    for (let place = this.#place; place !== undefined; place = this.#place) {
      const group = this.#next < place.until ? this.#readAt(place, upTo) : undefined;
      if (group === undefined) {
        // The writer may have begun another segment since this one was found.
        if (!this.#find(upTo)) return undefined;
        continue;
      }
      if (group.number < this.#next) continue;
      if (group.number > this.#next) throw this.#damage(`group ${group.number} is there`);
      this.#next++;
      return group;
    }
    return undefined;
  }

  /** Goes to the last segment that begins with the next group or before it; false when that is where it was. */
  #find(upTo: number): boolean {
    const { begun } = listSegments(this.#disk);
    const index = begun.findLastIndex(({ firstGroup }) => firstGroup <= this.#next);
    const segment = begun[index];
    if (segment === undefined) return false;
    const until = begun[index + 1]?.firstGroup ?? Number.POSITIVE_INFINITY;
    const isSame = segment.number === this.#place?.segment.number;
    if (isSame) {
      this.#place!.until = until;
    } else {
      const file = this.#disk.open(segment.name);
      this.#place?.file.close();
      this.#place = { segment, file, until, at: PAGE_BYTES };
      this.#forgetWindow();
    }
    this.#foundUpTo = upTo;
    return !isSame;
  }

  /** The group at a place, which is then behind it; undefined when there is none. */
  #readAt(place: Place, upTo: number): Group | undefined {
    const length = this.#lengthAt(place, upTo);
    if (length === undefined) return undefined;
    const from = place.at - this.#windowAt;
    const header = readGroupHeader(this.#window, from, length, place.segment.salt);
    if (header === undefined) return undefined;
    place.at += paged(length);
    const records = this.#window.subarray(from + GROUP_HEADER_BYTES, from + length);
    return { number: header.number, seqBefore: header.seqBefore, records };
  }

  /** The length of the group at a place, when all of it is in the window. */
  #lengthAt(place: Place, upTo: number): number | undefined {
    if (!this.#holds(place.at, GROUP_HEADER_BYTES)) this.#load(place, WINDOW_BYTES, upTo);
    const length = groupLength(this.#window, place.at - this.#windowAt);
    // A segment grows with its first group only, and is found when that is there: no whole group ends behind the file.
    if (length === undefined || length > place.file.size - place.at) return undefined;
    if (!this.#holds(place.at, length)) this.#load(place, Math.max(length, WINDOW_BYTES), upTo);
    return this.#holds(place.at, length) ? length : undefined;
  }

  #holds(at: number, bytes: number): boolean {
    return at >= this.#windowAt && at + bytes <= this.#windowAt + this.#window.length;
  }

  /** A window of its own each time: groups that were handed out lie in the former one. */
  #load(place: Place, bytes: number, upTo: number): void {
    const window = Buffer.allocUnsafeSlow(bytes);
    this.#window = window.subarray(0, place.file.read(window, place.at));
    this.#windowAt = place.at;
    this.#windowUpTo = upTo;
  }

  #forgetWindow(): void {
    this.#window = Buffer.alloc(0);
    this.#windowAt = 0;
  }

  /** Nothing that is whole may come after the end, in this segment or in another (GR2). */
  #mustBeTheEnd(): void {
    const { begun, blank } = listSegments(this.#disk);
    const later = begun.find(({ firstGroup }) => firstGroup > this.#next);
    if (later !== undefined) {
      throw this.#damage(`it is not whole, and segment ${later.name} begins with group ${later.firstGroup}`);
    }
    for (const name of blank) this.#mustHoldNothing(name);
    const place = this.#place;
    if (place === undefined) return;
    for (let at = place.at + PAGE_BYTES; at < place.file.size; at += PAGE_BYTES) {
      // What a client sent may look like the beginning of a group: its checksum is not asked for without a reason.
      const number = this.#claimedAt(place, at);
      if (number === undefined || number < this.#next || number - this.#next > (at - place.at) / PAGE_BYTES) continue;
      const group = this.#readAt({ ...place, at }, Number.POSITIVE_INFINITY);
      // The next one itself, when what is not whole was before it.
      if (group !== undefined && group.number >= this.#next) {
        throw this.#damage(`it is not whole, and group ${group.number} is at byte ${at}`);
      }
    }
  }

  #claimedAt(place: Place, at: number): number | undefined {
    if (!this.#holds(at, GROUP_HEADER_BYTES)) this.#load({ ...place, at }, WINDOW_BYTES, Number.POSITIVE_INFINITY);
    return claimedNumber(this.#window, at - this.#windowAt);
  }

  /** A segment without a sound first page has lost its salt: what it claims to hold is all that is known. */
  #mustHoldNothing(name: string): void {
    const file = this.#disk.open(name);
    try {
      const page = Buffer.alloc(PAGE_BYTES);
      file.read(page, 0);
      // A file that was made and never begun.
      if (page.every((byte) => byte === 0)) return;
      for (let at = PAGE_BYTES; at < file.size; at += PAGE_BYTES) {
        const length = file.read(page, at);
        const number = claimedNumber(page.subarray(0, length), 0);
        // One group could be the last write, that nobody was told of; a second one was written after its flush.
        if (number !== undefined && number > this.#next) {
          throw new JournalDamage(name, 0, this.#next, `its first page is damaged, and group ${number} is in it`);
        }
      }
    } finally {
      file.close();
    }
  }

  #damage(what: string): JournalDamage {
    return new JournalDamage(this.#place?.segment.name ?? 'none', this.#place?.at ?? 0, this.#next, what);
  }
}
