// Received
//
// Envelopes and replies as they lie in the batch that they came in: decoded from it without a view of their own.

import { invariant } from '../invariant.js';
import { decodeValue, decodeWithin } from './codec.js';
import {
  DURABILITIES,
  ENVELOPE_HEADER_BYTES,
  type Envelope,
  FLAG_CONTROL,
  FLAG_FAULT,
  FLAG_MORE,
  FLAG_REPLAYED,
  type Reply,
} from './envelope.js';
import type { Durability, Idempotency } from './ref.js';

const NO_BYTES = Buffer.alloc(0);

/** A part of a batch. It keeps all of the batch alive. */
export class BatchPart {
  #batch: Buffer;
  #start: number;
  #end: number;

  constructor(batch: Buffer, start: number, end: number) {
    this.#batch = batch;
    this.#start = start;
    this.#end = end;
  }

  get payload(): Uint8Array {
    return this.#batch.subarray(this.#start, this.#end);
  }

  decode(): unknown {
    return decodeWithin(this.#batch, this.#start, this.#end);
  }

  /** What it says is not read again: the batch may go. */
  forgetPayload(): void {
    this.#batch = NO_BYTES;
    this.#start = 0;
    this.#end = 0;
  }
}

export class ReceivedEnvelope extends BatchPart implements Envelope {
  readonly args: undefined;
  readonly message: number;
  readonly senderKind: number;
  readonly senderKey: string;
  readonly correlation: number;
  readonly origin: number;
  readonly control: boolean;
  readonly durability: Durability;
  readonly idempotency: Idempotency | undefined;
  readonly chain: readonly string[] | undefined;
  readonly bytes: number;
  /** When its batch was taken in (arrivals.ts). */
  readonly stamp: number;
  attempts = 0;

  /** The envelope that lies from `at` to `end`. Throws a Defect when its sections do not fit into that. */
  constructor(batch: Buffer, at: number, end: number, origin: number, stamp: number) {
    const keyEnd = at + ENVELOPE_HEADER_BYTES + batch.readUInt16LE(at + 10);
    const senderEnd = keyEnd + batch.readUInt16LE(at + 18);
    const idempotencyEnd = senderEnd + batch.readUInt16LE(at + 20);
    const payloadStart = idempotencyEnd + batch.readUInt16LE(at + 22);
    invariant(payloadStart <= end, 'an envelope between threads is damaged');
    super(batch, payloadStart, end);
    this.message = batch.readUInt16LE(at + 8);
    this.senderKind = batch[at + 17]!;
    this.senderKey = senderEnd === keyEnd ? '' : batch.toString('utf8', keyEnd, senderEnd);
    this.correlation = batch.readUInt32LE(at + 12);
    this.origin = origin;
    this.control = (batch[at + 7]! & FLAG_CONTROL) !== 0;
    this.durability = DURABILITIES[batch[at + 16]!]!;
    this.idempotency = idempotencyEnd === senderEnd ? undefined : readIdempotency(batch, senderEnd, idempotencyEnd);
    this.chain =
      payloadStart === idempotencyEnd ? undefined : (decodeWithin(batch, idempotencyEnd, payloadStart) as string[]);
    this.bytes = end - at;
    this.stamp = stamp;
  }
}

function readIdempotency(batch: Buffer, start: number, end: number): Idempotency {
  const [scope, key, fingerprint] = decodeWithin(batch, start, end) as [string, string, string];
  return { scope, key, fingerprint };
}

export class ReceivedReply extends BatchPart implements Reply {
  readonly correlation: number;
  readonly fault: boolean;
  readonly replayed: boolean;
  readonly more: boolean;

  /** The reply that lies from `at` to `end`. */
  constructor(batch: Buffer, at: number, end: number) {
    super(batch, at + ENVELOPE_HEADER_BYTES, end);
    const flags = batch[at + 7]!;
    this.correlation = batch.readUInt32LE(at + 12);
    this.fault = (flags & FLAG_FAULT) !== 0;
    this.replayed = (flags & FLAG_REPLAYED) !== 0;
    this.more = (flags & FLAG_MORE) !== 0;
  }
}

/** What an envelope says. */
export function argsOf(envelope: Envelope): unknown {
  if (envelope instanceof ReceivedEnvelope) return envelope.decode();
  const { payload } = envelope;
  return payload === undefined ? envelope.args : decodeValue(payload);
}

/** It was handled, and is kept only to be answered: what came with it in its batch must not be kept as long. */
export function keepToAnswer(envelope: Envelope): void {
  if (envelope instanceof ReceivedEnvelope) envelope.forgetPayload();
}

/** What a reply says. */
export function answerOf(reply: Reply): unknown {
  return reply instanceof ReceivedReply ? reply.decode() : decodeValue(reply.payload);
}
