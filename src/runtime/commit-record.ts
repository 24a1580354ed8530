// Commit record
//
// The durable effects of one turn, as bytes on their way from a shard to the journal. The journal applies them without
// knowing what they mean.
//
//   0  u32  length of all of it      12  ops, each a byte of type and then
//   4  u32  epoch of the slot,           PUT     u16 key bytes, u32 value bytes, key, value
//           as its writer knew it        DELETE  u16 key bytes, key
//   8  u16  slot                         EVENT   u32 bytes, value
//  10  u16  how many ops                 ADD     u8 counter, u8 reserved before (0 or 1), f64 delta
//                                        REWRITE f64 number of an event, u32 bytes, value
//
// A record has no number of its own: it is the n-th of its source, and both sides count.

import { invariant } from '../invariant.js';
import type { BatchWriter } from './envelope.js';

export const RECORD_HEADER_BYTES = 12;
export const OPS_MAX = 0xffff;

const PUT = 1;
const DELETE = 2;
const EVENT = 3;
const ADD = 4;
const REWRITE = 5;

export interface RecordHeader {
  readonly slot: number;
  readonly epoch: number;
}

/** Appends records to a batch: begin, the ops in order, end. */
export class RecordWriter {
  readonly #batch: BatchWriter;
  #start = 0;
  #ops = 0;

  constructor(batch: BatchWriter) {
    this.#batch = batch;
  }

  begin(): void {
    this.#start = this.#batch.used;
    this.#ops = 0;
    this.#batch.room(RECORD_HEADER_BYTES);
    this.#batch.used += RECORD_HEADER_BYTES;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    const buffer = this.#batch.room(7 + key.length + value.length);
    let at = this.#batch.used;
    buffer[at] = PUT;
    buffer.writeUInt16LE(key.length, at + 1);
    buffer.writeUInt32LE(value.length, at + 3);
    at += 7;
    buffer.set(key, at);
    buffer.set(value, at + key.length);
    this.#advance(at + key.length + value.length);
  }

  delete(key: Uint8Array): void {
    const buffer = this.#batch.room(3 + key.length);
    const at = this.#batch.used;
    buffer[at] = DELETE;
    buffer.writeUInt16LE(key.length, at + 1);
    buffer.set(key, at + 3);
    this.#advance(at + 3 + key.length);
  }

  event(value: Uint8Array): void {
    const buffer = this.#batch.room(5 + value.length);
    const at = this.#batch.used;
    buffer[at] = EVENT;
    buffer.writeUInt32LE(value.length, at + 1);
    buffer.set(value, at + 5);
    this.#advance(at + 5 + value.length);
  }

  add(counter: number, delta: number, reserved: boolean): void {
    const buffer = this.#batch.room(11);
    const at = this.#batch.used;
    buffer[at] = ADD;
    buffer[at + 1] = counter;
    buffer[at + 2] = reserved ? 1 : 0;
    buffer.writeDoubleLE(delta, at + 3);
    this.#advance(at + 11);
  }

  /** The event of this number holds this from now on. */
  rewrite(seq: number, value: Uint8Array): void {
    const buffer = this.#batch.room(13 + value.length);
    const at = this.#batch.used;
    buffer[at] = REWRITE;
    buffer.writeDoubleLE(seq, at + 1);
    buffer.writeUInt32LE(value.length, at + 9);
    buffer.set(value, at + 13);
    this.#advance(at + 13 + value.length);
  }

  end(header: RecordHeader): void {
    const start = this.#start;
    const buffer = this.#batch.room(0);
    buffer.writeUInt32LE(this.#batch.used - start, start);
    buffer.writeUInt32LE(header.epoch, start + 4);
    buffer.writeUInt16LE(header.slot, start + 8);
    buffer.writeUInt16LE(this.#ops, start + 10);
  }

  #advance(to: number): void {
    this.#batch.used = to;
    this.#ops++;
  }
}

/** One record inside a batch: its header, and its ops on demand. */
export interface RecordView extends RecordHeader {
  readonly batch: Buffer;
  readonly start: number;
  readonly end: number;
}

/**
 * The records of a batch, in order: `while (cursor.next())`, and the cursor is the record. Allocates nothing on the way,
 * so a record that is to be kept must be copied.
 */
export class RecordCursor implements RecordView {
  readonly batch: Buffer;
  slot = 0;
  epoch = 0;
  start = 0;
  end = 0;

  constructor(batch: Buffer) {
    this.batch = batch;
  }

  next(): boolean {
    const { batch, end: start } = this;
    if (start >= batch.length) return false;
    const end = start + batch.readUInt32LE(start);
    invariant(end > start && end <= batch.length, 'a batch of commit records is damaged');
    this.start = start;
    this.end = end;
    this.epoch = batch.readUInt32LE(start + 4);
    this.slot = batch.readUInt16LE(start + 8);
    return true;
  }
}

/** Told each op of a record by its place in the batch. */
export interface RecordWalker {
  /** The key is [keyAt, valueAt), the value [valueAt, end). */
  put(batch: Buffer, keyAt: number, valueAt: number, end: number): void;
  delete(batch: Buffer, keyAt: number, end: number): void;
  event(batch: Buffer, at: number, end: number): void;
  add(counter: number, delta: number, reserved: boolean): void;
  /** The event of this number holds [at, end) from now on. */
  rewrite(seq: number, batch: Buffer, at: number, end: number): void;
}

/** Tells the walker each op, in order. Allocates nothing. */
export function walkRecord({ batch, start, end }: RecordView, walker: RecordWalker): void {
  let at = start + RECORD_HEADER_BYTES;
  while (at < end) {
    switch (batch[at]) {
      case PUT: {
        const valueAt = at + 7 + batch.readUInt16LE(at + 1);
        const next = valueAt + batch.readUInt32LE(at + 3);
        walker.put(batch, at + 7, valueAt, next);
        at = next;
        break;
      }
      case DELETE: {
        const next = at + 3 + batch.readUInt16LE(at + 1);
        walker.delete(batch, at + 3, next);
        at = next;
        break;
      }
      case EVENT: {
        const next = at + 5 + batch.readUInt32LE(at + 1);
        walker.event(batch, at + 5, next);
        at = next;
        break;
      }
      case ADD:
        walker.add(batch[at + 1]!, batch.readDoubleLE(at + 3), batch[at + 2] === 1);
        at += 11;
        break;
      case REWRITE: {
        const next = at + 13 + batch.readUInt32LE(at + 9);
        walker.rewrite(batch.readDoubleLE(at + 1), batch, at + 13, next);
        at = next;
        break;
      }
      default:
        invariant(false, `a commit record holds an unknown op ${batch[at]}`);
    }
  }
}
