// Caught-up reader
//
// A store as it would be if some writes were in it that are not: what the tables become when the rest of the journal is
// applied, for those who may only read.
//
// Owns:     the writes, in key order.
// Does not: know where they come from (whole-state.ts), or hold the store's snapshot: while somebody writes to it, all is
//           read in one turn of the event loop.
//
// CR1. Every answer is that of the store with the writes applied to it.
// CR2. A range reads at most `limit` entries of the store at a time, and no more of them than it needs.

import { invariant } from '../../invariant.js';
import { keyText } from '../merged-range.js';
import { afterKey } from './keys.js';
import type { Bytes, Entry, RangeOptions, StoreReader, WriteBatch } from './store.js';

export class CaughtUpReader implements StoreReader {
  readonly #store: StoreReader;
  /** What each key then holds (null: nothing), by its text. */
  readonly #writes = new Map<string, Bytes | null>();
  /** The keys of all writes, in order. */
  readonly #keys: readonly string[];

  /** `apply` makes the writes; values are kept as they are given. Sorts the keys. */
  constructor(store: StoreReader, apply: (batch: WriteBatch) => void) {
    this.#store = store;
    apply({
      put: (key, value) => this.#writes.set(keyText(key), value),
      delete: (key) => this.#writes.set(keyText(key), null),
    });
    this.#keys = [...this.#writes.keys()].sort();
  }

  get(key: Bytes): Bytes | undefined {
    const written = this.#writes.get(keyText(key));
    return written === undefined ? this.#store.get(key) : (written ?? undefined);
  }

  range(options: RangeOptions): Entry[] {
    const stored = inPages(options, (page) => this.#store.range(page), keyOfEntry);
    return this.#merge(options, stored, keyOfEntry, (key, value) => ({ key, value }));
  }

  rangeKeys(options: RangeOptions): Bytes[] {
    const stored = inPages(options, (page) => this.#store.rangeKeys(page), itself);
    return this.#merge(options, stored, itself, itself);
  }

  /** Costs a look-up in the store for each write in the range, beside the store's own count. */
  count(start: Bytes, end: Bytes): number {
    let count = this.#store.count(start, end);
    for (const [key, value] of this.#writesIn(start, end, false)) {
      const isStored = this.#store.get(key) !== undefined;
      if (isStored && value === null) count--;
      else if (!isStored && value !== null) count++;
    }
    return count;
  }

  /** Nothing: the writes belong to what the store was when they were gathered. */
  refresh(): void {}

  close(): Promise<void> {
    return this.#store.close();
  }

  /** The first `limit` of what is stored and what is written, where a write takes the place of what is stored. */
  #merge<T>(
    { start, end, limit, reverse = false }: RangeOptions,
    stored: Iterator<T, undefined>,
    keyOf: (entry: T) => Bytes,
    entryOf: (key: Bytes, value: Bytes) => T,
  ): T[] {
    invariant(Number.isInteger(limit) && limit >= 1, 'A range needs a limit of at least 1.');
    const merged: T[] = [];
    const writes = this.#writesIn(start, end, reverse);
    let write = writes.next().value;
    let next = stored.next().value;
    while (merged.length < limit && (write !== undefined || next !== undefined)) {
      const order = orderOf(write?.[0], next === undefined ? undefined : keyOf(next), reverse);
      if (order > 0) {
        merged.push(next!);
      } else {
        const [key, value] = write!;
        if (value !== null) merged.push(entryOf(key, value));
        write = writes.next().value;
      }
      if (order >= 0 && merged.length < limit) next = stored.next().value;
    }
    return merged;
  }

  *#writesIn(start: Bytes, end: Bytes, reverse: boolean): Generator<[Bytes, Bytes | null], undefined> {
    const from = this.#place(start);
    const until = this.#place(end);
    for (let at = 0; at < until - from; at++) {
      const text = this.#keys[reverse ? until - 1 - at : from + at]!;
      yield [Buffer.from(text, 'latin1'), this.#writes.get(text)!];
    }
  }

  /** The place of the first key that is not smaller. */
  #place(key: Bytes): number {
    const text = keyText(key);
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle]! < text) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Below 0 when the written key comes first, above when the stored one does; one that is not there comes last. */
function orderOf(written: Bytes | undefined, stored: Bytes | undefined, reverse: boolean): number {
  if (stored === undefined) return -1;
  if (written === undefined) return 1;
  return reverse ? Buffer.compare(stored, written) : Buffer.compare(written, stored);
}

/** All entries of a range of the store, of which only `limit` are asked for at a time (CR2). */
function* inPages<T>(
  options: RangeOptions,
  read: (options: RangeOptions) => T[],
  keyOf: (entry: T) => Bytes,
): Generator<T, undefined> {
  let { start, end } = options;
  for (;;) {
    const page = read({ ...options, start, end });
    yield* page;
    if (page.length < options.limit) return;
    const last = keyOf(page.at(-1)!);
    if (options.reverse === true) end = last;
    else start = afterKey(last);
  }
}

function keyOfEntry({ key }: Entry): Bytes {
  return key;
}

function itself(key: Bytes): Bytes {
  return key;
}
