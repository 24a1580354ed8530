// Archivist
//
// Keeps the event log in the tables within what it may be, by age and by bytes: its oldest part goes into a file, and only
// when the disk has that, out of the tables, slice by slice.
//
//     look ──▶ count ──▶ too old, too much? ──▶ file written, flushed, named ──▶ slices taken out ──▶ look again
//                                                        └── killed here: the next life goes on behind it
//
// Owns:     what goes, when, and into which file.
// Does not: write tables (the applier does, at its word), or run in a thread of its own accord (archivist-thread.ts).
//
// AV1. No event leaves the tables before it is in a file that the disk has.
// AV2. Archives and tables together are the whole log. They overlap at most in the newest file, whose events leave the tables
//      next: one that a former life left so is brought to what the tables say, and finished before anything else.
// AV3. Nothing behind the floor goes.
// AV4. An archive that is not of this log (another server writes there) is never written over, and nothing is taken out.
// AV5. One look makes or finishes at most one file, of ARCHIVE_BYTES and one row.

import { existsSync, mkdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { ObservedEvent } from '../contract/observe.js';
import { invariant } from '../invariant.js';
import { EVENT_TABLE, eventsOf, type NumberedEvent } from '../runtime/event-blocks.js';
import { logged, readEventPage } from '../runtime/event-reader.js';
import { planTrim, type TrimAnswer, type TrimSlice, trimmedUpTo } from '../runtime/event-trim.js';
import { flush } from '../runtime/storage/flush.js';
import { decodeKey, encodeKey, rangeOf } from '../runtime/storage/keys.js';
import { readMetaNumber } from '../runtime/storage/meta.js';
import { StorageError } from '../runtime/storage/storage-error.js';
import type { StoreReader } from '../runtime/storage/store.js';
import { META_SEQ } from '../runtime/tables.js';
import { observed } from '../transport/observation/event-json.js';
import {
  type ArchiveFile,
  lineOf,
  listArchives,
  removeLeftOvers,
  rewriteArchive,
  writeArchive,
} from './archive-file.js';
import { LogSize } from './log-size.js';

/** Of events as the log has them: what one file takes in. */
export const ARCHIVE_BYTES = 8 * 1024 * 1024;
const ARCHIVE_BYTES_MIN = 64 * 1024;
/** A log that is bounded by bytes loses such a part of them at a time. */
const PART_OF_BYTES = 8;
const DAY_MS = 86_400_000;
/** Events that are too old may stay for such a part of their time, so that files do not become many and small. */
const PART_OF_AGE = 24;
const ROWS_PER_READ = 16;
const PAGE_EVENTS = 10_000;

export interface RetentionPolicy {
  /** Events that are older go; 0: none does. */
  readonly days: number;
  /** The oldest go while the log is larger; 0: none does. */
  readonly bytes: number;
}

export interface ArchivistParts {
  readonly reader: StoreReader;
  /** Where the archives are; made when the first is written. */
  readonly directory: string;
  readonly policy: RetentionPolicy;
  /** Has the applier take out a slice. */
  readonly trim: (slice: TrimSlice) => Promise<TrimAnswer>;
  /** Between two slices: so that the applier has at least half of its time for its own work. */
  readonly rest: (ms: number) => Promise<void>;
}

export interface Looked {
  /** The log in the tables begins behind this event. */
  readonly trimmed: number;
  /** The last event that is archived, 0 for none. */
  readonly archived: number;
  /** Of the log in the tables; null where they are not counted. */
  readonly bytes: number | null;
  /** Something would go, and is behind the floor. */
  readonly isHeld: boolean;
  /** At once, there may be more to do. */
  readonly isMore: boolean;
}

interface Row {
  readonly value: Uint8Array;
  readonly last: number;
  readonly events: readonly NumberedEvent[];
}

export class Archivist {
  readonly #parts: ArchivistParts;
  #size: LogSize | undefined;
  /** In a file, and not out of the tables. Undefined: not known yet. Null: none. */
  #unfinished: ArchiveFile | null | undefined;
  #archived = 0;
  #isStopping = false;

  constructor(parts: ArchivistParts) {
    this.#parts = parts;
  }

  /** After the slice that is on its way: what is left is done by the next life. */
  stop(): void {
    this.#isStopping = true;
  }

  /** Rejects with what the disk or the applier refuses: nothing is lost by it, and the next look goes on. */
  async look(floor: number, nowMs: number): Promise<Looked> {
    const { reader } = this.#parts;
    reader.refresh();
    const trimmed = trimmedUpTo(reader);
    if (!this.#counts(trimmed)) return this.#looked({ isMore: true });
    if (this.#unfinished !== null) this.#unfinished = this.#findUnfinished(trimmed);
    if (this.#unfinished === null) {
      const rows = this.#rowsToGo(trimmed, floor, nowMs);
      if (rows.length === 0) return this.#looked({ isHeld: this.#rowsToGo(trimmed, Infinity, nowMs).length > 0 });
      this.#unfinished = this.#archive(trimmed + 1, rows);
    }
    const { last } = this.#unfinished;
    if (last > floor) return this.#looked({ isHeld: true });
    await this.#takeOut(last);
    return this.#looked({ isMore: !this.#isStopping });
  }

  #looked({ isMore = false, isHeld = false }): Looked {
    const { reader } = this.#parts;
    reader.refresh();
    const bytes = this.#size?.bytes ?? null;
    return { trimmed: trimmedUpTo(reader), archived: this.#archived, bytes, isHeld, isMore };
  }

  /** False when there is more to count. */
  #counts(trimmed: number): boolean {
    if (this.#parts.policy.bytes === 0) return true;
    this.#size ??= new LogSize(trimmed);
    return this.#size.look(this.#parts.reader);
  }

  /** The oldest rows, as many as go into the next file. */
  #rowsToGo(trimmed: number, floor: number, nowMs: number): Row[] {
    const { days, bytes } = this.#parts.policy;
    const dueBefore = days === 0 ? Number.NEGATIVE_INFINITY : nowMs - days * DAY_MS;
    const excess = this.#size === undefined ? 0 : this.#size.bytes - bytes;
    const excessPart = Math.min(ARCHIVE_BYTES, Math.max(ARCHIVE_BYTES_MIN, bytes / PART_OF_BYTES));
    const taken: Row[] = [];
    let takenBytes = 0;
    for (const row of this.#rowsAfter(trimmed)) {
      if (row.last > floor || takenBytes >= ARCHIVE_BYTES) break;
      if (taken.length === 0 && excess <= 0 && atOf(row) >= dueBefore - (days * DAY_MS) / PART_OF_AGE) break;
      const isExcess = excess > 0 && takenBytes < excessPart;
      if (!isExcess && atOf(row) >= dueBefore) break;
      taken.push(row);
      takenBytes += row.value.length;
    }
    return taken;
  }

  *#rowsAfter(trimmed: number): Generator<Row, void> {
    const { end } = rangeOf([EVENT_TABLE]);
    for (let after = trimmed; ; ) {
      const start = encodeKey([EVENT_TABLE, after + 1]);
      const rows = this.#parts.reader.range({ start, end, limit: ROWS_PER_READ });
      for (const { key, value } of rows) {
        after = Number(decodeKey(key)[1]);
        yield { value, last: after, events: eventsOf(after, value) };
      }
      if (rows.length < ROWS_PER_READ) return;
    }
  }

  #archive(first: number, rows: readonly Row[]): ArchiveFile {
    const { directory } = this.#parts;
    const events = rows.flatMap((row) => row.events);
    invariant(events[0]?.seq === first, () => `the log begins with event ${events[0]?.seq}, and not with ${first}`);
    if (!existsSync(directory)) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      flush(dirname(directory));
    }
    const lines = events.map((event) => lineOf(observed(logged(event))));
    const file = writeArchive(directory, { first, last: events.at(-1)!.seq }, lines);
    this.#archived = file.last;
    return file;
  }

  async #takeOut(upTo: number): Promise<void> {
    const { reader, trim, rest } = this.#parts;
    while (!this.#isStopping) {
      const begunMs = performance.now();
      reader.refresh();
      const slice = planTrim(reader, upTo);
      if (slice === undefined) {
        invariant(trimmedUpTo(reader) === upTo, () => `event ${upTo} is not the last of its row`);
        this.#unfinished = null;
        return;
      }
      const answer = await trim(slice);
      if (answer.kind === 'refused') throw new Error(`old events could not be taken out: ${answer.reason}`);
      this.#size?.gone(slice.bytes);
      await rest(performance.now() - begunMs);
    }
  }

  /** What a former life, or a look that failed, has in a file and not out of the tables (AV2). */
  #findUnfinished(trimmed: number): ArchiveFile | null {
    const { directory } = this.#parts;
    if (this.#unfinished === undefined) removeLeftOvers(directory);
    const newest = listArchives(directory).at(-1);
    this.#archived = newest?.last ?? 0;
    if (newest === undefined || newest.last <= trimmed) return null;
    const live = this.#liveEvents(trimmed, newest.last);
    if (newest.first > trimmed + 1 || live.size !== newest.last - trimmed) throw foreign(newest);
    rewriteArchive(newest, (event) => {
      const found = live.get(event.seq);
      if (found === undefined) return event;
      const { ts, type, agent } = found;
      if (ts !== event.ts || type !== event.type || agent !== event.agent) throw foreign(newest);
      return JSON.stringify(found) === JSON.stringify(event) ? event : found;
    });
    return newest;
  }

  #liveEvents(after: number, upTo: number): Map<number, ObservedEvent> {
    const { reader } = this.#parts;
    const live = new Map<number, ObservedEvent>();
    if (upTo > (readMetaNumber(reader, META_SEQ) ?? 0)) return live;
    for (let since = after; ; ) {
      const page = readEventPage(reader, { since, until: upTo, limit: PAGE_EVENTS });
      for (const event of page.events) live.set(event.seq, observed(event));
      if (!page.hasMore) return live;
      since = page.next;
    }
  }
}

function atOf({ events }: Row): number {
  return logged(events.at(-1)!).at;
}

function foreign({ path }: ArchiveFile): StorageError {
  return new StorageError(
    `The archive ${basename(path)} is not of this event log: ${dirname(path)} is that of another.`,
  );
}
