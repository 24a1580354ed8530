// Cell table
//
// The resident actors of one shard, found by kind and key, and let go when they hold too much.
//
// Owns:     which cells exist.
// Does not: run them (shard.ts), or admit envelopes (intake.ts).
//
// CT1. A cell is made only for a slot that the shard owns (G1).
// CT2. A cell leaves only when nothing waits in it, nothing it said is unsettled, all it wrote is in the tables, and nobody
//      waits for it.

import type { Clock } from '../clock.js';
import { invariant } from '../invariant.js';
import type { AnyKind } from './actor.js';
import { Cell } from './cell.js';
import { Residents } from './passivation.js';

export class CellTable {
  readonly #kinds: readonly AnyKind[];
  readonly #epochs: ReadonlyMap<number, number>;
  readonly #clock: Clock;
  readonly #cells: Map<string, Cell>[];
  readonly #residents: Residents;

  /** `epochs`: the slots of this shard. */
  constructor(kinds: readonly AnyKind[], epochs: ReadonlyMap<number, number>, clock: Clock, residentBytesMax: number) {
    this.#kinds = kinds;
    this.#epochs = epochs;
    this.#clock = clock;
    this.#cells = kinds.map(() => new Map());
    this.#residents = new Residents(residentBytesMax);
  }

  get count(): number {
    return this.#residents.count;
  }

  get bytes(): number {
    return this.#residents.bytes;
  }

  /** The cell of an address, made if need be; undefined when its slot is not this shard's (CT1). */
  find(kindNumber: number, key: string, slot: number): Cell | undefined {
    const cells = this.#cells[kindNumber];
    invariant(cells !== undefined, 'an envelope names a kind that this system does not have');
    let cell = cells.get(key);
    if (cell === undefined && this.#epochs.has(slot)) {
      cell = new Cell(this.#kinds[kindNumber]!, kindNumber, key, slot);
      cells.set(key, cell);
      this.#residents.add(cell);
    }
    return cell;
  }

  /** The cell was used, and its state keeps this much resident. */
  touch(cell: Cell, stateBytes: number): void {
    this.#residents.touch(cell, stateBytes);
  }

  /** Lets this cell go now, if it may. */
  release(cell: Cell, settled: number): void {
    if (!this.#mayGo(cell, settled)) return;
    this.#residents.remove(cell);
    this.#cells[cell.kindNumber]!.delete(cell.key);
  }

  /** Lets idle cells go until the rest fits. Records up to `settled` are durable or failed. */
  trim(settled: number): void {
    if (!this.#residents.tooMany) return;
    this.#residents.trim((cell) => {
      if (!this.#mayGo(cell, settled)) return false;
      this.#residents.remove(cell);
      this.#cells[cell.kindNumber]!.delete(cell.key);
      return true;
    });
  }

  #mayGo(cell: Cell, settled: number): boolean {
    const idle = (cell.status === 'ready' || cell.status === 'vacant') && !cell.queued && cell.mailbox.depth === 0;
    if (!idle || cell.lastRecord > settled || cell.unapplied > 0) return false;
    if (cell.timers !== undefined || cell.open !== undefined) return false;
    if (cell.failures !== undefined && !cell.failures.isQuiet(this.#clock.monotonic())) return false;
    return cell.status === 'vacant' || cell.kind.mayPassivate?.(cell.state) !== false;
  }
}
