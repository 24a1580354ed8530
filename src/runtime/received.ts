// Received
//
// Envelopes and replies as they lie in the batch that they came in: decoded from it without a view of their own.

import { decodeValue, decodeWithin } from './codec.js';
import type { Envelope, Reply } from './envelope.js';
import type { Durability, Idempotency } from './ref.js';

/** A part of a batch. It keeps all of the batch alive. */
export class BatchPart {
  readonly #batch: Buffer;
  readonly #start: number;
  readonly #end: number;

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
}

export class ReceivedEnvelope extends BatchPart implements Envelope {
  readonly args: undefined;
  attempts = 0;

  constructor(
    batch: Buffer,
    start: number,
    end: number,
    readonly message: number,
    readonly senderKind: number,
    readonly senderKey: string,
    readonly correlation: number,
    readonly origin: number,
    readonly control: boolean,
    readonly durability: Durability,
    readonly idempotency: Idempotency | undefined,
    readonly chain: readonly string[] | undefined,
    readonly bytes: number,
  ) {
    super(batch, start, end);
  }
}

export class ReceivedReply extends BatchPart implements Reply {
  constructor(
    batch: Buffer,
    start: number,
    end: number,
    readonly correlation: number,
    readonly fault: boolean,
    readonly replayed: boolean,
    readonly more: boolean,
  ) {
    super(batch, start, end);
  }
}

/** What an envelope says. */
export function argsOf(envelope: Envelope): unknown {
  if (envelope instanceof ReceivedEnvelope) return envelope.decode();
  const { payload } = envelope;
  return payload === undefined ? envelope.args : decodeValue(payload);
}

/** What a reply says. */
export function answerOf(reply: Reply): unknown {
  return reply instanceof ReceivedReply ? reply.decode() : decodeValue(reply.payload);
}
