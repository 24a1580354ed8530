// Durable tables
//
// A store in memory whose commits outlive a loss of power, whole or not at all, as those of the real tables do. Each state
// is a map of its own that is never changed, so that whoever cuts the power can keep the one of that moment.
//
// DT1. A commit that failed changes nothing for readers, and may turn out to be there after a loss of power.

import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import type { WriteBatch } from '../../src/runtime/storage/store.js';
import { latin1 } from '../runtime/record-batches.js';

/** Values by the bytes of their keys as latin1 text. */
export type Rows = ReadonlyMap<string, Uint8Array>;

export class DurableTables extends MemoryStore {
  failuresLeft = 0;
  /** The power may be cut before and after each commit. */
  onBoundary: () => void = () => undefined;
  #rows: Rows;
  /** What a commit that failed may have left (DT1). */
  #doubtful: Rows | undefined;

  constructor(rows: Rows) {
    super();
    this.#rows = rows;
    super.commit((batch) => {
      for (const [key, value] of rows) batch.put(Buffer.from(key, 'latin1'), value);
    });
  }

  /** What there may be after a loss of power. */
  get outcomes(): readonly Rows[] {
    return this.#doubtful === undefined ? [this.#rows] : [this.#rows, this.#doubtful];
  }

  override commit(write: (batch: WriteBatch) => void): void {
    this.onBoundary();
    const after = new Map(this.#rows);
    try {
      super.commit((batch) => {
        write({
          put(key, value) {
            batch.put(key, value);
            after.set(latin1(key), new Uint8Array(value));
          },
          delete(key) {
            batch.delete(key);
            after.delete(latin1(key));
          },
        });
        if (this.failuresLeft === 0) return;
        this.failuresLeft--;
        throw Object.assign(new Error('EIO: commit'), { code: 'EIO' });
      });
    } catch (error) {
      this.#doubtful = after;
      this.onBoundary();
      throw error;
    }
    this.#doubtful = undefined;
    this.#rows = after;
    this.onBoundary();
  }
}
