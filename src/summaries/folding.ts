// Folding
//
// Brings the sums up to the event log, a slice in each commit.
//
//     event log (tables, read) ──slice──▶ fold ──one commit, with the number of its last event──▶ sums
//
// Owns:     the place in the log up to which the sums are.
// Does not: choose when (transport/observation/summary-thread.ts), or write the tables.
//
// FO1. Every event is folded once, in order: its number is written in the commit that holds it. A process that ends in the
//      middle of a slice has folded all of it or nothing.
// FO2. A slice takes at most SLICE_EVENTS events, and rows of the log until they hold SLICE_BYTES.
// FO3. Sums that are of another log, or of one that has lost its end, are refused by name and not touched.

import { EVENT_TABLE, eventsOf } from '../runtime/event-blocks.js';
import { decodeKey, encodeKey, rangeOf } from '../runtime/storage/keys.js';
import { readMetaNumber, writeMetaNumber } from '../runtime/storage/meta.js';
import { StorageError } from '../runtime/storage/storage-error.js';
import type { Store, StoreReader } from '../runtime/storage/store.js';
import { META_SEQ } from '../runtime/tables.js';
import { deedOf } from './deeds.js';
import { Fold } from './fold.js';
import { META_FOLDED, META_FOLDED_AT, META_MISSED, META_SCHEMA, SUMS_VERSION } from './rows.js';

/** Some ten milliseconds of work where few agents speak, and some hundred where every message has ends of its own. */
export const SLICE_EVENTS = 8_192;
export const SLICE_BYTES = 4 * 1024 * 1024;
const ROWS_PER_READ = 8;

export interface FoldingBounds {
  readonly sliceEvents: number;
  readonly sliceBytes: number;
}

const BOUNDS: FoldingBounds = { sliceEvents: SLICE_EVENTS, sliceBytes: SLICE_BYTES };

export class Folding {
  readonly #tables: StoreReader;
  readonly #sums: Store;
  readonly #bounds: FoldingBounds;
  #folded: number;
  #missed: number;

  /** Throws a StorageError for sums that cannot be gone on with (FO3). */
  constructor(tables: StoreReader, sums: Store, bounds: FoldingBounds = BOUNDS) {
    this.#tables = tables;
    this.#sums = sums;
    this.#bounds = bounds;
    this.#folded = opened(tables, sums);
    this.#missed = readMetaNumber(sums, META_MISSED) ?? 0;
  }

  /** The number of the last event in the sums. */
  get folded(): number {
    return this.#folded;
  }

  /** Events that were not in the log any more when their turn came. */
  get missed(): number {
    return this.#missed;
  }

  /** The number of the last event in the tables, as of now. */
  seq(): number {
    this.#tables.refresh();
    return readMetaNumber(this.#tables, META_SEQ) ?? 0;
  }

  /** Folds a slice of what is in the tables; false when there was nothing left. Throws what the store throws. */
  foldSlice(): boolean {
    const seq = this.seq();
    if (seq <= this.#folded) return false;
    const fold = new Fold();
    const gap = this.#take(fold);
    // Where nothing is left of what was not folded, the sums go on behind it all the same.
    const last = fold.events > 0 ? fold.last : seq;
    const missed = this.#missed + (fold.events > 0 ? gap : seq - this.#folded);
    this.#sums.commit((batch) => {
      fold.applyTo(this.#sums, batch);
      writeMetaNumber(batch, META_FOLDED, last);
      if (missed > this.#missed) writeMetaNumber(batch, META_MISSED, missed);
    });
    this.#folded = last;
    this.#missed = missed;
    return true;
  }

  /** Gives how many events are missing before, or among, those that were taken. */
  #take(fold: Fold): number {
    const { sliceEvents, sliceBytes } = this.#bounds;
    const { end } = rangeOf([EVENT_TABLE]);
    let next = this.#folded + 1;
    let missed = 0;
    for (let bytes = 0; ; ) {
      const rows = this.#tables.range({ start: encodeKey([EVENT_TABLE, next]), end, limit: ROWS_PER_READ });
      for (const { key, value } of rows) {
        for (const { seq, value: event } of eventsOf(Number(decodeKey(key)[1]), value)) {
          if (seq < next) continue;
          if (fold.events === sliceEvents) return missed;
          missed += seq - next;
          fold.take(seq, event);
          next = seq + 1;
        }
        bytes += value.length;
        if (bytes >= sliceBytes) return missed;
      }
      if (rows.length < ROWS_PER_READ) return missed;
    }
  }
}

/** The number of the last event in the sums, which are of this log. */
function opened(tables: StoreReader, sums: Store): number {
  const version = readMetaNumber(sums, META_SCHEMA);
  if (version === undefined) {
    sums.commit((batch) => writeMetaNumber(batch, META_SCHEMA, SUMS_VERSION));
    return 0;
  }
  if (version !== SUMS_VERSION) throw foreign(`have version ${version}, and this program knows ${SUMS_VERSION}`);
  const folded = readMetaNumber(sums, META_FOLDED) ?? 0;
  tables.refresh();
  const seq = readMetaNumber(tables, META_SEQ) ?? 0;
  if (folded > seq) throw foreign(`go up to event ${folded}, and the log ends with ${seq}`);
  const at = happenedAt(tables, folded);
  if (at !== undefined && at !== readMetaNumber(sums, META_FOLDED_AT)) {
    throw foreign(`are of another log: event ${folded} is another one here`);
  }
  return folded;
}

/** Undefined for an event that is not kept any more. */
function happenedAt(tables: StoreReader, seq: number): number | undefined {
  const start = encodeKey([EVENT_TABLE, seq]);
  const [row] = tables.range({ start, end: rangeOf([EVENT_TABLE]).end, limit: 1 });
  if (row === undefined) return undefined;
  const event = eventsOf(Number(decodeKey(row.key)[1]), row.value).find((each) => each.seq === seq);
  return event === undefined ? undefined : deedOf(event.value).at;
}

function foreign(what: string): StorageError {
  return new StorageError(
    `The summaries of this data directory ${what}. Remove its directory "summaries": they are made again from the log.`,
  );
}
