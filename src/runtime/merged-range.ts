// Merged range
//
// A range of the tables as an actor must see it that wrote into the range itself and whose writes the tables do not hold
// yet, or not all of them: its puts add or replace, its deletes hide.
//
// MR1. The answer is that of tables which hold the actor's own writes, whichever of them are in the tables already.
// MR2. The tables are asked for at most `limit` entries, plus one for each of the actor's own deletes in the range.

import type { Bytes, Entry, RangeOptions, StoreReader } from './storage/store.js';

/** A value of null: deleted. */
export type WriteVisitor = (key: Bytes, value: Bytes | null) => void;

/** What a reader wrote itself, and the tables may not hold. */
export interface OwnWrites {
  /** Those with start <= key < end, the newest first: of a key that comes again, the first time counts. */
  eachOwnWriteIn(start: Bytes, end: Bytes, visit: WriteVisitor): void;
}

/** An own write in a range. */
export interface OwnEntry {
  readonly key: Bytes;
  /** null: deleted. */
  readonly value: Bytes | null;
}

/** The newest own write of each key in the range, in key order. Costs a look at every own write, and sorts those found. */
export function ownEntriesIn({ start, end }: Pick<RangeOptions, 'start' | 'end'>, own: OwnWrites): OwnEntry[] {
  const found = new Map<string, OwnEntry>();
  own.eachOwnWriteIn(start, end, (key, value) => {
    const text = keyText(key);
    if (!found.has(text)) found.set(text, { key, value });
  });
  return [...found.values()].sort((a, b) => Buffer.compare(a.key, b.key));
}

/** The first entries of the range, at most `limit`. `read` reads the tables. */
export function mergeRange(
  options: RangeOptions,
  own: readonly OwnEntry[],
  read: (options: RangeOptions) => Entry[],
): Entry[] {
  const { limit, reverse = false } = options;
  const deletes = own.reduce((count, { value }) => (value === null ? count + 1 : count), 0);
  const stored = read({ ...options, limit: limit + deletes });
  const mine = reverse ? [...own].reverse() : own;
  const merged: Entry[] = [];
  let at = 0;
  for (const { key, value } of mine) {
    let order = -1;
    while (at < stored.length) {
      order = reverse ? Buffer.compare(key, stored[at]!.key) : Buffer.compare(stored[at]!.key, key);
      if (order >= 0) break;
      merged.push(stored[at++]!);
    }
    if (at < stored.length && order === 0) at++;
    if (value !== null) merged.push({ key, value });
    if (merged.length >= limit) break;
  }
  while (at < stored.length && merged.length < limit) merged.push(stored[at++]!);
  return merged.slice(0, limit);
}

/** How many keys are in the range. Costs a look-up in the tables for each own entry, beside the tables' own count. */
export function mergedCount({ start, end }: RangeOptions, own: readonly OwnEntry[], tables: StoreReader): number {
  let count = tables.count(start, end);
  for (const { key, value } of own) {
    const isStored = tables.get(key) !== undefined;
    if (isStored && value === null) count--;
    else if (!isStored && value !== null) count++;
  }
  return count;
}

// Slicing through the prototype spares the Buffer that would only be made to be asked for its text.
const { latin1Slice } = Buffer.prototype as unknown as {
  readonly latin1Slice: (this: Uint8Array, start: number, end: number) => string;
};

/** A key's bytes as a latin1 string: equal for equal keys, and in the same order. */
export function keyText(key: Uint8Array): string {
  return latin1Slice.call(key, 0, key.length);
}
