// Link
//
// One direction pair between two threads: envelopes out in batches by transfer, credit back through shared memory.
//
//     this thread                                   peer
//     send() ──▶ batch ──flush()──▶ port ──▶ readBatch ──▶ mailboxes ──▶ handled
//        ▲                                                                 │ credit()
//        └──────────────────── received (shared counter) ◀─────────────────┘
//
// Owns:     the outbound batch, and how many bytes may be on their way.
// Does not: route, or queue what is refused: the sender is told at once.
//
// L1. Envelopes leave in the order of send().
// L2. What was sent and not yet handled by the peer is at most LINK_BYTES_MAX, plus one envelope.
// L3. Answers, and what concerns traces, are never refused: their number is bounded by the asks that the peer has open, and by the spans that may wait.

import { Batch } from './batch.js';
import {
  type Credit,
  envelopeBytes,
  MARK,
  type Outgoing,
  type Reply,
  SPANS,
  writeCredit,
  writeEnvelope,
  writeReply,
  writeTrace,
} from './envelope.js';

export const LINK_BYTES_MAX = 64 * 1024 * 1024;

/** The part of a MessagePort that a link needs. */
export interface LinkPort {
  postMessage(value: unknown, transfer: readonly ArrayBuffer[]): void;
}

/** Two counters of handled bytes, one per direction; each wraps at 2^32. */
export function linkMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
}

export class Link {
  readonly #port: LinkPort;
  readonly #batch = new Batch();
  readonly #handledByPeer: Int32Array;
  readonly #handledByUs: Int32Array;
  #sentBytes = 0;
  #creditBytes = 0;

  /** `side` says which of the two counters is ours: 0 on one end, 1 on the other. */
  constructor(port: LinkPort, memory: SharedArrayBuffer, side: 0 | 1) {
    this.#port = port;
    this.#handledByUs = new Int32Array(memory, side * Int32Array.BYTES_PER_ELEMENT, 1);
    this.#handledByPeer = new Int32Array(memory, (1 - side) * Int32Array.BYTES_PER_ELEMENT, 1);
  }

  /** Bytes sent that the peer has not handled yet. */
  get inFlightBytes(): number {
    return (this.#sentBytes - Atomics.load(this.#handledByPeer, 0)) >>> 0;
  }

  /** False when too much is on its way already (L2): nothing was sent. */
  send(outgoing: Outgoing, mark?: Uint8Array): boolean {
    if (this.inFlightBytes + envelopeBytes(outgoing) > LINK_BYTES_MAX && this.inFlightBytes > 0) return false;
    if (mark !== undefined) writeTrace(this.#batch, MARK, mark);
    this.#sentBytes = (this.#sentBytes + writeEnvelope(this.#batch, outgoing)) >>> 0;
    return true;
  }

  answer(reply: Reply, mark?: Uint8Array): void {
    if (mark !== undefined) writeTrace(this.#batch, MARK, mark);
    writeReply(this.#batch, reply);
  }

  /** Of a stream that this end reads. Never refused, as answers are not. */
  allow(credit: Credit): void {
    writeCredit(this.#batch, credit);
  }

  /** To the front. */
  spans(encoded: Uint8Array): void {
    writeTrace(this.#batch, SPANS, encoded);
  }

  /** An envelope of this many bytes that came by this link is done with. */
  credit(bytes: number): void {
    this.#creditBytes += bytes;
  }

  /** Hands over everything written since the last flush. */
  flush(): void {
    if (this.#creditBytes > 0) {
      Atomics.add(this.#handledByUs, 0, this.#creditBytes);
      this.#creditBytes = 0;
    }
    if (this.#batch.used === 0) return;
    const batch = this.#batch.take();
    this.#port.postMessage(batch, [batch]);
  }
}
