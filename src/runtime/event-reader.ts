// Event reader
//
// Pages of the event log, all of it or by type and by what events are about: reads of ranges, whatever the log's length.
//
// ER1. A page holds events in the order of their numbers, each once, all of which match.
// ER2. A page costs the reads of its own events, and of at most LOOKED_AT_MAX others that one filter let through and the
//      other did not: it then ends early, and says where the next one begins. So does one that holds `bytesMax`.
// ER3. Pages joined give each event once that matches, also where the log begins later than at its first event.

import { decodeValue } from './codec.js';
import { EVENT_TABLE, eventsOf, type NumberedEvent } from './event-blocks.js';
import { EVENT_ABOUT_TABLE, EVENT_TYPE_TABLE, eventHead, seqsOf } from './event-index.js';
import { decodeKey, encodeKey, rangeOf } from './storage/keys.js';
import type { StoreReader } from './storage/store.js';

const LOOKED_AT_MAX = 2_000;
/** Rows of the log, or of the index, in one read. */
const ROWS_PER_READ = 16;

export interface EventQuery {
  /** Exclusive. */
  readonly since: number;
  /** Inclusive; absent: to the end. */
  readonly until?: number;
  /** Any of these; absent: all. */
  readonly types?: readonly string[];
  readonly about?: string;
  /** At least 1. */
  readonly limit: number;
  /** A page ends with the event that makes it as large, as the log has it; absent: with `limit`. */
  readonly bytesMax?: number;
}

export interface LoggedEvent {
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly type: string;
  readonly about: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface EventPage {
  readonly events: readonly LoggedEvent[];
  /** Where the next page begins: its `since`. */
  readonly next: number;
  readonly hasMore: boolean;
}

export function readEventPage(reader: StoreReader, query: EventQuery): EventPage {
  const { types, about, since, limit, until = Number.MAX_SAFE_INTEGER, bytesMax = Number.POSITIVE_INFINITY } = query;
  const log = new LogRows(reader);
  const filed = filedUnder(reader, query);
  const events: LoggedEvent[] = [];
  let next = since;
  let lookedAt = 0;
  let bytes = 0;
  for (const seq of filed ?? log.seqsAfter(since)) {
    if (seq > until) return { events, next: Math.max(next, until), hasMore: false };
    if (events.length === limit || lookedAt === LOOKED_AT_MAX || bytes >= bytesMax) {
      return { events, next, hasMore: true };
    }
    lookedAt++;
    next = seq;
    const event = log.event(seq);
    if (event === undefined || (types !== undefined && about !== undefined && !isOf(event.value, types))) continue;
    bytes += event.value.length;
    events.push(logged(event));
  }
  return { events, next, hasMore: false };
}

export function logged({ seq, value }: NumberedEvent): LoggedEvent {
  const [at, type, about, data] = decodeValue(value) as [number, string, string | null, LoggedEvent['data']];
  return { seq, at, type, about, data };
}

function isOf(event: Uint8Array, types: readonly string[]): boolean {
  const type = eventHead(event)?.type;
  return type !== undefined && types.includes(type);
}

/** The numbers of what a filter lets through, in order; undefined where there is none. */
function filedUnder(reader: StoreReader, { since, types, about }: EventQuery): Iterable<number> | undefined {
  if (about !== undefined) return seqsUnder(reader, EVENT_ABOUT_TABLE, about, since);
  if (types === undefined) return undefined;
  return merged([...new Set(types)].map((type) => seqsUnder(reader, EVENT_TYPE_TABLE, type, since)));
}

function* seqsUnder(reader: StoreReader, table: string, name: string, since: number): Generator<number, void> {
  const { end } = rangeOf([table, name]);
  for (let after = since; ; ) {
    const rows = reader.range({ start: encodeKey([table, name, after + 1]), end, limit: ROWS_PER_READ });
    for (const { value } of rows) {
      for (const seq of seqsOf(value)) {
        if (seq <= after) continue;
        after = seq;
        yield seq;
      }
    }
    if (rows.length < ROWS_PER_READ) return;
  }
}

/** Ascending lists as one: an event has one type, so that no number is in two. */
function* merged(lists: readonly Generator<number, void>[]): Generator<number, void> {
  const heads = lists.map((list) => ({ list, head: list.next() }));
  for (;;) {
    let least: (typeof heads)[number] | undefined;
    for (const one of heads) {
      if (one.head.done === true) continue;
      if (least === undefined || least.head.done === true || one.head.value < least.head.value) least = one;
    }
    if (least === undefined || least.head.done === true) return;
    yield least.head.value;
    least.head = least.list.next();
  }
}

/** The log, of which some rows are kept at hand. */
class LogRows {
  readonly #reader: StoreReader;
  readonly #end = rangeOf([EVENT_TABLE]).end;
  /** In order, without a gap. */
  #events: NumberedEvent[] = [];

  constructor(reader: StoreReader) {
    this.#reader = reader;
  }

  /** Of all that are there, in order. */
  *seqsAfter(since: number): Generator<number, void> {
    for (let seq = since + 1; ; seq++) {
      const first = this.event(seq) === undefined ? this.#events[0] : undefined;
      // What was before the first row is not kept any more.
      if (first !== undefined && first.seq > seq) seq = first.seq;
      if (this.#at(seq) === undefined) return;
      yield seq;
    }
  }

  /** Undefined for one that is not there: the row at hand is then the one behind its place, if any. Cheapest in order. */
  event(seq: number): NumberedEvent | undefined {
    const known = this.#at(seq);
    if (known !== undefined) return known;
    const [row] = this.#reader.range({ start: encodeKey([EVENT_TABLE, seq]), end: this.#end, limit: 1 });
    this.#events = row === undefined ? [] : eventsOf(lastSeqOf(row.key), row.value);
    return this.#at(seq);
  }

  #at(seq: number): NumberedEvent | undefined {
    const [first] = this.#events;
    return first === undefined ? undefined : this.#events[seq - first.seq];
  }
}

function lastSeqOf(key: Uint8Array): number {
  return Number(decodeKey(key)[1]);
}
