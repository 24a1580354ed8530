// Progress
//
// How far the journal and the tables behind it are, in memory that every thread sees. Groups are numbered as in the
// journal, and compared by their distance, so that 32 bits are enough: the two are never half of that apart.
//
//     group n is written ──▶ marked ──▶ durable = n ──▶ … applied behind ──▶ applied = n ──▶ unmarked
//
// Owns:     the number of the last durable and of the last applied group; which keys may be written and not applied.
// Does not: know what a key means, or wake anybody (the journal tells those who asked).
//
// PR1. What was acknowledged when a read began is in the tables when applied has reached the durable of that moment.
// PR2. A key, or a table, that mayBeBehind() denies has no acknowledged write outside of the tables. The other way round it errs
//      sometimes: keys share cells by their hash.
// PR3. When nothing is behind, asking costs two loads.

/** Keys share this many cells: with 10,000 keys behind, one in a hundred others is taken for one of them. */
const KEY_CELLS = 1 << 20;
const DURABLE = 0;
const APPLIED = 1;
const FIRST_KEY_CELL = 16;

export class Progress {
  readonly memory: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer((FIRST_KEY_CELL + KEY_CELLS) * Int32Array.BYTES_PER_ELEMENT);
    this.#cells = new Int32Array(this.memory);
  }

  /** The number of the last durable group, in 32 bits. */
  get durable(): number {
    return Atomics.load(this.#cells, DURABLE);
  }

  /** The number of the last group that is in the tables, in 32 bits. */
  get applied(): number {
    return Atomics.load(this.#cells, APPLIED);
  }

  /** Groups that are durable and not in the tables. */
  get behind(): number {
    return (this.durable - this.applied) | 0;
  }

  /** True when everything up to this group (32 bits of its number) is in the tables. */
  hasApplied(group: number): boolean {
    return ((this.applied - group) | 0) >= 0;
  }

  publishDurable(group: number): void {
    Atomics.store(this.#cells, DURABLE, group | 0);
  }

  publishApplied(group: number): void {
    Atomics.store(this.#cells, APPLIED, group | 0);
  }

  /** A write of this key, which lies in `bytes` at [from, to), is about to become durable. */
  mark(bytes: Uint8Array, from = 0, to = bytes.length): void {
    Atomics.add(this.#cells, cellOf(bytes, from, to), 1);
    Atomics.add(this.#cells, cellOf(bytes, from, endOfTable(bytes, from, to)), 1);
  }

  /** That write is in the tables now, or will never be durable. */
  unmark(bytes: Uint8Array, from = 0, to = bytes.length): void {
    this.unmarkCell(cellOf(bytes, from, to));
    this.unmarkCell(cellOf(bytes, from, endOfTable(bytes, from, to)));
  }

  /** The same, for one of the cells that cellsOf() gave. */
  unmarkCell(cell: number): void {
    Atomics.sub(this.#cells, cell, 1);
  }

  /** True when a write of this key, or of any key of a table named alone, may be acknowledged and not in the tables (PR2). */
  mayBeBehind(key: Uint8Array): boolean {
    return this.behind > 0 && Atomics.load(this.#cells, cellOf(key, 0, key.length)) !== 0;
  }
}

/** Appends the two cells that a write of this key is marked in: its own, and that of its table. */
export function pushCells(cells: number[], bytes: Uint8Array, from: number, to: number): void {
  cells.push(cellOf(bytes, from, to), cellOf(bytes, from, endOfTable(bytes, from, to)));
}

/** Behind the name of the table, which ends with the first zero of a key (storage/keys.ts). */
function endOfTable(bytes: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; i++) if (bytes[i] === 0) return i + 1;
  return to;
}

/** The cell of a key: FNV-1a over its bytes, folded. */
function cellOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return FIRST_KEY_CELL + (((hash >>> 16) ^ hash) & (KEY_CELLS - 1));
}
