// Event rewriting
//
// Rows of the event log in which some events hold something else: the only way in which what is in the log changes.
//
// EW1. A rewritten event keeps its number, and what it is filed under: the index stays as it is.
// EW2. Rows that hold none of the events are not touched, and costs are those of the rows that do.

import { invariant } from '../invariant.js';
import { EVENT_TABLE, type EventRow, eventsOf, joinedEvents } from './event-blocks.js';
import { eventHead } from './event-index.js';
import { decodeKey, encodeKey, rangeOf } from './storage/keys.js';
import type { StoreReader } from './storage/store.js';

/** Values that an event is to hold, one after the other, by its number. */
export type RewrittenEvents = ReadonlyMap<number, readonly Uint8Array[]>;

/** The rows that hold these events, with what they hold from now on; an event that is in no row is passed over. */
export function rewrittenRows(tables: StoreReader, rewritten: RewrittenEvents): EventRow[] {
  const { end } = rangeOf([EVENT_TABLE]);
  const rows: EventRow[] = [];
  let done = 0;
  for (const seq of [...rewritten.keys()].sort((a, b) => a - b)) {
    if (seq <= done) continue;
    const [row] = tables.range({ start: encodeKey([EVENT_TABLE, seq]), end, limit: 1 });
    if (row === undefined) break;
    done = Number(decodeKey(row.key)[1]);
    invariant(done >= seq, 'a row of events has a key before the one that it was looked for with');
    const events = eventsOf(done, row.value);
    const values = events.map(({ seq, value }) =>
      (rewritten.get(seq) ?? []).reduce((now, next) => (isFiledAlike(now, next) ? next : now), value),
    );
    if (values.some((value, at) => value !== events[at]!.value)) {
      rows.push({ key: [EVENT_TABLE, done], value: joinedEvents(values) });
    }
  }
  return rows;
}

/** Whether the index files both under the same names. */
export function isFiledAlike(before: Uint8Array, after: Uint8Array): boolean {
  const [one, other] = [eventHead(before), eventHead(after)];
  return one !== undefined && one.type === other?.type && one.about === other.about;
}
