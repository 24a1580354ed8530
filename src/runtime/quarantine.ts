// Quarantine
//
// Actors that failed too often, set aside until somebody resumes them. Bounded: the one that waited longest is let go
// (it may fail its way back) when there is no room for another.

import type { Cell } from './cell.js';

export const QUARANTINED_MAX = 1000;

export interface Quarantined {
  readonly address: string;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

export class Quarantine {
  readonly #cells = new Map<string, { readonly cell: Cell; readonly since: number }>();

  get size(): number {
    return this.#cells.size;
  }

  /** Sets a cell aside; the address that had to make room for it, if any. */
  add(cell: Cell, nowMs: number): string | undefined {
    this.#cells.set(cell.address, { cell, since: nowMs });
    if (this.#cells.size <= QUARANTINED_MAX) return undefined;
    return this.#cells.keys().next().value;
  }

  remove(address: string): Cell | undefined {
    const cell = this.#cells.get(address)?.cell;
    this.#cells.delete(address);
    return cell;
  }

  list(): Quarantined[] {
    return [...this.#cells].map(([address, { cell, since }]) => ({ address, reason: cell.quarantineReason, since }));
  }
}
