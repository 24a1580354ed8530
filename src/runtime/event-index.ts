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
import { hashOf } from './write-set.js';

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

/** Gathers the index rows of some events. Keeps views of them. */
export class EventIndex {
  readonly #types = new Filing();
  readonly #abouts = new Filing();

  /** Costs no string: names are compared as the bytes that they came in. */
  add(seq: number, event: Uint8Array): void {
    const places = headPlaces(event);
    if (places === undefined) return;
    this.#types.file(event, places.typeAt, places.typeEnd, seq);
    if (places.aboutEnd > places.aboutAt) this.#abouts.file(event, places.aboutAt, places.aboutEnd, seq);
  }

  rows(): IndexRow[] {
    return [...this.#types.rows(EVENT_TYPE_TABLE), ...this.#abouts.rows(EVENT_ABOUT_TABLE)];
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
  const places = headPlaces(event);
  if (places === undefined) return undefined;
  const { typeAt, typeEnd, aboutAt, aboutEnd } = places;
  return { type: textOf(event, typeAt, typeEnd), about: aboutAt === NOBODY ? null : textOf(event, aboutAt, aboutEnd) };
}

/** Whether events are filed under this name. */
export function isIndexable(name: string): boolean {
  return name.length * 3 <= NAME_BYTES_MAX || Buffer.byteLength(name) <= NAME_BYTES_MAX;
}

/** A name, where it was first seen, and the numbers of the events filed under it. */
interface Filed {
  readonly event: Uint8Array;
  readonly at: number;
  readonly end: number;
  readonly seqs: number[];
  /** Another name of the same hash. */
  readonly next: Filed | undefined;
}

/** Numbers of events by name, where names are bytes within the events. */
class Filing {
  readonly #byHash = new Map<number, Filed>();

  /** The name is [at, end) of the event. */
  file(event: Uint8Array, at: number, end: number, seq: number): void {
    const hash = hashOf(event, at, end);
    const first = this.#byHash.get(hash);
    for (let filed = first; filed !== undefined; filed = filed.next) {
      if (!isSameName(filed, event, at, end)) continue;
      filed.seqs.push(seq);
      return;
    }
    if (end - at <= NAME_BYTES_MAX) this.#byHash.set(hash, { event, at, end, seqs: [seq], next: first });
  }

  rows(table: string): IndexRow[] {
    const rows: IndexRow[] = [];
    for (const first of this.#byHash.values()) {
      for (let filed: Filed | undefined = first; filed !== undefined; filed = filed.next) {
        rows.push(...indexRows(table, textOf(filed.event, filed.at, filed.end), filed.seqs));
      }
    }
    return rows;
  }
}

function isSameName(filed: Filed, event: Uint8Array, at: number, end: number): boolean {
  if (filed.end - filed.at !== end - at) return false;
  const shift = filed.at - at;
  for (let i = at; i < end; i++) if (filed.event[i + shift] !== event[i]) return false;
  return true;
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

/** A number is at most 2^53: 8 bytes of 7 bits. */
const VARINT_BYTES_MAX = 8;
const scratch = new Uint8Array(SEQS_PER_ROW * VARINT_BYTES_MAX);

/** Of at most SEQS_PER_ROW numbers. */
function encodeSeqs(seqs: readonly number[]): Uint8Array {
  let at = 0;
  let before = 0;
  for (const seq of seqs) {
    let rest = seq - before;
    before = seq;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) scratch[at++] = (rest % 128) | 0x80;
    scratch[at++] = rest;
  }
  return scratch.slice(0, at);
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

/** In place of where the name begins whom an event is filed under: under nobody. */
const NOBODY = -1;

interface HeadPlaces {
  readonly typeAt: number;
  readonly typeEnd: number;
  readonly aboutAt: number;
  readonly aboutEnd: number;
}

function headPlaces(event: Uint8Array): HeadPlaces | undefined {
  if (event[0] !== 0x94) return undefined;
  const at = afterNumber(event, 1);
  if (at === undefined) return undefined;
  const typeAt = textAt(event, at);
  const typeEnd = textEnd(event, at);
  if (typeEnd === undefined) return undefined;
  if (event[typeEnd] === 0xc0) return { typeAt, typeEnd, aboutAt: NOBODY, aboutEnd: NOBODY };
  const aboutEnd = textEnd(event, typeEnd);
  if (aboutEnd === undefined) return undefined;
  return { typeAt, typeEnd, aboutAt: textAt(event, typeEnd), aboutEnd };
}

/** Where the bytes of a MessagePack string begin whose format byte is at this place. */
function textAt(bytes: Uint8Array, at: number): number {
  const format = bytes[at];
  if (format === 0xd9) return at + 2;
  return format === 0xda ? at + 3 : at + 1;
}

/** Where they end; undefined when it is no string, or not a whole one. */
function textEnd(bytes: Uint8Array, at: number): number | undefined {
  const format = bytes[at] ?? 0;
  let length: number;
  if (format >= 0xa0 && format < 0xc0) length = format & 0x1f;
  else if (format === 0xd9) length = bytes[at + 1] ?? 0;
  else if (format === 0xda) length = ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
  else return undefined;
  const end = textAt(bytes, at) + length;
  return end > bytes.length ? undefined : end;
}

function textOf(bytes: Uint8Array, at: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString('utf8');
}
