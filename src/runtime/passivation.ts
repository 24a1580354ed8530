// Passivation
//
// Keeps what idle actors hold in memory under a bound of bytes, whatever their number (G10): the least recently used
// leave first, and come back from the store with their next envelope.
//
// Owns:     the order of use, and the sum of resident bytes.
// Does not: know whether an actor may go just now (the shard says).
//
// P1. After trim(), the sum is at most bytesMax, or TRIM_SCAN_MAX actors (or all) were found that may not go now.
// P2. What may not go is not looked at first again, so that the next trim() gets further.

import { CELL_BYTES, type Cell } from './cell.js';

export const TRIM_SCAN_MAX = 64;

export class Residents {
  readonly #bytesMax: number;
  #newest: Cell | undefined;
  #oldest: Cell | undefined;
  #bytes = 0;
  #count = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#count;
  }

  get tooMany(): boolean {
    return this.#bytes > this.#bytesMax;
  }

  get newest(): Cell | undefined {
    return this.#newest;
  }

  get oldest(): Cell | undefined {
    return this.#oldest;
  }

  /** It is the newest now. */
  renew(cell: Cell): void {
    if (this.#newest === cell) return;
    this.#unlink(cell);
    this.#linkNewest(cell);
  }

  /** With so many bytes more than are counted here, it is too much. */
  isOver(more: number): boolean {
    return this.#bytes + more > this.#bytesMax;
  }

  add(cell: Cell): void {
    cell.residentBytes = CELL_BYTES + cell.key.length;
    this.#bytes += cell.residentBytes;
    this.#count++;
    this.#linkNewest(cell);
  }

  /** The cell was used and its state now takes `stateBytes`. */
  touch(cell: Cell, stateBytes: number): void {
    const bytes = CELL_BYTES + cell.key.length + stateBytes;
    this.#bytes += bytes - cell.residentBytes;
    cell.residentBytes = bytes;
    this.renew(cell);
  }

  remove(cell: Cell): void {
    this.#unlink(cell);
    this.#bytes -= cell.residentBytes;
    this.#count--;
  }

  /** Passivates the least recently used until the sum fits. `release` removes the cell and says true, or says false. */
  trim(release: (cell: Cell) => boolean, more = 0): void {
    let refused = 0;
    let cell = this.#oldest;
    while (cell !== undefined && this.isOver(more) && refused < TRIM_SCAN_MAX) {
      const next: Cell | undefined = cell.newer;
      if (!release(cell)) {
        refused++;
        // It is in use: let it not be the first to be looked at again.
        this.#unlink(cell);
        this.#linkNewest(cell);
      }
      cell = next;
    }
  }

  #linkNewest(cell: Cell): void {
    cell.older = this.#newest;
    cell.newer = undefined;
    if (this.#newest !== undefined) this.#newest.newer = cell;
    this.#newest = cell;
    this.#oldest ??= cell;
  }

  #unlink(cell: Cell): void {
    if (cell.newer === undefined) this.#newest = cell.older;
    else cell.newer.older = cell.older;
    if (cell.older === undefined) this.#oldest = cell.newer;
    else cell.older.newer = cell.newer;
    cell.newer = undefined;
    cell.older = undefined;
  }
}
