// Store view
//
// What a thread reads of the store: values instead of bytes, and never older than what was acknowledged when it asked.
// The journal counts its commits in shared memory; a reader that sees a new count drops its snapshot first. That is
// `settled()` of the design: free while nothing was committed, one snapshot renewal otherwise.

import type { Key, KeyedValue, RangeQuery } from './actor.js';
import { decodeValue } from './codec.js';
import { afterKey, decodeKey, encodeKey, rangeOf } from './storage/keys.js';
import type { Bytes, RangeOptions, StoreReader } from './storage/store.js';

/** How many commits the store has seen; written by the journal after each one, read by everyone. */
export class CommitCount {
  readonly memory: SharedArrayBuffer;
  readonly #cell: Int32Array;

  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    this.#cell = new Int32Array(this.memory);
  }

  get value(): number {
    return Atomics.load(this.#cell, 0);
  }

  increment(): void {
    Atomics.add(this.#cell, 0, 1);
  }
}

export class StoreView {
  readonly #reader: StoreReader;
  readonly #commits: CommitCount;
  #seen = -1;

  constructor(reader: StoreReader, commits: CommitCount) {
    this.#reader = reader;
    this.#commits = commits;
  }

  get(key: Key): unknown {
    const bytes = this.getBytes(encodeKey(key));
    return bytes === undefined ? undefined : decodeValue(bytes);
  }

  getBytes(key: Bytes): Bytes | undefined {
    this.#settle();
    return this.#reader.get(key);
  }

  range(query: RangeQuery): KeyedValue[] {
    this.#settle();
    const entries = this.#reader.range(rangeOptions(query));
    return entries.map((entry) => ({ key: decodeKey(entry.key), value: decodeValue(entry.value) }));
  }

  rangeKeys(query: RangeQuery): Key[] {
    this.#settle();
    return this.#reader.rangeKeys(rangeOptions(query)).map(decodeKey);
  }

  count(query: Omit<RangeQuery, 'limit' | 'reverse'>): number {
    this.#settle();
    const { start, end } = rangeOptions({ ...query, limit: 1 });
    return this.#reader.count(start, end);
  }

  #settle(): void {
    const commits = this.#commits.value;
    if (commits === this.#seen) return;
    this.#seen = commits;
    this.#reader.refresh();
  }
}

function rangeOptions(query: RangeQuery): RangeOptions {
  const { start, end } = rangeOf(query.under, query.prefix);
  const reverse = query.reverse ?? false;
  if (query.after === undefined) return { start, end, limit: query.limit, reverse };
  // The place to go on from may lie outside of the range: then all of it, or nothing, is left.
  const after = encodeKey(query.after);
  if (reverse) return { start, end: smaller(after, end), limit: query.limit, reverse };
  return { start: larger(afterKey(after), start), end, limit: query.limit, reverse };
}

function smaller(a: Bytes, b: Bytes): Bytes {
  return Buffer.compare(a, b) < 0 ? a : b;
}

function larger(a: Bytes, b: Bytes): Bytes {
  return Buffer.compare(a, b) > 0 ? a : b;
}
