// Store view
//
// What a thread reads of the tables: values instead of bytes, and all that was in them when it asked. Whoever commits to
// the tables counts that in shared memory; a reader that sees a new count drops its snapshot first: free while nothing was
// committed, one snapshot renewal otherwise.
//
// What is durable reaches the tables later (progress.ts). An actor sees its own writes all the same: it hands in those
// that may be missing. Who reads what others wrote waits first (catch-up.ts).

import type { Key, KeyedValue, RangeQuery } from './actor.js';
import { decodeValue } from './codec.js';
import { mergedCount, mergeRange, type OwnEntry, type OwnWrites, ownEntriesIn } from './merged-range.js';
import { afterKey, decodeKey, encodeKey, rangeOf } from './storage/keys.js';
import type { Bytes, RangeOptions, StoreReader } from './storage/store.js';

/** How many commits the tables have seen; counted by who wrote them after each one, read by everyone. */
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

  /** `own`: writes of the reader's that the tables may not hold yet; they are in the answer. */
  range(query: RangeQuery, own?: OwnWrites): KeyedValue[] {
    this.#settle();
    const options = rangeOptions(query);
    const mine = own === undefined ? NO_ENTRIES : ownEntriesIn(options, own);
    const entries =
      mine.length === 0 ? this.#reader.range(options) : mergeRange(options, mine, (more) => this.#reader.range(more));
    return entries.map((entry) => ({ key: decodeKey(entry.key), value: decodeValue(entry.value) }));
  }

  rangeKeys(query: RangeQuery, own?: OwnWrites): Key[] {
    this.#settle();
    const options = rangeOptions(query);
    const mine = own === undefined ? NO_ENTRIES : ownEntriesIn(options, own);
    if (mine.length === 0) return this.#reader.rangeKeys(options).map(decodeKey);
    const entries = mergeRange(options, mine, (more) =>
      this.#reader.rangeKeys(more).map((key) => ({ key, value: NO_BYTES })),
    );
    return entries.map(({ key }) => decodeKey(key));
  }

  count(query: Omit<RangeQuery, 'limit' | 'reverse'>, own?: OwnWrites): number {
    this.#settle();
    const options = rangeOptions({ ...query, limit: 1 });
    const mine = own === undefined ? NO_ENTRIES : ownEntriesIn(options, own);
    return mergedCount(options, mine, this.#reader);
  }

  #settle(): void {
    const commits = this.#commits.value;
    if (commits === this.#seen) return;
    this.#seen = commits;
    this.#reader.refresh();
  }
}

const NO_ENTRIES: readonly OwnEntry[] = [];
const NO_BYTES = new Uint8Array(0);

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
