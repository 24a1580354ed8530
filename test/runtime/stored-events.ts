// What tables hold, whatever way their events came to be spread over rows.

import assert from 'node:assert/strict';
import { EVENT_TABLE, eventsOf } from '../../src/runtime/event-blocks.js';
import { decodeKey, rangeOf } from '../../src/runtime/storage/keys.js';
import type { StoreReader } from '../../src/runtime/storage/store.js';

const ENTRIES_MAX = 1_000_000;

/** All events as latin1, from the first. Fails when there is a gap (EB1). */
export function storedEvents(reader: StoreReader): string[] {
  const rows = reader.range({ ...rangeOf([EVENT_TABLE]), limit: ENTRIES_MAX });
  const events = rows.flatMap(({ key, value }) => eventsOf(Number(decodeKey(key)[1]), value));
  events.forEach(({ seq }, index) => {
    assert.equal(seq, index + 1, 'the events have a gap');
  });
  return events.map(({ value }) => Buffer.from(value).toString('latin1'));
}

/** Every row as latin1, and the events one by one. */
export function contentOf(reader: StoreReader): Map<string, string> {
  const { start, end } = rangeOf([EVENT_TABLE]);
  const isEvent = (key: Uint8Array) => Buffer.compare(key, start) >= 0 && Buffer.compare(key, end) < 0;
  const all = reader.range({ start: Uint8Array.of(0), end: Uint8Array.of(0xff), limit: ENTRIES_MAX });
  const content = new Map<string, string>();
  for (const { key, value } of all) {
    if (!isEvent(key)) content.set(Buffer.from(key).toString('latin1'), Buffer.from(value).toString('latin1'));
  }
  storedEvents(reader).forEach((event, index) => {
    content.set(`event ${index + 1}`, event);
  });
  return content;
}
