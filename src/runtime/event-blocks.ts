// Event blocks
//
// The rows of the event log. Events are many and small, and come in one order: one row holds as many of them as came to
// the tables together, up to EVENT_BLOCK_BYTES, so that the log costs a transaction few puts, and all of them at its end.
//
//   key    ['event', number of the last event in the row]: the row of event n is the first with a key from ['event', n] on
//   value  each event: u32 length (little-endian), then its bytes
//
// EB1. Rows hold all events from 1 to the last, each once, in order.

import { invariant } from '../invariant.js';
import type { Key } from './actor.js';

export const EVENT_TABLE = 'event';
/** A row is closed when it holds this much: some pages of the store. An event that is larger has a row of its own. */
export const EVENT_BLOCK_BYTES = 16 * 1024;
const LENGTH_BYTES = 4;

export interface EventRow {
  readonly key: Key;
  readonly value: Uint8Array;
}

export interface NumberedEvent {
  readonly seq: number;
  readonly value: Uint8Array;
}

/** The rows that hold these events, of which the first has the number `firstSeq`. */
export function eventRows(firstSeq: number, events: readonly Uint8Array[]): EventRow[] {
  const rows: EventRow[] = [];
  let from = 0;
  let bytes = 0;
  for (let at = 0; at < events.length; at++) {
    bytes += LENGTH_BYTES + events[at]!.length;
    if (bytes < EVENT_BLOCK_BYTES && at + 1 < events.length) continue;
    rows.push({ key: [EVENT_TABLE, firstSeq + at], value: joined(events, from, at + 1, bytes) });
    from = at + 1;
    bytes = 0;
  }
  return rows;
}

/** The events of a row, whose key says the number of the last. Values are views. Throws a Defect when it is damaged. */
export function eventsOf(lastSeq: number, row: Uint8Array): NumberedEvent[] {
  const view = Buffer.from(row.buffer, row.byteOffset, row.length);
  const values: Uint8Array[] = [];
  for (let at = 0; at < view.length; ) {
    invariant(at + LENGTH_BYTES <= view.length, 'a row of events ends inside a length');
    const end = at + LENGTH_BYTES + view.readUInt32LE(at);
    invariant(end <= view.length, 'a row of events ends inside an event');
    values.push(view.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  const firstSeq = lastSeq - values.length + 1;
  return values.map((value, index) => ({ seq: firstSeq + index, value }));
}

/** The value of a row that holds these events. */
export function joinedEvents(events: readonly Uint8Array[]): Uint8Array {
  return joined(
    events,
    0,
    events.length,
    events.reduce((bytes, event) => bytes + LENGTH_BYTES + event.length, 0),
  );
}

function joined(events: readonly Uint8Array[], from: number, to: number, bytes: number): Uint8Array {
  const row = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (let index = from; index < to; index++) {
    const event = events[index]!;
    row.writeUInt32LE(event.length, at);
    row.set(event, at + LENGTH_BYTES);
    at += LENGTH_BYTES + event.length;
  }
  return row;
}
