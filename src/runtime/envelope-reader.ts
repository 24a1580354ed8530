// Envelope reader
//
// The other end of envelope.ts: what lies in a batch, in order.

import { invariant } from '../invariant.js';
import { decodeWithin } from './codec.js';
import {
  type Credit,
  type Delivery,
  DURABILITIES,
  ENVELOPE_HEADER_BYTES,
  FLAG_CONTROL,
  FLAG_CREDIT,
  FLAG_FAULT,
  FLAG_MORE,
  FLAG_REPLAYED,
  FLAG_REPLY,
  type Reply,
} from './envelope.js';
import { ReceivedEnvelope, ReceivedReply } from './received.js';
import type { Idempotency } from './ref.js';

export interface EnvelopeVisitor {
  delivery(delivery: Delivery): void;
  reply(reply: Reply): void;
  credit(credit: Credit): void;
}

/** Reads every envelope of a batch, in order. What is handed over keeps the batch alive. */
export function readBatch(batch: Buffer, origin: number, visitor: EnvelopeVisitor): void {
  let at = 0;
  while (at < batch.length) {
    const length = batch.readUInt32LE(at);
    const end = at + length;
    invariant(length >= ENVELOPE_HEADER_BYTES && end <= batch.length, 'a batch between threads is damaged');
    const flags = batch[at + 7]!;
    if ((flags & FLAG_REPLY) !== 0) {
      const isFault = (flags & FLAG_FAULT) !== 0;
      const [isReplayed, isMore] = [(flags & FLAG_REPLAYED) !== 0, (flags & FLAG_MORE) !== 0];
      const correlation = batch.readUInt32LE(at + 12);
      visitor.reply(
        new ReceivedReply(batch, at + ENVELOPE_HEADER_BYTES, end, correlation, isFault, isReplayed, isMore),
      );
    } else if ((flags & FLAG_CREDIT) !== 0) {
      visitor.credit({ correlation: batch.readUInt32LE(at + 12), items: batch.readUInt16LE(at + 8) });
    } else {
      visitor.delivery(readDelivery(batch, at, end, flags, origin));
    }
    at = end;
  }
}

function readDelivery(batch: Buffer, at: number, end: number, flags: number, origin: number): Delivery {
  const keyEnd = at + ENVELOPE_HEADER_BYTES + batch.readUInt16LE(at + 10);
  const senderEnd = keyEnd + batch.readUInt16LE(at + 18);
  const idempotencyEnd = senderEnd + batch.readUInt16LE(at + 20);
  const payloadStart = idempotencyEnd + batch.readUInt16LE(at + 22);
  invariant(payloadStart <= end, 'an envelope between threads is damaged');
  return {
    slot: batch.readUInt16LE(at + 4),
    kind: batch[at + 6]!,
    key: batch.toString('utf8', at + ENVELOPE_HEADER_BYTES, keyEnd),
    envelope: new ReceivedEnvelope(
      batch,
      payloadStart,
      end,
      batch.readUInt16LE(at + 8),
      batch[at + 17]!,
      senderEnd === keyEnd ? '' : batch.toString('utf8', keyEnd, senderEnd),
      batch.readUInt32LE(at + 12),
      origin,
      (flags & FLAG_CONTROL) !== 0,
      DURABILITIES[batch[at + 16]!]!,
      idempotencyEnd === senderEnd ? undefined : readIdempotency(batch, senderEnd, idempotencyEnd),
      payloadStart === idempotencyEnd ? undefined : (decodeWithin(batch, idempotencyEnd, payloadStart) as string[]),
      end - at,
    ),
  };
}

function readIdempotency(batch: Buffer, start: number, end: number): Idempotency {
  const [scope, key, fingerprint] = decodeWithin(batch, start, end) as [string, string, string];
  return { scope, key, fingerprint };
}
