// Journal repair
//
// What can be done about a journal that is damaged in the middle, and doing it: what is whole before the damage is written
// anew, and all the files that it and the rest lay in are moved aside.
//
//     survey ──▶ plan: what stays, what is lost ──(an operator agrees)──▶ new segment ──▶ old ones to damaged-<time>/
//
// Owns:     which groups stay.
// Does not: touch the tables, or keep servers out (its caller holds the data directory's lock).
//
// JR1. Nothing is deleted.
// JR2. What stays is every whole group from the tables on to the first that is not whole; nothing is read beyond it.
// JR3. After a crash at any moment the journal is as it was, or repaired, or can be repaired again, with the same outcome.

import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { RecordCursor, walkRecord } from '../commit-record.js';
import { readTablesState } from '../tables.js';
import { type DiskReader, RealDisk } from './disk.js';
import { flush } from './flush.js';
import type { Group } from './group-reader.js';
import { SegmentCopy } from './journal-copy.js';
import { surveyJournal, unreadableSegments } from './journal-survey.js';
import { readTail } from './journal-tail.js';
import type { StoreReader } from './store.js';

export interface RepairPlan {
  /** Why there is something to repair, in words. */
  readonly problems: readonly string[];
  /** The number of the last group in the tables: these stay as they are. */
  readonly applied: number;
  /** The groups after it that stay. */
  readonly kept: readonly Group[];
  /** Undefined when every group that is known of stays. */
  readonly lost: LostGroups | undefined;
  /** The files that are moved aside. */
  readonly segments: readonly string[];
  /** The number of the new segment. */
  readonly newSegment: number;
}

export interface LostGroups {
  readonly first: number;
  readonly last: number;
  /** How many of them are whole, behind the damage. */
  readonly whole: number;
  readonly firstEvent: number;
  /** Undefined when the last group is not whole. One less than `firstEvent` when they hold no events. */
  readonly lastEvent: number | undefined;
}

/** What would be done; undefined when there is nothing to repair. Only reads; throws what the disk throws. */
export function planRepair(tables: StoreReader, disk: DiskReader): RepairPlan | undefined {
  const unreadable = unreadableSegments(disk);
  const problems = unreadable.map(
    (name) => `Segment ${name} is damaged in its first page: what it holds is not known.`,
  );
  const begin = () => {
    tables.refresh();
    return readTablesState(tables, []).applied;
  };
  const { damage } = readTail(disk, { begin, take: () => undefined });
  if (damage !== undefined) problems.unshift(damage.message);
  if (problems.length === 0) return undefined;

  const { applied, seq } = readTablesState(tables, []);
  const { groups, last, segments, lastSegment } = surveyJournal(disk, applied);
  const kept: Group[] = [];
  for (let next = groups.get(applied + 1); next !== undefined; next = groups.get(next.number + 1)) kept.push(next);
  const first = applied + kept.length + 1;
  const before = kept.at(-1);
  const firstEvent = before === undefined ? seq + 1 : before.seqBefore + eventsIn(before.records) + 1;
  const end = groups.get(last);
  const lastEvent = end === undefined ? undefined : end.seqBefore + eventsIn(end.records);
  const lost = { first, last, whole: groups.size - kept.length, firstEvent, lastEvent };
  return {
    problems,
    applied,
    kept,
    lost: last < first ? undefined : lost,
    segments: [...segments, ...unreadable],
    newSegment: lastSegment + 1,
  };
}

/** Does it, in a directory that nobody else may write now. Returns the directory that the old segments are in now. */
export function repairJournal(directory: string, { kept, segments, newSegment }: RepairPlan, nowMs: number): string {
  const copy = new SegmentCopy(new RealDisk(directory), newSegment);
  for (const group of kept) copy.append(group);
  // From here on the new segment is the one that holds these groups, whichever of the old ones are still beside it (JR3).
  copy.end();
  const aside = join(directory, `damaged-${new Date(nowMs).toISOString().replaceAll(':', '-')}`);
  mkdirSync(aside, { mode: 0o700 });
  for (const name of segments) renameSync(join(directory, name), join(aside, name));
  flush(aside);
  flush(directory);
  return aside;
}

function eventsIn(records: Buffer): number {
  let events = 0;
  const nothing = () => undefined;
  const count = () => {
    events++;
  };
  const record = new RecordCursor(records);
  while (record.next())
    walkRecord(record, { put: nothing, delete: nothing, event: count, add: nothing, rewrite: nothing });
  return events;
}
