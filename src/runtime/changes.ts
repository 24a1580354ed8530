// Changes
//
// What a row of groups makes of the tables, put together before they are touched: of the writes of one key only the last
// is left, events have their numbers, counters are sums.
//
// CH1. applyTo() writes the same as applying the groups one by one would.
// CH2. A key that was written and deleted again costs the tables one lookup, however often.
// CH3. Writing it once more over its own result changes nothing.
// CH4. An event that is rewritten keeps its number and its place in the index. One that is not there any more, and one that
//      would be filed under other names, stays as it is.

import { invariant } from '../invariant.js';
import { RecordCursor, type RecordWalker, walkRecord } from './commit-record.js';
import { type EventRow, eventRows } from './event-blocks.js';
import { EventIndex } from './event-index.js';
import { isFiledAlike, rewrittenRows } from './event-rewriting.js';
import { NewestWrites } from './newest-writes.js';
import { pushCells } from './progress.js';
import { GROUP_HEADER_BYTES, paged } from './storage/group-format.js';
import type { Group } from './storage/group-reader.js';
import { encodeKey } from './storage/keys.js';
import { writeMetaNumber } from './storage/meta.js';
import type { StoreReader, WriteBatch } from './storage/store.js';
import { META_APPLIED, META_SEQ, metaCounter, type TablesState } from './tables.js';

export class Changes implements RecordWalker {
  readonly #names: readonly string[];
  readonly #rows = new NewestWrites();
  readonly #events: Uint8Array[] = [];
  /** What events of earlier changes hold from now on, by their numbers: one after the other. */
  readonly #rewritten = new Map<number, Uint8Array[]>();
  readonly #counters: number[];
  readonly #firstSeq: number;
  /** Two for each write, for Progress. */
  readonly cells: number[] = [];
  #applied: number;
  #bytes = 0;

  /** On top of tables that stand like this; `counterNames` in the order of their numbers. */
  constructor(before: TablesState, counterNames: readonly string[]) {
    this.#names = counterNames;
    this.#counters = [...before.counters];
    this.#firstSeq = before.seq + 1;
    this.#applied = before.applied;
  }

  /** Bytes of the pages that the groups taken in lie on: what it may keep in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Where the tables will stand. */
  get state(): TablesState {
    return { applied: this.#applied, seq: this.#firstSeq + this.#events.length - 1, counters: this.#counters };
  }

  /** Takes in the group after the last one. Keeps views of it. */
  take(group: Group): void {
    const { applied, seq } = this.state;
    invariant(
      group.number === applied + 1 && group.seqBefore === seq,
      () => `group ${group.number} after event ${group.seqBefore} does not follow group ${applied} and event ${seq}`,
    );
    const record = new RecordCursor(group.records);
    while (record.next()) walkRecord(record, this);
    this.#applied = group.number;
    this.#bytes += paged(GROUP_HEADER_BYTES + group.records.length);
  }

  put(batch: Buffer, keyAt: number, valueAt: number, end: number): void {
    pushCells(this.cells, batch, keyAt, valueAt);
    this.#rows.put(batch, keyAt, valueAt, end);
  }

  delete(batch: Buffer, keyAt: number, end: number): void {
    pushCells(this.cells, batch, keyAt, end);
    this.#rows.delete(batch, keyAt, end);
  }

  event(batch: Buffer, at: number, end: number): void {
    this.#events.push(batch.subarray(at, end));
  }

  add(counter: number, delta: number): void {
    this.#counters[counter]! += delta;
  }

  rewrite(seq: number, batch: Buffer, at: number, end: number): void {
    const value = batch.subarray(at, end);
    const own = seq - this.#firstSeq;
    if (own < 0) this.#rewriteEarlier(seq, value);
    else if (own < this.#events.length && isFiledAlike(this.#events[own]!, value)) this.#events[own] = value;
  }

  /**
   * Writes all of it, and where the tables then stand. `tables`: these, as they are before; they are read for events that
   * are rewritten, and for nothing else.
   */
  applyTo(batch: WriteBatch, tables: StoreReader): void {
    // Before the other writes: a row that one of these deletes is gone.
    for (const row of this.#rewrittenRows(tables)) batch.put(encodeKey(row.key), row.value);
    this.#rows.writeTo(batch);
    for (const row of eventRows(this.#firstSeq, this.#events)) batch.put(encodeKey(row.key), row.value);
    const index = new EventIndex();
    this.#events.forEach((event, place) => {
      index.add(this.#firstSeq + place, event);
    });
    for (const row of index.rows()) batch.put(encodeKey(row.key), row.value);
    const { applied, seq } = this.state;
    writeMetaNumber(batch, META_APPLIED, applied);
    writeMetaNumber(batch, META_SEQ, seq);
    this.#names.forEach((name, index) => {
      writeMetaNumber(batch, metaCounter(name), this.#counters[index]!);
    });
  }

  #rewriteEarlier(seq: number, value: Uint8Array): void {
    const values = this.#rewritten.get(seq);
    if (values === undefined) this.#rewritten.set(seq, [value]);
    else values.push(value);
  }

  #rewrittenRows(tables: StoreReader): readonly EventRow[] {
    return this.#rewritten.size === 0 ? NO_ROWS : rewrittenRows(tables, this.#rewritten);
  }
}

const NO_ROWS: readonly EventRow[] = [];
