// Store (port)
//
// The tables behind all actors: an ordered map from bytes to bytes. One conformance suite
// (test/runtime/storage/store-conformance.ts) runs over every implementation.
//
// Owns:     durability, order, atomic groups, snapshots for readers.
// Does not: know what a key means (keys.ts), number events or check epochs (journal.ts).
//
// S1. Keys are ordered by unsigned bytes.
// S2. commit() makes all of its writes durable together before it returns, or none of them and throws.
// S3. A reader sees whole commits only, and after refresh() every commit that had returned before.
// S4. range() never loads more than its limit.

export type Bytes = Uint8Array;

export interface Entry {
  readonly key: Bytes;
  /** A copy or a stable view: it stays valid after the next read or commit. */
  readonly value: Bytes;
}

export interface RangeOptions {
  /** First key, inclusive. */
  readonly start: Bytes;
  /** Last key, exclusive. */
  readonly end: Bytes;
  /** At most this many entries, at least 1. */
  readonly limit: number;
  /** Largest first; `start` and `end` keep their meaning. */
  readonly reverse?: boolean;
}

/** What any thread may hold: reads of committed, durable data. */
export interface StoreReader {
  get(key: Bytes): Bytes | undefined;
  /** Entries with start <= key < end, in key order, at most `limit`. */
  range(options: RangeOptions): Entry[];
  /** The keys of the same range, without touching the values. */
  rangeKeys(options: RangeOptions): Bytes[];
  /** How many keys lie in [start, end). Costs a walk over them, in native code. */
  count(start: Bytes, end: Bytes): number;
  /** Forget the snapshot held, so that the next read sees every commit that has returned (S3). Cheap. */
  refresh(): void;
  close(): Promise<void>;
}

/** The writes of one commit, to be applied in the order given. */
export interface WriteBatch {
  put(key: Bytes, value: Bytes): void;
  delete(key: Bytes): void;
}

/** The one writer. */
export interface Store extends StoreReader {
  /** Runs `write` in one transaction; reads through `get` inside it see the writes made so far. Returns when durable (S2). */
  commit(write: (batch: WriteBatch) => void): void;
  /** A consistent copy of the store into an empty directory, while in use. */
  backup(directory: string): Promise<void>;
}
