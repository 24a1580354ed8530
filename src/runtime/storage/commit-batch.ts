// Commit batch
//
// The writes of one commit, held to what every store can take, so that all implementations refuse the same.
//
// B1. A key has 1 to KEY_BYTES_MAX bytes, a value at most VALUE_BYTES_MAX.
// B2. After its commit a batch takes nothing: a write that comes late (from an async function, say) is a Defect, not a
//     commit of its own.

import { invariant } from '../../invariant.js';
import { KEY_BYTES_MAX } from './keys.js';
import type { Bytes, WriteBatch } from './store.js';

/** LMDB's binding answers larger values with memory that all threads share: it must never come to that. */
export const VALUE_BYTES_MAX = 16 * 1024 * 1024 - 1;

export class CommitBatch implements WriteBatch {
  readonly #target: WriteBatch;
  #open = true;

  constructor(target: WriteBatch) {
    this.#target = target;
  }

  put(key: Bytes, value: Bytes): void {
    this.#admit(key);
    invariant(value.length <= VALUE_BYTES_MAX, () => `A value of ${value.length} bytes is over ${VALUE_BYTES_MAX}.`);
    this.#target.put(key, value);
  }

  delete(key: Bytes): void {
    this.#admit(key);
    this.#target.delete(key);
  }

  end(): void {
    this.#open = false;
  }

  #admit(key: Bytes): void {
    invariant(this.#open, 'A write came after its commit was over.');
    invariant(key.length > 0 && key.length <= KEY_BYTES_MAX, () => `A key of ${key.length} bytes cannot be stored.`);
  }
}
