// Journal tail
//
// The groups of a journal that are not in the tables, read while a server may be writing both: as if it had been killed at
// a moment after the reading began.
//
//     tables' last group ──▶ where the journal ends ──▶ every group between, once more and in order
//           ▲                        │ looks damaged, or a segment is used again meanwhile
//           └────────── anew ◀───────┘
//
// Owns:     what to do when the files change under the reader.
// Does not: keep the groups (its taker does), or write.
//
// TL1. Every group that was durable when readTail() was called is in the tables as last looked at, or taken, or in the
//      tables when it returns.
// TL2. The groups taken follow the tables as last looked at, without a gap. One that the disk refused may be the last of
//      them, as after a crash, and no other.
// TL3. Damage is told only when it is there three times in a row at the same place. A writer makes whole what was seen half
//      written or half listed before the second look, or has brought it to the tables and used its segment again before
//      the third.

import type { DiskReader } from './disk.js';
import { type Group, GroupReader, JournalDamage } from './group-reader.js';
import { StorageError } from './storage-error.js';

/** A reading that was overtaken by the writer is begun anew at most so often. One takes a tenth of a second at most. */
const ATTEMPTS_MAX = 50;
/** In a row (TL3). */
const SIGHTINGS_OF_DAMAGE = 3;

export interface TailTaker {
  /** What was taken so far is void. Looks anew at the tables, and returns the number of the last group in them. */
  begin(): number;
  take(group: Group): void;
}

export interface Tail {
  /** The number of the last group in the tables as last looked at. */
  readonly applied: number;
  /** The number of the last group taken, or `applied`. */
  readonly last: number;
  /** Why the groups after it, if there are any, cannot be read. */
  readonly damage: JournalDamage | undefined;
}

/** Blocks while it reads, twice and four times where there is damage, at most what the journal may be ahead of the tables. Throws what the disk or the taker throws. */
export function readTail(disk: DiskReader, taker: TailTaker): Tail {
  let seen: JournalDamage | undefined;
  let sightings = 0;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const applied = taker.begin();
    const end = findEnd(disk, applied);
    if (end === undefined) continue;
    const { last, damage } = end;
    if (damage !== undefined) {
      sightings = isSame(damage, seen) ? sightings + 1 : 1;
      seen = damage;
      if (sightings < SIGHTINGS_OF_DAMAGE) continue;
    }
    if (takeAll(disk, applied, last, taker)) return { applied, last, damage };
  }
  throw new StorageError(
    'The journal is being written faster than it can be read. Try again when there is less to do.',
  );
}

/** Undefined when a file went away. */
function findEnd(disk: DiskReader, applied: number): Omit<Tail, 'applied'> | undefined {
  const reader = new GroupReader(disk, applied + 1);
  try {
    while (reader.nextToEnd() !== undefined);
    return { last: reader.position - 1, damage: undefined };
  } catch (error) {
    if (error instanceof JournalDamage) return { last: reader.position - 1, damage: error };
    if (isAbsent(error)) return undefined;
    throw error;
  } finally {
    reader.close();
  }
}

/** The end is known by now, so that no group is taken which was refused and then written anew (TL2). */
function takeAll(disk: DiskReader, applied: number, last: number, taker: TailTaker): boolean {
  const reader = new GroupReader(disk, applied + 1);
  try {
    for (let group = nextOf(reader, last); group !== undefined; group = nextOf(reader, last)) taker.take(group);
    return reader.position > last;
  } finally {
    reader.close();
  }
}

/** Undefined behind the last one, and where a segment was used again since the end was found. */
function nextOf(reader: GroupReader, last: number): Group | undefined {
  try {
    return reader.next(last);
  } catch (error) {
    if (error instanceof JournalDamage || isAbsent(error)) return undefined;
    throw error;
  }
}

function isSame(damage: JournalDamage, other: JournalDamage | undefined): boolean {
  return damage.segment === other?.segment && damage.at === other.at && damage.group === other.group;
}

/** A spare file may be removed between listing and opening it. */
function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
