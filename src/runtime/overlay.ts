// Overlay
//
// What the actors of one shard wrote and the tables do not hold yet: each actor reads its own writes from here first.
// The journal makes a record durable some time before it is in the tables.
//
//     commit ──▶ entries, in the order of their records ──▶ (durable) ──▶ applied(upTo): let go of, the oldest first
//                        ▲ buckets by the hash of the key        └──────▶ failed(settled): let go of, the newest first
//                        ▲ one chain per cell, newest first
//
// It holds tens of thousands of writes for about a second each. As objects they would all be copied twice by the garbage
// collector, which was measured to cost as much as the turns themselves; so they are numbers and bytes in arrays that stay.
// Entries have places, counted from 0 for ever; a place is an index modulo the size. Links lead from newer to older places,
// and end at the first that has been let go of: letting the oldest go needs no unlinking.
//
// Owns:     the entries, and `unapplied` and `newestWrite` of every cell.
// Does not: say when a record is durable (gate.ts), or read the tables (store-view.ts).
//
// OV1. get() gives, of each key that a record outside of the tables wrote, what the newest of these records says.
// OV2. cell.unapplied is how many writes of its are here: 0 means that the tables hold all that it wrote.
// OV3. After failed(), nothing that a failed record wrote is seen; what an older record wrote under the same key is.
//
// How many there are is bounded by others: what is not durable by UNSETTLED_BYTES_MAX (journal-feed.ts), what is durable
// and not in the tables by the journal (UNAPPLIED_BYTES_MAX), which makes nothing more durable past it.

import { ByteQueue } from './byte-queue.js';
import type { Cell } from './cell.js';
import type { WriteVisitor } from './merged-range.js';
import { hashOf, type Write } from './write-set.js';

/** Entries that there is room for at first: a power of two, as every size is. */
const SIZE_MIN = 1024;
/** More room than this is given back when there is no entry. */
const SIZE_KEPT_MAX = 256 * 1024;
const NOWHERE = -1;
/** `valueBytes` of a write that deletes. */
const DELETED = -1;

/** The entries, a column for each thing known of them. */
class Columns {
  readonly mask: number;
  readonly cells: (Cell | undefined)[];
  readonly records: Float64Array;
  readonly hashes: Int32Array;
  /** The next older entry in the same bucket, and of the same cell. */
  readonly olderInBucket: Float64Array;
  readonly olderOfCell: Float64Array;
  /** Where the key lies, and the value behind it. */
  readonly chunks: Float64Array;
  readonly offsets: Int32Array;
  /** 0: the record wrote no key. It has an entry so that a failure finds its cell. */
  readonly keyBytes: Int32Array;
  readonly valueBytes: Int32Array;
  /** The newest entry of each bucket. */
  readonly buckets: Float64Array;

  constructor(readonly size: number) {
    this.mask = size - 1;
    this.cells = new Array<Cell | undefined>(size).fill(undefined);
    this.records = new Float64Array(size);
    this.hashes = new Int32Array(size);
    this.olderInBucket = new Float64Array(size);
    this.olderOfCell = new Float64Array(size);
    this.chunks = new Float64Array(size);
    this.offsets = new Int32Array(size);
    this.keyBytes = new Int32Array(size);
    this.valueBytes = new Int32Array(size);
    this.buckets = new Float64Array(size).fill(NOWHERE);
  }

  /** Puts an entry at the head of its bucket. */
  enlist(place: number): void {
    const bucket = this.hashes[place & this.mask]! & this.mask;
    this.olderInBucket[place & this.mask] = this.buckets[bucket]!;
    this.buckets[bucket] = place;
  }

  /** Columns of twice the size, with the entries from `head` to before `tail`. */
  grown(head: number, tail: number): Columns {
    const larger = new Columns(this.size * 2);
    for (let place = head; place < tail; ) {
      const at = place & this.mask;
      const until = Math.min(at + tail - place, this.size);
      larger.#copy(place & larger.mask, this, at, until);
      place += until - at;
    }
    for (let place = head; place < tail; place++) {
      if (larger.keyBytes[place & larger.mask]! > 0) larger.enlist(place);
    }
    return larger;
  }

  #copy(to: number, from: Columns, at: number, until: number): void {
    for (let i = at; i < until; i++) this.cells[to + i - at] = from.cells[i];
    this.records.set(from.records.subarray(at, until), to);
    this.hashes.set(from.hashes.subarray(at, until), to);
    this.olderOfCell.set(from.olderOfCell.subarray(at, until), to);
    this.chunks.set(from.chunks.subarray(at, until), to);
    this.offsets.set(from.offsets.subarray(at, until), to);
    this.keyBytes.set(from.keyBytes.subarray(at, until), to);
    this.valueBytes.set(from.valueBytes.subarray(at, until), to);
  }
}

export class Overlay {
  #columns = new Columns(SIZE_MIN);
  readonly #bytes = new ByteQueue();
  /** The place of the oldest entry, and of the next one. */
  #head = 0;
  #tail = 0;
  #records = 0;

  /** Records that are not in the tables, durable or not. */
  get records(): number {
    return this.#records;
  }

  /** The record with the next number: what `cell` wrote, each key at most once. Copies it. */
  add(cell: Cell, record: number, writes: readonly Write[]): void {
    this.#records++;
    if (writes.length === 0) {
      const at = this.#append(cell, record) & this.#columns.mask;
      this.#columns.keyBytes[at] = 0;
      return;
    }
    for (const { key, hash, value } of writes) {
      const place = this.#append(cell, record);
      const columns = this.#columns;
      const at = place & columns.mask;
      this.#bytes.write(key, value ?? undefined);
      columns.chunks[at] = this.#bytes.chunk;
      columns.offsets[at] = this.#bytes.offset;
      columns.keyBytes[at] = key.length;
      columns.valueBytes[at] = value === null ? DELETED : value.length;
      columns.hashes[at] = hash;
      columns.enlist(place);
      columns.olderOfCell[at] = cell.unapplied === 0 ? NOWHERE : cell.newestWrite;
      cell.newestWrite = place;
      cell.unapplied++;
    }
  }

  /** What the cell wrote last under a key: null, that it deleted it; undefined, nothing. A view, good until the next call. */
  get(cell: Cell, key: Uint8Array, hash = hashOf(key)): Uint8Array | null | undefined {
    if (cell.unapplied === 0) return undefined;
    const { mask, buckets, hashes, cells, olderInBucket } = this.#columns;
    for (let place = buckets[hash & mask]!; place >= this.#head; place = olderInBucket[place & mask]!) {
      const at = place & mask;
      if (hashes[at] === hash && cells[at] === cell && this.#isKey(at, key)) return this.#value(at);
    }
    return undefined;
  }

  /**
   * Every write of the cell under a key in [start, end), the newest first; of a key that comes again, the first time counts.
   * Views, as of get(). Costs a look at each write of the cell.
   */
  eachIn(cell: Cell, start: Uint8Array, end: Uint8Array, visit: WriteVisitor): void {
    if (cell.unapplied === 0) return;
    const { mask, olderOfCell, chunks, offsets, keyBytes } = this.#columns;
    for (let place = cell.newestWrite; place >= this.#head; place = olderOfCell[place & mask]!) {
      const at = place & mask;
      const bytes = this.#bytes.bytes(chunks[at]!);
      const from = offsets[at]!;
      const until = from + keyBytes[at]!;
      if (bytes.compare(start, 0, start.length, from, until) < 0) continue;
      if (bytes.compare(end, 0, end.length, from, until) >= 0) continue;
      visit(bytes.subarray(from, until), this.#value(at));
    }
  }

  /** Every record up to this number is in the tables, or was never written. */
  isApplied(record: number): boolean {
    return this.#head === this.#tail || this.#columns.records[this.#head & this.#columns.mask]! > record;
  }

  /** All records up to this number are in the tables. */
  applied(upTo: number): void {
    const { mask, records, cells, keyBytes, chunks } = this.#columns;
    let chunk = NOWHERE;
    let record = 0;
    for (; this.#head < this.#tail; this.#head++) {
      const at = this.#head & mask;
      const number = records[at]!;
      if (number > upTo) break;
      if (number !== record) this.#records--;
      record = number;
      if (keyBytes[at]! > 0) {
        cells[at]!.unapplied--;
        chunk = chunks[at]!;
      }
      cells[at] = undefined;
    }
    if (this.#head === this.#tail) this.#empty();
    // What is left lies in the chunk of the last one let go of, or behind it.
    else if (chunk !== NOWHERE) this.#bytes.release(chunk);
  }

  /** All records after `settled` failed. Returns the cells that wrote them. */
  failed(settled: number): Set<Cell> {
    const concerned = new Set<Cell>();
    const { mask, records, cells, hashes, keyBytes, buckets, olderInBucket, olderOfCell, chunks, offsets } =
      this.#columns;
    let record = 0;
    for (; this.#head < this.#tail; this.#tail--) {
      const at = (this.#tail - 1) & mask;
      const number = records[at]!;
      if (number <= settled) break;
      if (number !== record) this.#records--;
      record = number;
      const cell = cells[at]!;
      cells[at] = undefined;
      concerned.add(cell);
      if (keyBytes[at] === 0) continue;
      buckets[hashes[at]! & mask] = olderInBucket[at]!;
      cell.newestWrite = olderOfCell[at]!;
      cell.unapplied--;
      this.#bytes.rewind(chunks[at]!, offsets[at]!);
    }
    return concerned;
  }

  #empty(): void {
    this.#bytes.clear();
    if (this.#columns.size > SIZE_KEPT_MAX) this.#columns = new Columns(SIZE_MIN);
  }

  /** The place of a new entry. */
  #append(cell: Cell, record: number): number {
    if (this.#tail - this.#head === this.#columns.size) this.#columns = this.#columns.grown(this.#head, this.#tail);
    const place = this.#tail++;
    this.#columns.cells[place & this.#columns.mask] = cell;
    this.#columns.records[place & this.#columns.mask] = record;
    return place;
  }

  #isKey(at: number, key: Uint8Array): boolean {
    const { keyBytes, chunks, offsets } = this.#columns;
    if (keyBytes[at] !== key.length) return false;
    const bytes = this.#bytes.bytes(chunks[at]!);
    const offset = offsets[at]!;
    for (let i = 0; i < key.length; i++) if (bytes[offset + i] !== key[i]) return false;
    return true;
  }

  #value(at: number): Uint8Array | null {
    const { keyBytes, valueBytes, chunks, offsets } = this.#columns;
    if (valueBytes[at] === DELETED) return null;
    const offset = offsets[at]! + keyBytes[at]!;
    return this.#bytes.bytes(chunks[at]!).subarray(offset, offset + valueBytes[at]!);
  }
}
