// Commit records as objects: easier to look at than to walk, and dearer.

import { RecordCursor, type RecordView, walkRecord } from '../../src/runtime/commit-record.js';

export interface RecordVisitor {
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  event(value: Uint8Array): void;
  add(counter: number, delta: number, reserved: boolean): void;
  rewrite?(seq: number, value: Uint8Array): void;
}

/** The records of a batch, in order. */
export function readRecords(batch: Buffer): RecordView[] {
  const records: RecordView[] = [];
  const cursor = new RecordCursor(batch);
  while (cursor.next()) records.push({ ...cursor });
  return records;
}

/** Calls the visitor for each op, in order. Keys and values are views into the batch. */
export function visitRecord(record: RecordView, visitor: RecordVisitor): void {
  walkRecord(record, {
    put: (batch, keyAt, valueAt, end) => visitor.put(batch.subarray(keyAt, valueAt), batch.subarray(valueAt, end)),
    delete: (batch, keyAt, end) => visitor.delete(batch.subarray(keyAt, end)),
    event: (batch, at, end) => visitor.event(batch.subarray(at, end)),
    add: (counter, delta, reserved) => visitor.add(counter, delta, reserved),
    rewrite: (seq, batch, at, end) => visitor.rewrite?.(seq, batch.subarray(at, end)),
  });
}
