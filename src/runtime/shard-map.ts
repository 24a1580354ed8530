// Shard map
//
// Which worker owns each slot, and the slot's epoch, in memory that every thread sees.
//
// Owns:     the two numbers of each slot.
// Does not: decide who owns what (supervisor.ts), or refuse old records (journal.ts).
//
// SM1. Only the supervisor writes owners; only the journal writes epochs.
// SM2. A slot's epoch never falls. It rises before a new owner may read the store for that slot.

import { SLOTS } from './address.js';

/** The owner of a slot that is between two workers. */
export const NOBODY = -1;

export class ShardMap {
  readonly memory: SharedArrayBuffer;
  readonly #owners: Int32Array;
  readonly #epochs: Int32Array;

  /** A new map with all slots unowned, or a view of one that another thread made. */
  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(SLOTS * 2 * Int32Array.BYTES_PER_ELEMENT);
    this.#owners = new Int32Array(this.memory, 0, SLOTS);
    this.#epochs = new Int32Array(this.memory, SLOTS * Int32Array.BYTES_PER_ELEMENT, SLOTS);
    if (memory === undefined) this.#owners.fill(NOBODY);
  }

  owner(slot: number): number {
    return Atomics.load(this.#owners, slot);
  }

  setOwner(slot: number, worker: number): void {
    Atomics.store(this.#owners, slot, worker);
  }

  epoch(slot: number): number {
    return Atomics.load(this.#epochs, slot);
  }

  setEpoch(slot: number, epoch: number): void {
    Atomics.store(this.#epochs, slot, epoch);
  }
}

/** The slots of a worker: every `workers`-th one, so that neighbours in number are spread. */
export function slotsOf(worker: number, workers: number): number[] {
  const slots: number[] = [];
  for (let slot = worker; slot < SLOTS; slot += workers) slots.push(slot);
  return slots;
}
