// The runtime's own tables and meta rows.

import { Batch } from './batch.js';
import { RecordWriter } from './commit-record.js';
import { readMetaNumber, writeMetaNumber } from './storage/meta.js';
import type { StoreReader } from './storage/store.js';

/** The newest epoch of any slot. */
export const META_EPOCH = ['epoch'];
/** The number of the last event. */
export const META_SEQ = ['seq'];
/** The number of the last group of the journal that is in the tables. */
export const META_APPLIED = ['applied'];
/** The number of the last event that was taken out of the tables (event-trim.ts); absent: none was. */
export const META_TRIMMED = ['trimmed'];
export const metaCounter = (name: string): readonly string[] => ['counter', name];

/** Where the tables stand: read from their meta rows, and written back with every change. */
export interface TablesState {
  /** The number of the last group in them. */
  readonly applied: number;
  /** The number of the last event. */
  readonly seq: number;
  /** In the order of the counters' names. */
  readonly counters: readonly number[];
}

/** All zeros in new tables. */
export function readTablesState(store: StoreReader, counterNames: readonly string[]): TablesState {
  return {
    applied: readMetaNumber(store, META_APPLIED) ?? 0,
    seq: readMetaNumber(store, META_SEQ) ?? 0,
    counters: counterNames.map((name) => readMetaNumber(store, metaCounter(name)) ?? 0),
  };
}

/** A commit record, of no actor, that raises the epoch. */
export function epochRecord(epoch: number): Buffer {
  const batch = new Batch();
  const writer = new RecordWriter(batch);
  writer.begin();
  writeMetaNumber(writer, META_EPOCH, epoch);
  writer.end({ slot: 0, epoch });
  return Buffer.from(batch.take());
}
