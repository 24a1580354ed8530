// Memory store
//
// A Store that keeps nothing: for tests and simulations. Entries lie in sorted blocks of bounded size, so that an
// insertion moves at most BLOCK_ENTRIES_MAX entries, however many there are.
//
// Owns:     the entries, and the undoing of a commit that threw.
// Does not: outlive its process, and so has nothing to back up.
//
// It keeps S1 to S4 of store.ts; "durable" here means: until the process ends.

import { invariant } from '../../invariant.js';
import { CommitBatch } from './commit-batch.js';
import type { Bytes, Entry, RangeOptions, Store, WriteBatch } from './store.js';

/** A full block is split in two. 512 moved pointers cost about as much as finding the block. */
const BLOCK_ENTRIES_MAX = 512;

/** Where a key is, or would be inserted. */
interface Place {
  block: number;
  index: number;
}

export class MemoryStore implements Store {
  /** Sorted, and none empty but the only one. */
  readonly #blocks: Entry[][] = [[]];
  #committing = false;
  #closed = false;

  get(key: Bytes): Bytes | undefined {
    this.#mustBeOpen();
    return this.#find(this.#placeOf(key), key)?.value;
  }

  range({ start, end, limit, reverse = false }: RangeOptions): Entry[] {
    this.#mustBeOpen();
    invariant(Number.isInteger(limit) && limit >= 1, 'A range needs a limit of at least 1.');
    const entries: Entry[] = [];
    const first = this.#placeOf(start);
    const last = this.#placeOf(end);
    if (reverse) {
      for (let { block, index } = last; block >= first.block && entries.length < limit; ) {
        const from = block === first.block ? first.index : 0;
        while (--index >= from && entries.length < limit) entries.push(this.#blocks[block]![index]!);
        index = this.#blocks[--block]?.length ?? 0;
      }
      return entries;
    }
    for (let { block, index } = first; block <= last.block && entries.length < limit; block++, index = 0) {
      const until = block === last.block ? last.index : this.#blocks[block]!.length;
      while (index < until && entries.length < limit) entries.push(this.#blocks[block]![index++]!);
    }
    return entries;
  }

  rangeKeys(options: RangeOptions): Bytes[] {
    return this.range(options).map((entry) => entry.key);
  }

  count(start: Bytes, end: Bytes): number {
    this.#mustBeOpen();
    const first = this.#placeOf(start);
    const last = this.#placeOf(end);
    let entries = last.index - first.index;
    for (let block = first.block; block < last.block; block++) entries += this.#blocks[block]!.length;
    return Math.max(0, entries);
  }

  refresh(): void {}

  commit(write: (batch: WriteBatch) => void): void {
    this.#mustBeOpen();
    invariant(!this.#committing, 'A commit was begun inside a commit.');
    const undo: (() => void)[] = [];
    const remember = (key: Bytes, before: Bytes | undefined) =>
      undo.push(before === undefined ? () => this.#delete(key) : () => this.#put({ key, value: before }));
    const batch = new CommitBatch({
      put: (key, value) => {
        // Not slice(): of a Buffer that is a view.
        const entry = { key: new Uint8Array(key), value: new Uint8Array(value) };
        remember(entry.key, this.#put(entry));
      },
      delete: (key) => {
        const before = this.#delete(key);
        if (before !== undefined) remember(new Uint8Array(key), before);
      },
    });
    this.#committing = true;
    try {
      write(batch);
    } catch (error) {
      for (const step of undo.reverse()) step();
      throw error;
    } finally {
      batch.end();
      this.#committing = false;
    }
  }

  async backup(): Promise<void> {
    throw new Error('A store in memory has nothing to back up.');
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #mustBeOpen(): void {
    invariant(!this.#closed, 'The store is closed.');
  }

  /** The last block whose first key is not greater, and the first index in it whose key is not smaller. */
  #placeOf(key: Bytes): Place {
    let low = 1;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Buffer.compare(this.#blocks[middle]![0]!.key, key) <= 0) low = middle + 1;
      else high = middle;
    }
    const block = low - 1;
    const entries = this.#blocks[block]!;
    low = 0;
    high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Buffer.compare(entries[middle]!.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return { block, index: low };
  }

  #find(place: Place, key: Bytes): Entry | undefined {
    const entry = this.#blocks[place.block]![place.index];
    return entry !== undefined && Buffer.compare(entry.key, key) === 0 ? entry : undefined;
  }

  /** Returns the value that it replaced. */
  #put(entry: Entry): Bytes | undefined {
    const place = this.#placeOf(entry.key);
    const entries = this.#blocks[place.block]!;
    const before = this.#find(place, entry.key);
    entries.splice(place.index, before === undefined ? 0 : 1, entry);
    if (entries.length > BLOCK_ENTRIES_MAX) {
      this.#blocks.splice(place.block + 1, 0, entries.splice(BLOCK_ENTRIES_MAX >>> 1));
    }
    return before?.value;
  }

  /** Returns the value that it removed. */
  #delete(key: Bytes): Bytes | undefined {
    const place = this.#placeOf(key);
    const before = this.#find(place, key);
    if (before === undefined) return undefined;
    const entries = this.#blocks[place.block]!;
    entries.splice(place.index, 1);
    if (entries.length === 0 && this.#blocks.length > 1) this.#blocks.splice(place.block, 1);
    return before.value;
  }
}
