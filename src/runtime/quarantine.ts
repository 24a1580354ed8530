// Quarantine
//
// Actors that failed too often, set aside until somebody resumes them. Bounded: the one that waited longest is let go
// (it may fail its way back) when there is no room for another.

import type { Cell } from './cell.js';
import type { Envelope } from './envelope.js';

export const QUARANTINED_MAX = 1000;

export interface Quarantined {
  readonly address: string;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** What it failed at last, and with what. */
  readonly message: string;
  readonly error: string;
  /** Messages that wait for it; asks were refused. */
  readonly waiting: number;
}

interface Entry {
  readonly cell: Cell;
  readonly since: number;
  readonly error: string;
  /** What it failed at: in front of its mailbox still, if it is to be tried again. */
  readonly envelope: Envelope;
}

export class Quarantine {
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  /** Sets a cell aside; the address that had to make room for it, if any. */
  add(entry: Entry): string | undefined {
    this.#entries.set(entry.cell.address, entry);
    if (this.#entries.size <= QUARANTINED_MAX) return undefined;
    return this.#entries.keys().next().value;
  }

  remove(address: string): Entry | undefined {
    const entry = this.#entries.get(address);
    this.#entries.delete(address);
    return entry;
  }

  list(): Quarantined[] {
    return [...this.#entries].map(([address, { cell, since, error, envelope }]) => ({
      address,
      reason: cell.quarantineReason,
      since,
      message: cell.messageName(envelope.message),
      error,
      waiting: cell.mailbox.depth,
    }));
  }
}
