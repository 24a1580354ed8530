// Envelope
//
// What travels to an actor or back: a fixed header, and a payload that only the handler decodes.
//
//   0  u32  length of all of it            16  u8   durability wanted for the answer
//   4  u16  slot                           17  u8   sender: 0 from outside, or 1 + its kind's place in the system
//   6  u8   kind (its place in the system) 18  u16  bytes of the sender's key
//   7  u8   flags                          20  u16  bytes of the idempotency section
//   8  u16  message (its place in the kind)22  u16  bytes of the chain section
//  10  u16  bytes of the key               24  key (UTF-8) · sender's key (UTF-8) · idempotency (msgpack)
//  12  u32  correlation: which ask             · chain (msgpack) · payload (msgpack)
//           (0: a tell)
//
// Before what is traced lies a mark, which is nobody's envelope: a header with its flag and length, and a payload (tracer.ts).
// So what is not traced is as it was.
//
// Integers are little-endian: a batch never leaves the process. Back travel replies, and to the actor of a stream credit:
// both are a header with a correlation, and the one has a payload.
//
// E1. What is written is read back the same (test: round trip over random envelopes).
// E2. A reader (envelope-reader.ts) never looks past the length that the header gives.

import { invariant } from '../invariant.js';
import { ACTOR_KEY_BYTES_MAX } from './address.js';
import { encodeValue } from './codec.js';
import type { Durability, Idempotency } from './ref.js';

export const ENVELOPE_HEADER_BYTES = 24;

export const FLAG_CONTROL = 1;
export const FLAG_REPLY = 2;
export const FLAG_FAULT = 4;
export const FLAG_REPLAYED = 8;
export const FLAG_MORE = 16;
export const FLAG_CREDIT = 32;
export const FLAG_TRACE = 64;

/** What a record of traces holds. */
export const MARK = 0;
export const SPANS = 1;

/** Messages of the runtime's own, above any that a kind has. */
export const STREAM_STEP = 0xffff;
export const WATCH = 0xfffe;
export const REMINDER = 0xfffd;
export const PROBE = 0xfffc;
export const MESSAGES_MAX = 0xff00;

export const DURABILITIES: readonly Durability[] = ['volatile', 'committed', 'durable'];

/** One envelope as a mailbox holds it. Exactly one of `payload` (bytes) and `args` (passed as it is, same thread) is set. */
export interface Envelope {
  readonly message: number;
  readonly payload: Uint8Array | undefined;
  readonly args: unknown;
  /** As in the header; 0 from outside. */
  readonly senderKind: number;
  readonly senderKey: string;
  /** 0 when nobody waits for an answer. */
  readonly correlation: number;
  /** The connection it came by, to answer on and to give credit to; LOCAL when it was sent in this thread. */
  readonly origin: number;
  readonly control: boolean;
  readonly durability: Durability;
  readonly idempotency: Idempotency | undefined;
  /** Addresses of the actors whose turns wait for this ask, the first asker first; undefined when none does. */
  readonly chain: readonly string[] | undefined;
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

/** The answer to an ask, on its way back. */
export interface Reply {
  readonly correlation: number;
  readonly fault: boolean;
  readonly replayed: boolean;
  /** It is one item of a stream, and more may come. */
  readonly more: boolean;
  readonly payload: Uint8Array;
}

/** What the reader of a stream tells its writer. */
export interface Credit {
  readonly correlation: number;
  /** So many more items may be sent; 0: the reader wants no more of them. */
  readonly items: number;
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
  readonly senderKind: number;
  readonly senderKey: string;
  readonly correlation: number;
  readonly control: boolean;
  readonly durability: Durability;
  readonly idempotency: Idempotency | undefined;
  readonly chain: readonly string[] | undefined;
  readonly payload: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);

/** The bytes that writeEnvelope will take at most. */
export function envelopeBytes(outgoing: Outgoing): number {
  return (
    ENVELOPE_HEADER_BYTES +
    (outgoing.key.length + outgoing.senderKey.length) * 3 +
    outgoing.payload.length +
    idempotencyBytesMax(outgoing.idempotency) +
    chainBytesMax(outgoing.chain)
  );
}

function chainBytesMax(chain: readonly string[] | undefined): number {
  if (chain === undefined) return 0;
  let bytes = 16;
  for (const address of chain) bytes += 5 + 3 * address.length;
  return bytes;
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
  const chain = out.chain === undefined ? NO_BYTES : encodeValue(out.chain);
  const buffer = batch.room(envelopeBytes(out));
  const start = batch.used;
  const keyBytes = writeText(buffer, out.key, start + ENVELOPE_HEADER_BYTES);
  let end = start + ENVELOPE_HEADER_BYTES + keyBytes;
  const senderBytes = out.senderKind === 0 ? 0 : writeText(buffer, out.senderKey, end);
  const isLong = keyBytes > ACTOR_KEY_BYTES_MAX || senderBytes > ACTOR_KEY_BYTES_MAX;
  invariant(!isLong && section.length <= 0xffff && chain.length <= 0xffff, 'a section of an envelope is too long');
  end += senderBytes;
  buffer.set(section, end);
  end += section.length;
  buffer.set(chain, end);
  end += chain.length;
  buffer.set(out.payload, end);
  end += out.payload.length;
  buffer.writeUInt32LE(end - start, start);
  buffer.writeUInt16LE(out.slot, start + 4);
  buffer[start + 6] = out.kind;
  buffer[start + 7] = out.control ? FLAG_CONTROL : 0;
  buffer.writeUInt16LE(out.message, start + 8);
  buffer.writeUInt16LE(keyBytes, start + 10);
  buffer.writeUInt32LE(out.correlation, start + 12);
  buffer[start + 16] = DURABILITIES.indexOf(out.durability);
  buffer[start + 17] = out.senderKind;
  buffer.writeUInt16LE(senderBytes, start + 18);
  buffer.writeUInt16LE(section.length, start + 20);
  buffer.writeUInt16LE(chain.length, start + 22);
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
  buffer[start + 7] = flagsOf(reply);
  buffer.writeUInt32LE(reply.correlation, start + 12);
  buffer.set(reply.payload, start + ENVELOPE_HEADER_BYTES);
  batch.used = start + length;
  return length;
}

function flagsOf({ fault, replayed, more }: Reply): number {
  return FLAG_REPLY | (fault ? FLAG_FAULT : 0) | (replayed ? FLAG_REPLAYED : 0) | (more ? FLAG_MORE : 0);
}

/** Appends what a reader tells the writer of a stream. */
export function writeCredit(batch: BatchWriter, { correlation, items }: Credit): void {
  const buffer = batch.room(ENVELOPE_HEADER_BYTES);
  const start = batch.used;
  buffer.fill(0, start, start + ENVELOPE_HEADER_BYTES);
  buffer.writeUInt32LE(ENVELOPE_HEADER_BYTES, start);
  buffer[start + 7] = FLAG_CREDIT;
  buffer.writeUInt16LE(items, start + 8);
  buffer.writeUInt32LE(correlation, start + 12);
  batch.used = start + ENVELOPE_HEADER_BYTES;
}

/** Appends what concerns traces: the mark of what is written next, or, to the front, spans (`message` says which). */
export function writeTrace(batch: BatchWriter, message: number, payload: Uint8Array): void {
  const length = ENVELOPE_HEADER_BYTES + payload.length;
  const buffer = batch.room(length);
  const start = batch.used;
  buffer.fill(0, start, start + ENVELOPE_HEADER_BYTES);
  buffer.writeUInt32LE(length, start);
  buffer[start + 7] = FLAG_TRACE;
  buffer.writeUInt16LE(message, start + 8);
  buffer.set(payload, start + ENVELOPE_HEADER_BYTES);
  batch.used = start + length;
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
