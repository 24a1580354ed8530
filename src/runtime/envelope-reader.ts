// Envelope reader
//
// The other end of envelope.ts: what lies in a batch, in order.

import { invariant } from '../invariant.js';
import {
  type Credit,
  type Delivery,
  ENVELOPE_HEADER_BYTES,
  FLAG_CREDIT,
  FLAG_REPLY,
  FLAG_TRACE,
  MARK,
  type Reply,
} from './envelope.js';
import { ReceivedEnvelope, ReceivedReply } from './received.js';

export interface EnvelopeVisitor {
  /** `mark`: of the trace that it belongs to (tracer.ts). */
  delivery(delivery: Delivery, mark?: Uint8Array): void;
  reply(reply: Reply, mark?: Uint8Array): void;
  credit(credit: Credit): void;
  /** Of traces, encoded. A peer that is no front is told none. */
  spans?(encoded: Uint8Array): void;
}

/** Reads every envelope of a batch, in order; `stamp`: when it came (arrivals.ts). What is handed over keeps the batch alive. */
export function readBatch(batch: Buffer, origin: number, visitor: EnvelopeVisitor, stamp = 0): void {
  let at = 0;
  let mark: Uint8Array | undefined;
  while (at < batch.length) {
    const length = batch.readUInt32LE(at);
    const end = at + length;
    invariant(length >= ENVELOPE_HEADER_BYTES && end <= batch.length, 'a batch between threads is damaged');
    const flags = batch[at + 7]!;
    if ((flags & FLAG_REPLY) !== 0) {
      visitor.reply(new ReceivedReply(batch, at, end), mark);
      mark = undefined;
    } else if ((flags & FLAG_CREDIT) !== 0) {
      visitor.credit({ correlation: batch.readUInt32LE(at + 12), items: batch.readUInt16LE(at + 8) });
    } else if ((flags & FLAG_TRACE) !== 0) {
      const payload = Uint8Array.prototype.slice.call(batch, at + ENVELOPE_HEADER_BYTES, end);
      if (batch.readUInt16LE(at + 8) === MARK) mark = payload;
      else visitor.spans?.(payload);
    } else {
      visitor.delivery(readDelivery(batch, at, end, origin, stamp), mark);
      mark = undefined;
    }
    at = end;
  }
}

function readDelivery(batch: Buffer, at: number, end: number, origin: number, stamp: number): Delivery {
  const keyStart = at + ENVELOPE_HEADER_BYTES;
  // First: it finds out whether the sections are within the envelope.
  const envelope = new ReceivedEnvelope(batch, at, end, origin, stamp);
  return {
    slot: batch.readUInt16LE(at + 4),
    kind: batch[at + 6]!,
    key: batch.toString('utf8', keyStart, keyStart + batch.readUInt16LE(at + 10)),
    envelope,
  };
}
