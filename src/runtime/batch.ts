// Batch
//
// The outbound buffer of one pair of threads: written all through a dispatch tick, then copied to its exact size and
// handed over by transfer. The copy is cheaper than giving a large, mostly empty buffer away at every tick.

import type { BatchWriter } from './envelope.js';

const INITIAL_BYTES = 16 * 1024;
/** Larger buffers are given back after the batch that needed them. */
const KEPT_BYTES_MAX = 1024 * 1024;

export class Batch implements BatchWriter {
  used = 0;
  #buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);

  room(bytes: number): Buffer {
    const needed = this.used + bytes;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.used);
      this.#buffer = larger;
    }
    return this.#buffer;
  }

  /** What was written, in a buffer of its own that may be transferred; the batch is empty afterwards. */
  take(): ArrayBuffer {
    const taken = new ArrayBuffer(this.used);
    new Uint8Array(taken).set(this.#buffer.subarray(0, this.used));
    this.used = 0;
    if (this.#buffer.length > KEPT_BYTES_MAX) this.#buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    return taken;
  }
}
