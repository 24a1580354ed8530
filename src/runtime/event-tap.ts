// Event tap
//
// The events of each group, from the thread that made them durable to the one thread that observes them: within the moment
// of their acknowledgement, long before they are in the tables.
//
//     journal ──row of events──▶ port ──▶ observer, which counts what it has read in shared memory
//
// Owns:     how far ahead of its reader it may be.
// Does not: wait for anybody: what the observer is too slow for is named, and found in the tables.
//
// ET1. Every event is told once, in order, or lies in a range that is named as missed. The first thing told is where the
//      tap begins: at once, so that the reader knows it before anything happens.
// ET2. At most TAP_BYTES_MAX are on their way, plus one group.

import type { MessagePort } from 'node:worker_threads';
import { Batch } from './batch.js';
import { RecordCursor, type RecordWalker, walkRecord } from './commit-record.js';
import { eventsOf, type NumberedEvent } from './event-blocks.js';

export const TAP_BYTES_MAX = 16 * 1024 * 1024;
const LENGTH_BYTES = 4;

export type TapMessage =
  /** A row as event-blocks.ts has them: `lastSeq` is the number of the last event in it. */
  | { readonly kind: 'events'; readonly lastSeq: number; readonly row: ArrayBuffer }
  /** All before `nextSeq` that was not told is durable, and will not be told. */
  | { readonly kind: 'missed'; readonly nextSeq: number };

/** How many bytes the observer has read: one counter, which wraps at 2^32. */
export function tapMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
}

/** The journal's end. */
export class EventTap implements RecordWalker {
  readonly #port: Pick<MessagePort, 'postMessage'>;
  readonly #read: Int32Array;
  readonly #batch = new Batch();
  #sentBytes: number;
  #hasMissed = false;

  /** What is durable when it begins, up to `lastSeq`, counts as missed. */
  constructor(port: Pick<MessagePort, 'postMessage'>, memory: SharedArrayBuffer, lastSeq: number) {
    this.#port = port;
    this.#read = new Int32Array(memory);
    this.#sentBytes = Atomics.load(this.#read, 0) >>> 0;
    this.#say({ kind: 'missed', nextSeq: lastSeq + 1 });
  }

  /** These records are durable, and their events have the numbers after `seqBefore` up to `lastSeq`. */
  committed(seqBefore: number, lastSeq: number, records: readonly Buffer[]): void {
    if (lastSeq === seqBefore) return;
    const ahead = (this.#sentBytes - Atomics.load(this.#read, 0)) >>> 0;
    if (ahead > TAP_BYTES_MAX) {
      this.#hasMissed = true;
      return;
    }
    if (this.#hasMissed) this.#say({ kind: 'missed', nextSeq: seqBefore + 1 });
    this.#hasMissed = false;
    for (const batch of records) {
      const record = new RecordCursor(batch);
      while (record.next()) walkRecord(record, this);
    }
    const row = this.#batch.take();
    this.#sentBytes = (this.#sentBytes + row.byteLength) >>> 0;
    this.#say({ kind: 'events', lastSeq, row }, row);
  }

  event(batch: Buffer, at: number, end: number): void {
    const bytes = LENGTH_BYTES + end - at;
    const room = this.#batch.room(bytes);
    room.writeUInt32LE(end - at, this.#batch.used);
    batch.copy(room, this.#batch.used + LENGTH_BYTES, at, end);
    this.#batch.used += bytes;
  }

  put(): void {
    // Not an event.
  }

  delete(): void {
    // Not an event.
  }

  add(): void {
    // Not an event.
  }

  rewrite(): void {
    // No new event: who shows older ones is told to read them again.
  }

  #say(message: TapMessage, row?: ArrayBuffer): void {
    this.#port.postMessage(message, row === undefined ? [] : [row]);
  }
}

export interface TapReader {
  /** In order, without a gap to what came before, but for what missed() said. */
  events(events: readonly NumberedEvent[]): void;
  /** The next that is told is this one: what is not known before it is in the tables, or will be. */
  missed(nextSeq: number): void;
}

/** The observer's end. */
export function readTap(port: Pick<MessagePort, 'on'>, memory: SharedArrayBuffer, reader: TapReader): void {
  const read = new Int32Array(memory);
  port.on('message', (message: TapMessage) => {
    if (message.kind === 'missed') {
      reader.missed(message.nextSeq);
      return;
    }
    Atomics.add(read, 0, message.row.byteLength);
    reader.events(eventsOf(message.lastSeq, new Uint8Array(message.row)));
  });
}
