// Envelope
//
// What travels to an actor or back: a fixed header, and a payload that only the handler decodes.
//
//   0  u32  length of all of it            16  u32  correlation: which ask (0: a tell)
//   4  u16  slot                           20  u8   durability wanted for the answer
//   6  u8   kind (its place in the system) 21  u8   reserved
//   7  u8   flags                          22  u16  bytes of the idempotency section
//   8  u16  message (its place in the kind)
//  10  u16  bytes of the key               24  key (UTF-8) · idempotency (msgpack) · payload (msgpack)
//  12  u32  sender (0: the front door)
//
// Integers are little-endian: a batch never leaves the process.
//
// E1. What is written is read back the same (test: round trip over random envelopes).
// E2. A reader never looks past the length that the header gives.

import { invariant } from '../invariant.js';
import { decodeValue, encodeValue } from './codec.js';
import type { Durability, Idempotency } from './ref.js';

export const ENVELOPE_HEADER_BYTES = 24;
export const KEY_BYTES_MAX = 0xffff;

const FLAG_CONTROL = 1;
const FLAG_REPLY = 2;
const FLAG_FAULT = 4;
const FLAG_REPLAYED = 8;

const DURABILITIES: readonly Durability[] = ['volatile', 'committed', 'durable'];

/** One envelope as a mailbox holds it. Exactly one of `payload` (bytes) and `args` (passed as it is, same thread) is set. */
export interface Envelope {
  readonly message: number;
  readonly payload: Uint8Array | undefined;
  readonly args: unknown;
  readonly sender: number;
  /** 0 when nobody waits for an answer. */
  readonly correlation: number;
  /** The connection it came by, to answer on and to give credit to; LOCAL when it was sent in this thread. */
  readonly origin: number;
  readonly control: boolean;
  readonly durability: Durability;
  readonly idempotency: Idempotency | undefined;
  /** What it counts against mailbox and link bounds. */
  readonly bytes: number;
  /** How often its turn has failed. */
  attempts: number;
}

/** The `origin` of what was sent within the thread. */
export const LOCAL = -1;

export interface Delivery {
  readonly slot: number;
  readonly kind: number;
  readonly key: string;
  readonly envelope: Envelope;
}

/** A message from this very thread. */
export interface LocalMessage {
  readonly slot: number;
  readonly kind: number;
  readonly key: string;
  readonly message: number;
  /** As in an envelope: one of the two is set. */
  readonly payload: Uint8Array | undefined;
  readonly args: unknown;
  readonly sender: number;
  readonly control: boolean;
}

/** The answer to an ask, on its way back. */
export interface Reply {
  readonly correlation: number;
  readonly fault: boolean;
  readonly replayed: boolean;
  readonly payload: Uint8Array;
}

/** What a batch writer must offer: room to write in, which may move when it grows. */
export interface BatchWriter {
  /** Makes room for `bytes` more and returns the buffer; write at `used`, then advance. */
  room(bytes: number): Buffer;
  used: number;
}

export interface Outgoing {
  readonly slot: number;
  readonly kind: number;
  readonly key: string;
  readonly message: number;
  readonly sender: number;
  readonly correlation: number;
  readonly control: boolean;
  readonly durability: Durability;
  readonly idempotency: Idempotency | undefined;
  readonly payload: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);

/** The bytes that writeEnvelope will take at most. */
export function envelopeBytes(outgoing: Outgoing): number {
  return (
    ENVELOPE_HEADER_BYTES +
    outgoing.key.length * 3 +
    outgoing.payload.length +
    idempotencyBytesMax(outgoing.idempotency)
  );
}

function idempotencyBytesMax(idempotency: Idempotency | undefined): number {
  if (idempotency === undefined) return 0;
  return 32 + 3 * (idempotency.scope.length + idempotency.key.length + idempotency.fingerprint.length);
}

/** Appends one envelope; returns its length. */
export function writeEnvelope(batch: BatchWriter, out: Outgoing): number {
  const section =
    out.idempotency === undefined
      ? NO_BYTES
      : encodeValue([out.idempotency.scope, out.idempotency.key, out.idempotency.fingerprint]);
  const buffer = batch.room(envelopeBytes(out));
  const start = batch.used;
  const keyBytes = writeText(buffer, out.key, start + ENVELOPE_HEADER_BYTES);
  invariant(keyBytes <= KEY_BYTES_MAX && section.length <= 0xffff, 'an actor key or idempotency section is too long');
  let end = start + ENVELOPE_HEADER_BYTES + keyBytes;
  buffer.set(section, end);
  end += section.length;
  buffer.set(out.payload, end);
  end += out.payload.length;
  buffer.writeUInt32LE(end - start, start);
  buffer.writeUInt16LE(out.slot, start + 4);
  buffer[start + 6] = out.kind;
  buffer[start + 7] = out.control ? FLAG_CONTROL : 0;
  buffer.writeUInt16LE(out.message, start + 8);
  buffer.writeUInt16LE(keyBytes, start + 10);
  buffer.writeUInt32LE(out.sender, start + 12);
  buffer.writeUInt32LE(out.correlation, start + 16);
  buffer[start + 20] = DURABILITIES.indexOf(out.durability);
  buffer[start + 21] = 0;
  buffer.writeUInt16LE(section.length, start + 22);
  batch.used = end;
  return end - start;
}

/** Appends the answer to an ask; returns its length. */
export function writeReply(batch: BatchWriter, reply: Reply): number {
  const length = ENVELOPE_HEADER_BYTES + reply.payload.length;
  const buffer = batch.room(length);
  const start = batch.used;
  buffer.fill(0, start, start + ENVELOPE_HEADER_BYTES);
  buffer.writeUInt32LE(length, start);
  buffer[start + 7] = FLAG_REPLY | (reply.fault ? FLAG_FAULT : 0) | (reply.replayed ? FLAG_REPLAYED : 0);
  buffer.writeUInt32LE(reply.correlation, start + 16);
  buffer.set(reply.payload, start + ENVELOPE_HEADER_BYTES);
  batch.used = start + length;
  return length;
}

export interface EnvelopeVisitor {
  delivery(delivery: Delivery): void;
  reply(reply: Reply): void;
}

/** Reads every envelope of a batch, in order. Payloads are views into it. */
export function readBatch(batch: Buffer, origin: number, visitor: EnvelopeVisitor): void {
  let at = 0;
  while (at < batch.length) {
    const length = batch.readUInt32LE(at);
    invariant(length >= ENVELOPE_HEADER_BYTES && at + length <= batch.length, 'a batch between threads is damaged');
    const flags = batch[at + 7]!;
    if ((flags & FLAG_REPLY) !== 0) {
      visitor.reply({
        correlation: batch.readUInt32LE(at + 16),
        fault: (flags & FLAG_FAULT) !== 0,
        replayed: (flags & FLAG_REPLAYED) !== 0,
        payload: batch.subarray(at + ENVELOPE_HEADER_BYTES, at + length),
      });
    } else {
      visitor.delivery(readDelivery(batch, at, length, flags, origin));
    }
    at += length;
  }
}

function readDelivery(batch: Buffer, at: number, length: number, flags: number, origin: number): Delivery {
  const keyEnd = at + ENVELOPE_HEADER_BYTES + batch.readUInt16LE(at + 10);
  const payloadStart = keyEnd + batch.readUInt16LE(at + 22);
  invariant(payloadStart <= at + length, 'an envelope between threads is damaged');
  return {
    slot: batch.readUInt16LE(at + 4),
    kind: batch[at + 6]!,
    key: batch.toString('utf8', at + ENVELOPE_HEADER_BYTES, keyEnd),
    envelope: {
      message: batch.readUInt16LE(at + 8),
      payload: batch.subarray(payloadStart, at + length),
      args: undefined,
      sender: batch.readUInt32LE(at + 12),
      correlation: batch.readUInt32LE(at + 16),
      origin,
      control: (flags & FLAG_CONTROL) !== 0,
      durability: DURABILITIES[batch[at + 20]!]!,
      idempotency: payloadStart === keyEnd ? undefined : readIdempotency(batch.subarray(keyEnd, payloadStart)),
      bytes: length,
      attempts: 0,
    },
  };
}

function readIdempotency(section: Uint8Array): Idempotency {
  const [scope, key, fingerprint] = decodeValue(section) as [string, string, string];
  return { scope, key, fingerprint };
}

// Keys are short and nearly always ASCII: a loop beats the call into native code.
function writeText(buffer: Buffer, text: string, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return buffer.write(text, at, 'utf8');
    buffer[at + i] = unit;
  }
  return text.length;
}
