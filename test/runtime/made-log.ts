// A log of events in a store, as the applier leaves it.

import { encodeValue } from '../../src/runtime/codec.js';
import { EVENT_BLOCK_BYTES, eventRows } from '../../src/runtime/event-blocks.js';
import { EventIndex } from '../../src/runtime/event-index.js';
import type { LoggedEvent } from '../../src/runtime/event-reader.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../src/runtime/storage/memory-store.js';

export const TYPES = ['sent', 'written', 'read', 'never'];
export const ABOUTS = ['ann', 'bob', 'cy', 'nobody'];

/** Rows as the applier writes them: what came to the tables together is together in rows. */
export function storeOf(groups: readonly (readonly LoggedEvent[])[]): MemoryStore {
  const store = new MemoryStore();
  for (const group of groups) {
    const [first] = group;
    if (first === undefined) continue;
    const values = group.map(({ at, type, about, data }) => encodeValue([at, type, about, data]));
    const index = new EventIndex();
    values.forEach((value, place) => {
      index.add(first.seq + place, value);
    });
    store.commit((batch) => {
      for (const { key, value } of [...eventRows(first.seq, values), ...index.rows()]) batch.put(encodeKey(key), value);
    });
  }
  return store;
}

/** `lengths` of groups; each event is what its number says. */
export function logOf(lengths: readonly number[], firstSeq = 1): LoggedEvent[][] {
  let seq = firstSeq;
  return lengths.map((length) =>
    Array.from({ length }, () => {
      const mixed = Math.imul(seq, 0x9e3779b1) >>> 0;
      // Some are so large that rows of the log end within a group.
      const text = 'x'.repeat(mixed % 97 === 0 ? EVENT_BLOCK_BYTES : mixed % 40);
      const about = mixed % 5 === 3 ? null : ABOUTS[(mixed >>> 8) % 3]!;
      return { seq: seq++, at: 1000 + mixed, type: TYPES[(mixed >>> 4) % 3]!, about, data: { text } };
    }),
  );
}
