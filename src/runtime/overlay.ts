// Overlay
//
// What the actors of one shard wrote and the tables do not hold yet: each actor reads its own writes from here first.
// The journal makes a record durable some time before it is in the tables.
//
//     commit ──▶ entries, in the order of their records ──▶ (durable) ──▶ applied(upTo): let go of, oldest first
//                  │ the newest of each key                     │
//                  └──▶ cell.writes ◀── put together again ◀── failed(settled): the newest dropped
//
// Owns:     the entries, and `writes` of every cell.
// Does not: say when a record is durable (gate.ts), or read the tables (store-view.ts).
//
// OV1. cell.writes holds, of each key that a record outside of the tables wrote, what the newest of these records says.
// OV2. A cell has `writes` exactly while a record with writes of its is not in the tables.
// OV3. After failed(), nothing that a failed record wrote is seen; what an older record wrote under the same key is.
//
// How many there are is bounded by others: what is not durable by UNSETTLED_BYTES_MAX (journal-feed.ts), what is durable
// and not in the tables by the journal, which makes nothing more durable while its own bound is passed.

import type { Cell, UnappliedWrite } from './cell.js';

/** The `text` of the entry of a record that wrote no key: every key has bytes. */
const NO_KEY = '';
/** Places of the ring: powers of two. A larger one than is kept goes when it is empty. */
const RING_MIN = 1024;
const RING_KEPT_MAX = 256 * 1024;

/** What a turn wrote under one key. */
export interface Write {
  /** The key's bytes as a latin1 string: equal for equal keys, and in the same order. */
  readonly text: string;
  /** null: deleted. */
  readonly value: Uint8Array | null;
}

export class Overlay {
  /**
   * A ring, in the order of their records; a record without writes has one entry without a key, so that a failure finds its
   * cell. It does not grow and shrink with every load: to the collector, a growing array costs more than what is in it.
   */
  #ring: (UnappliedWrite | undefined)[] = newRing(RING_MIN);
  /** Entries ever let go of, and ever added: places in the ring, modulo its size. */
  #head = 0;
  #tail = 0;
  #records = 0;

  /** Records that are not in the tables, durable or not. */
  get records(): number {
    return this.#records;
  }

  /** The record with the next number: what `cell` wrote, each key at most once. */
  add(cell: Cell, record: number, writes: ReadonlyMap<string, Write>): void {
    this.#records++;
    if (writes.size === 0) {
      this.#push({ cell, text: NO_KEY, value: null, record });
      return;
    }
    cell.writes ??= new Map();
    for (const { text, value } of writes.values()) {
      const entry: UnappliedWrite = { cell, text, value, record };
      cell.writes.set(text, entry);
      this.#push(entry);
    }
  }

  /** Every record up to this number is in the tables, or was never written. */
  isApplied(record: number): boolean {
    return this.#head === this.#tail || this.#at(this.#head).record > record;
  }

  /** All records up to this number are in the tables. */
  applied(upTo: number): void {
    let record = 0;
    while (this.#head < this.#tail) {
      const entry = this.#at(this.#head);
      if (entry.record > upTo) break;
      this.#ring[this.#head++ & (this.#ring.length - 1)] = undefined;
      if (entry.record !== record) this.#records--;
      record = entry.record;
      const { writes } = entry.cell;
      // A newer write of the same key stays.
      if (writes === undefined || writes.get(entry.text) !== entry) continue;
      if (writes.size === 1) entry.cell.writes = undefined;
      else writes.delete(entry.text);
    }
    if (this.#head === this.#tail && this.#ring.length > RING_KEPT_MAX) this.#ring = newRing(RING_MIN);
  }

  /** All records after `settled` failed. Returns the cells that wrote them. Costs a walk over all entries. */
  failed(settled: number): Set<Cell> {
    const concerned = new Set<Cell>();
    let record = 0;
    while (this.#head < this.#tail) {
      const entry = this.#at(this.#tail - 1);
      if (entry.record <= settled) break;
      this.#ring[--this.#tail & (this.#ring.length - 1)] = undefined;
      if (entry.record !== record) this.#records--;
      record = entry.record;
      concerned.add(entry.cell);
    }
    for (const cell of concerned) cell.writes = undefined;
    for (let place = this.#head; place < this.#tail; place++) {
      const entry = this.#at(place);
      if (entry.text === NO_KEY || !concerned.has(entry.cell)) continue;
      entry.cell.writes ??= new Map();
      entry.cell.writes.set(entry.text, entry);
    }
    return concerned;
  }

  #at(place: number): UnappliedWrite {
    return this.#ring[place & (this.#ring.length - 1)]!;
  }

  #push(entry: UnappliedWrite): void {
    const { length } = this.#ring;
    if (this.#tail - this.#head === length) {
      const larger = newRing(length * 2);
      for (let place = this.#head; place < this.#tail; place++) larger[place & (length * 2 - 1)] = this.#at(place);
      this.#ring = larger;
    }
    this.#ring[this.#tail++ & (this.#ring.length - 1)] = entry;
  }
}

function newRing(size: number): (UnappliedWrite | undefined)[] {
  return new Array<UnappliedWrite | undefined>(size).fill(undefined);
}
