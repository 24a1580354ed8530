// Event index
//
// Which events are of a type, and which are filed under an actor, so that reading those is reading a range.
//
//   key    ['event_type', type, n] and ['event_about', about, n]: n is the number of the last event in the row
//   value  the numbers of the events in the row, ascending: the first, then by how much each is more than the one before,
//          each as a varint (7 bits a byte, lowest first, the high bit set on all but the last)
//
// One row holds what came to the tables together: under load an actor costs a transaction one put, however many events
// are filed under it.
//
// EI1. Every event that is one of emit() (turn.ts) is in one row of its type, and, where it has one, of its `about`.
// EI2. A row holds at most SEQS_PER_ROW numbers.

import { invariant } from '../invariant.js';
import type { Key } from './actor.js';

export const EVENT_TYPE_TABLE = 'event_type';
export const EVENT_ABOUT_TABLE = 'event_about';
export const SEQS_PER_ROW = 1_000;
/** Longer names are not keys of the store: what is filed under such a one is found by its type. */
const NAME_BYTES_MAX = 512;

export interface IndexRow {
  readonly key: Key;
  readonly value: Uint8Array;
}

/** What an event says of itself first: `[at, type, about, data]` in MessagePack. */
export interface EventHead {
  readonly type: string;
  readonly about: string | null;
}

/** Gathers the index rows of some events. */
export class EventIndex {
  readonly #types = new Map<string, number[]>();
  readonly #abouts = new Map<string, number[]>();

  add(seq: number, event: Uint8Array): void {
    const head = eventHead(event);
    if (head === undefined) return;
    file(this.#types, head.type, seq);
    if (head.about !== null) file(this.#abouts, head.about, seq);
  }

  rows(): IndexRow[] {
    const rows: IndexRow[] = [];
    for (const [type, seqs] of this.#types) rows.push(...indexRows(EVENT_TYPE_TABLE, type, seqs));
    for (const [about, seqs] of this.#abouts) rows.push(...indexRows(EVENT_ABOUT_TABLE, about, seqs));
    return rows;
  }
}

/** The numbers in an index row, ascending. Throws a Defect when it is damaged. */
export function seqsOf(row: Uint8Array): number[] {
  const seqs: number[] = [];
  let seq = 0;
  let part = 0;
  let scale = 1;
  for (const byte of row) {
    part += (byte & 0x7f) * scale;
    if (byte >= 0x80) {
      scale *= 128;
      continue;
    }
    seq += part;
    seqs.push(seq);
    part = 0;
    scale = 1;
  }
  invariant(scale === 1, 'a row of the event index ends inside a number');
  return seqs;
}

/** Undefined for what emit() did not write. */
export function eventHead(event: Uint8Array): EventHead | undefined {
  if (event[0] !== 0x94) return undefined;
  const typeAt = afterNumber(event, 1);
  const type = typeAt === undefined ? undefined : stringAt(event, typeAt);
  if (type === undefined) return undefined;
  if (event[type.end] === 0xc0) return { type: type.text, about: null };
  const about = stringAt(event, type.end);
  return about === undefined ? undefined : { type: type.text, about: about.text };
}

/** Whether events are filed under this name. */
export function isIndexable(name: string): boolean {
  return name.length * 3 <= NAME_BYTES_MAX || Buffer.byteLength(name) <= NAME_BYTES_MAX;
}

function file(lists: Map<string, number[]>, name: string, seq: number): void {
  const list = lists.get(name);
  if (list !== undefined) list.push(seq);
  else if (isIndexable(name)) lists.set(name, [seq]);
}

/** The rows that file these events, ascending, under one name. */
export function indexRows(table: string, name: string, seqs: readonly number[]): IndexRow[] {
  const rows: IndexRow[] = [];
  for (let from = 0; from < seqs.length; from += SEQS_PER_ROW) {
    const part = seqs.slice(from, from + SEQS_PER_ROW);
    rows.push({ key: [table, name, part.at(-1)!], value: encodeSeqs(part) });
  }
  return rows;
}

function encodeSeqs(seqs: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  let before = 0;
  for (const seq of seqs) {
    let rest = seq - before;
    before = seq;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
    bytes.push(rest);
  }
  return Uint8Array.from(bytes);
}

/** Bytes after the format byte of each MessagePack number: 0xca float32 … 0xd3 int64. */
const NUMBER_BYTES: ReadonlyMap<number, number> = new Map([
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
]);

function afterNumber(bytes: Uint8Array, at: number): number | undefined {
  const format = bytes[at];
  if (format === undefined) return undefined;
  if (format < 0x80 || format >= 0xe0) return at + 1;
  const length = NUMBER_BYTES.get(format);
  return length === undefined ? undefined : at + 1 + length;
}

function stringAt(bytes: Uint8Array, at: number): { readonly text: string; readonly end: number } | undefined {
  const format = bytes[at] ?? 0;
  let start = at + 1;
  let length: number;
  if (format >= 0xa0 && format < 0xc0) {
    length = format & 0x1f;
  } else if (format === 0xd9) {
    length = bytes[start++] ?? 0;
  } else if (format === 0xda) {
    length = ((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0);
    start += 2;
  } else {
    return undefined;
  }
  const end = start + length;
  if (end > bytes.length) return undefined;
  return { text: Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('utf8'), end };
}
