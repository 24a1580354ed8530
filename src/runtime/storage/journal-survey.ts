// Journal survey
//
// What is still whole in the segments of a journal, wherever it lies: for those who look at one that the group reader
// refuses to read on.
//
// JS1. A group counts when its checksum does, at the start of any page, and when its segment still held its number: what
//      was refused and written anew in a later segment is not taken for it.

import type { DiskReader } from './disk.js';
import {
  claimedNumber,
  GROUP_HEADER_BYTES,
  groupLength,
  PAGE_BYTES,
  paged,
  readGroupHeader,
  readSegmentHeader,
} from './group-format.js';
import type { Group } from './group-reader.js';
import { listSegments, openListed, type Segment } from './segments.js';

export interface Survey {
  /** Whole groups after `applied`, by their number. Together they hold all of their segments in memory. */
  readonly groups: ReadonlyMap<number, Group>;
  /** The number of the last group that was surely written, whole or not; at least `applied`. */
  readonly last: number;
  /** The files that may hold groups after `applied`, in the order of their segments. */
  readonly segments: readonly string[];
  /** The largest number of a segment, or 0. */
  readonly lastSegment: number;
}

/** Looks at all groups after `applied` in a journal that nobody writes. Reads whole segments, one after the other. */
export function surveyJournal(disk: DiskReader, applied: number): Survey {
  const { begun } = listSegments(disk);
  const first = segmentOf(begun, applied + 1);
  const segments: string[] = [];
  const groups = new Map<number, Group>();
  let last = applied;
  begun.forEach((segment, index) => {
    // A repair that was broken off has left one with a greater number that begins earlier.
    if (index < first && segment.firstGroup <= applied + 1) return;
    segments.push(segment.name);
    const until = begun[index + 1]?.firstGroup ?? Number.POSITIVE_INFINITY;
    last = Math.max(last, segment.firstGroup - 1);
    for (const group of wholeGroups(disk, segment)) {
      if (group.number <= applied || group.number >= until) continue;
      groups.set(group.number, group);
      last = Math.max(last, group.number);
    }
  });
  return { groups, last, segments, lastSegment: begun.at(-1)?.number ?? 0 };
}

/** Files whose first page is neither that of a segment nor blank. Reads the first page of all that never were begun. */
export function unreadableSegments(disk: DiskReader): string[] {
  // Twice: one that was just being begun is whole at the second look.
  const isUnreadable = (name: string) => {
    const page = readAt(disk, name, 0, PAGE_BYTES);
    return readSegmentHeader(page) === undefined && page.some((byte) => byte !== 0);
  };
  return listSegments(disk).blank.filter(isUnreadable).filter(isUnreadable);
}

/** `next`, when the journal ends with a part of that group; undefined when it ends with the one before it. */
export function tornGroup(disk: DiskReader, next: number): number | undefined {
  const { begun } = listSegments(disk);
  const segment = begun[segmentOf(begun, next)];
  if (segment === undefined) return undefined;
  const before = wholeGroups(disk, segment).at(-1);
  const at = before === undefined ? PAGE_BYTES : before.end;
  return claimedNumber(readAt(disk, segment.name, at, GROUP_HEADER_BYTES), 0) === next ? next : undefined;
}

interface PlacedGroup extends Group {
  /** The page behind it. */
  readonly end: number;
}

/** All whole groups of a segment, in the order of their places. */
function wholeGroups(disk: DiskReader, { name, salt, firstGroup }: Segment): PlacedGroup[] {
  const bytes = readAt(disk, name, 0);
  const groups: PlacedGroup[] = [];
  let at = PAGE_BYTES;
  while (at < bytes.length) {
    const before = groups.at(-1);
    const next = before === undefined ? firstGroup : before.number + 1;
    const group = groupAt(bytes, at, salt, next, before?.end ?? PAGE_BYTES);
    if (group !== undefined) groups.push(group);
    at = group?.end ?? at + PAGE_BYTES;
  }
  return groups;
}

/** The whole group at a place, when it can be one: `next` would begin at `from`, and each group takes a page at least. */
function groupAt(bytes: Buffer, at: number, salt: number, next: number, from: number): PlacedGroup | undefined {
  // What a client sent may look like the beginning of a group: its checksum is not asked for without a reason.
  const claimed = claimedNumber(bytes, at);
  if (claimed === undefined || claimed < next || claimed - next > (at - from) / PAGE_BYTES) return undefined;
  const length = groupLength(bytes, at);
  const header = length === undefined ? undefined : readGroupHeader(bytes, at, length, salt);
  if (length === undefined || header === undefined) return undefined;
  return { ...header, records: bytes.subarray(at + GROUP_HEADER_BYTES, at + length), end: at + paged(length) };
}

/** What a file holds from a place on, to its end unless told; nothing when the file is gone. */
function readAt(disk: DiskReader, name: string, at: number, bytesMax = Number.POSITIVE_INFINITY): Buffer {
  const file = openListed(disk, name);
  if (file === undefined) return Buffer.alloc(0);
  const bytes = Buffer.alloc(Math.max(0, Math.min(bytesMax, file.size - at)));
  file.read(bytes, at);
  file.close();
  return bytes;
}

/** The index of the segment in which a group is, or would be; -1 when they all begin after it. */
function segmentOf(begun: readonly Segment[], group: number): number {
  return begun.findLastIndex(({ firstGroup }) => firstGroup <= group);
}
