// Log size
//
// How many bytes of events the tables hold: counted once at the beginning, then as they come and go.
//
// LS1. What is counted is the rows after META_TRIMMED up to `counted`, each by the size of its value.
//      A row that is rewritten meanwhile keeps its first size here: it is the measure of a bound, and counted anew by each life.
// LS2. One look reads at most LOOK_BYTES_MAX, plus a read.

import { EVENT_TABLE } from '../runtime/event-blocks.js';
import { decodeKey, encodeKey, rangeOf } from '../runtime/storage/keys.js';
import type { StoreReader } from '../runtime/storage/store.js';

const LOOK_BYTES_MAX = 64 * 1024 * 1024;
const ROWS_PER_READ = 64;

export class LogSize {
  bytes = 0;
  /** Rows up to the one that ends with this event are in `bytes`. */
  #counted: number;

  /** Begins with the event behind `after`. */
  constructor(after: number) {
    this.#counted = after;
  }

  /** Counts what has come; false when there is more. */
  look(reader: StoreReader): boolean {
    const { end } = rangeOf([EVENT_TABLE]);
    const before = this.bytes;
    while (this.bytes - before < LOOK_BYTES_MAX) {
      const start = encodeKey([EVENT_TABLE, this.#counted + 1]);
      const rows = reader.range({ start, end, limit: ROWS_PER_READ });
      for (const { value } of rows) this.bytes += value.length;
      const last = rows.at(-1);
      if (last !== undefined) this.#counted = Number(decodeKey(last.key)[1]);
      if (rows.length < ROWS_PER_READ) return true;
    }
    return false;
  }

  /** Rows that were counted are gone. */
  gone(bytes: number): void {
    this.bytes -= bytes;
  }
}
