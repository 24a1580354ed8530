// Event trim
//
// Takes the oldest events out of the tables, with what the index has of them, a slice at a time: planned by whoever reads,
// carried out by the one who writes.
//
//     planTrim(reader, …) ──slice: keys to delete, rows to shorten──▶ applyTrim(batch), with the number of the last one
//
// Owns:     what a slice is.
// Does not: decide which events go, or keep them elsewhere before.
//
// TR1. Between two slices the log begins with the event after META_TRIMMED, and its index has what is in it, no more.
// TR2. A slice holds at most TRIM_EVENTS_MAX events of TRIM_ROWS_MAX rows, or one row.
// TR3. A slice that does not begin where the log begins changes nothing: said twice, or late, it is refused.

import { invariant } from '../invariant.js';
import { EVENT_TABLE, eventsOf } from './event-blocks.js';
import { EVENT_ABOUT_TABLE, EVENT_TYPE_TABLE, eventHead, indexRows, isIndexable, seqsOf } from './event-index.js';
import { decodeKey, encodeKey, rangeOf } from './storage/keys.js';
import { readMetaNumber, writeMetaNumber } from './storage/meta.js';
import type { StoreReader, WriteBatch } from './storage/store.js';
import { META_TRIMMED } from './tables.js';

export const TRIM_ROWS_MAX = 16;
export const TRIM_EVENTS_MAX = 1_000;

export interface TrimSlice {
  /** The last event that was taken out before. */
  readonly after: number;
  /** And the last one now. */
  readonly upTo: number;
  /** What the rows of the log in it held. */
  readonly bytes: number;
  readonly deletes: readonly Uint8Array[];
  /** Rows of the index that lose a part of what they file. */
  readonly puts: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[];
}

/** From the thread that plans to the one that writes, one at a time; answered before the next. */
export type TrimAnswer =
  | { readonly kind: 'trimmed'; readonly upTo: number }
  | { readonly kind: 'refused'; readonly reason: string };

/** The number of the last event that was taken out of the tables: the log begins with the next. */
export function trimmedUpTo(reader: StoreReader): number {
  return readMetaNumber(reader, META_TRIMMED) ?? 0;
}

/** The next slice of the events up to `upTo`, whole rows only; undefined when no row of them is left. */
export function planTrim(reader: StoreReader, upTo: number): TrimSlice | undefined {
  const after = trimmedUpTo(reader);
  const start = encodeKey([EVENT_TABLE, after + 1]);
  const deletes: Uint8Array[] = [];
  const names = { [EVENT_TYPE_TABLE]: new Map<string, number>(), [EVENT_ABOUT_TABLE]: new Map<string, number>() };
  let last = after;
  let events = 0;
  let bytes = 0;
  for (const { key, value } of reader.range({ start, end: rangeOf([EVENT_TABLE]).end, limit: TRIM_ROWS_MAX })) {
    const lastOfRow = Number(decodeKey(key)[1]);
    if (lastOfRow > upTo) break;
    const row = eventsOf(lastOfRow, value);
    if (deletes.length > 0 && events + row.length > TRIM_EVENTS_MAX) break;
    deletes.push(key);
    events += row.length;
    bytes += value.length;
    last = lastOfRow;
    for (const event of row) {
      const head = eventHead(event.value);
      if (head === undefined) continue;
      countName(names[EVENT_TYPE_TABLE], head.type);
      if (head.about !== null) countName(names[EVENT_ABOUT_TABLE], head.about);
    }
  }
  if (deletes.length === 0) return undefined;
  const puts: { key: Uint8Array; value: Uint8Array }[] = [];
  for (const [table, counts] of Object.entries(names)) {
    for (const [name, count] of counts) unfile({ reader, table, name, count, after, upTo: last }, deletes, puts);
  }
  return { after, upTo: last, bytes, deletes, puts };
}

/** Throws a Defect, with nothing written, where the slice does not fit (TR3). */
export function applyTrim(batch: WriteBatch, slice: TrimSlice, trimmed: number, lastSeq: number): void {
  const { after, upTo } = slice;
  invariant(
    after === trimmed && upTo > after && upTo <= lastSeq,
    () => `events ${after + 1} to ${upTo} cannot be taken out of a log of ${trimmed + 1} to ${lastSeq}`,
  );
  for (const key of slice.deletes) batch.delete(key);
  for (const { key, value } of slice.puts) batch.put(key, value);
  writeMetaNumber(batch, META_TRIMMED, upTo);
}

interface Unfiled {
  readonly reader: StoreReader;
  readonly table: string;
  readonly name: string;
  /** How many of the events are filed under it: in at most so many rows, and one that goes beyond them. */
  readonly count: number;
  readonly after: number;
  readonly upTo: number;
}

function unfile(
  { reader, table, name, count, after, upTo }: Unfiled,
  deletes: Uint8Array[],
  puts: { key: Uint8Array; value: Uint8Array }[],
): void {
  const { end } = rangeOf([table, name]);
  for (const row of reader.range({ start: encodeKey([table, name, after + 1]), end, limit: count + 1 })) {
    if (Number(decodeKey(row.key)[2]) <= upTo) {
      deletes.push(row.key);
      continue;
    }
    const seqs = seqsOf(row.value);
    const [kept] = indexRows(
      table,
      name,
      seqs.filter((seq) => seq > upTo),
    );
    invariant(kept !== undefined, 'a row of the event index does not hold the event that its key names');
    if (seqs[0]! <= upTo) puts.push({ key: row.key, value: kept.value });
    return;
  }
}

function countName(counts: Map<string, number>, name: string): void {
  if (isIndexable(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
}
