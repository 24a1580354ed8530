// State reader
//
// The shared state as observers see it: pages of keys without their values, and single entries.
//
// SR1. A page ends early, and leads on, when the values behind it are more than it may read.

import { STATE_KEYS } from '../../actors/state/protocol.js';
import type { StateRow } from '../../actors/state/state.js';
import { timestamp } from '../../clock.js';
import type { ObservedEntry, ObservedKey, ObservedKeys } from '../../contract/observe.js';
import { decodeValue } from '../../runtime/codec.js';
import { afterKey, decodeKey, encodeKey, rangeOf } from '../../runtime/storage/keys.js';
import { readMetaNumber } from '../../runtime/storage/meta.js';
import type { Bytes, StoreReader } from '../../runtime/storage/store.js';
import { metaCounter } from '../../runtime/tables.js';
import { cursorOf } from '../kernel/page-cursor.js';
import type { Reading } from './protocol.js';

const TABLE = 'state';
/** The size of a value stands behind it, so that it is read whole. */
const PAGE_BYTES_MAX = 8 * 1024 * 1024;

/** A prefix costs a walk over its keys for the total; without one the total is the counter. */
export function readKeys(reader: StoreReader, { prefix, after, limit }: Reading & { kind: 'keys' }): ObservedKeys {
  const { start, end } = prefix === '' ? rangeOf([TABLE]) : rangeOf([TABLE], prefix);
  const from = after === null ? start : later(start, afterKey(encodeKey([TABLE, after])));
  const found = Buffer.compare(from, end) < 0 ? reader.rangeKeys({ start: from, end, limit: limit + 1 }) : [];
  const keys: ObservedKey[] = [];
  let bytes = 0;
  for (const key of found) {
    if (keys.length === limit || bytes > PAGE_BYTES_MAX) break;
    const value = reader.get(key);
    if (value === undefined) continue;
    bytes += value.length;
    keys.push(factsOf(String(decodeKey(key)[1]), decodeValue(value) as StateRow));
  }
  const last = keys.length < found.length ? keys.at(-1) : undefined;
  return {
    keys,
    next_cursor: last === undefined ? null : cursorOf(last.key),
    total: prefix === '' ? (readMetaNumber(reader, metaCounter(STATE_KEYS)) ?? 0) : reader.count(start, end),
  };
}

export function readEntry(reader: StoreReader, key: string): ObservedEntry | undefined {
  const bytes = reader.get(encodeKey([TABLE, key]));
  if (bytes === undefined) return undefined;
  const row = decodeValue(bytes) as StateRow;
  return { ...factsOf(key, row), value: row.value };
}

function factsOf(key: string, { by, at, bytes, redacted }: StateRow): ObservedKey {
  const facts = { key, last_modified_by: by, last_modified_at: timestamp(at), value_length: bytes };
  return redacted === true ? { ...facts, redacted } : facts;
}

function later(a: Bytes, b: Bytes): Bytes {
  return Buffer.compare(a, b) > 0 ? a : b;
}
