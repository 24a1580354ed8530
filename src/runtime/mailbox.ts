// Mailbox
//
// The bounded queue between many senders and one actor. Control envelopes leave before user envelopes, so that a
// flooded actor can still be stopped.
//
// Owns:     order, capacity, admission.
// Does not: decide when it runs (dispatcher.ts), or what a failure means (supervision.ts).
//
// M1. User envelopes from one sender leave in the order they were admitted.
// M2. depth <= capacity and bytes <= bytesMax. A full mailbox refuses; it never drops.
// M3. Control envelopes are always admitted, up to CONTROL_CAPACITY; only the runtime sends them.
// M4. An empty mailbox holds no array: idle actors cost nothing here.

import { invariant } from '../invariant.js';
import type { Envelope } from './envelope.js';

export const CONTROL_CAPACITY = 4096;

/** Slots read from the front are given back when they are this many and at least half of the array. */
const COMPACT_AT = 64;

class Lane {
  #items: (Envelope | undefined)[] | undefined;
  #head = 0;

  get length(): number {
    return this.#items === undefined ? 0 : this.#items.length - this.#head;
  }

  push(envelope: Envelope): void {
    if (this.#items === undefined) this.#items = [envelope];
    else this.#items.push(envelope);
  }

  pushFront(envelope: Envelope): void {
    if (this.#items === undefined) this.#items = [envelope];
    else if (this.#head > 0) this.#items[--this.#head] = envelope;
    else this.#items.unshift(envelope);
  }

  remove(isMeant: (envelope: Envelope) => boolean): Envelope[] {
    const removed: Envelope[] = [];
    const kept: Envelope[] = [];
    for (let next = this.shift(); next !== undefined; next = this.shift()) (isMeant(next) ? removed : kept).push(next);
    for (const envelope of kept) this.push(envelope);
    return removed;
  }

  shift(): Envelope | undefined {
    const items = this.#items;
    if (items === undefined) return undefined;
    const envelope = items[this.#head];
    items[this.#head++] = undefined;
    if (this.#head === items.length) {
      this.#items = undefined;
      this.#head = 0;
    } else if (this.#head >= COMPACT_AT && this.#head * 2 >= items.length) {
      items.splice(0, this.#head);
      this.#head = 0;
    }
    return envelope;
  }
}

function isAsk({ correlation }: Envelope): boolean {
  return correlation !== 0;
}

export class Mailbox {
  readonly #capacity: number;
  readonly #bytesMax: number;
  readonly #user = new Lane();
  readonly #control = new Lane();
  #bytes = 0;

  constructor(bounds: { readonly capacity: number; readonly bytesMax: number }) {
    this.#capacity = bounds.capacity;
    this.#bytesMax = bounds.bytesMax;
  }

  /** Envelopes waiting, both lanes. */
  get depth(): number {
    return this.#user.length + this.#control.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Admits an envelope, or says that there is no room (M2). One larger than bytesMax is admitted only when alone. */
  admit(envelope: Envelope): 'accepted' | 'full' {
    if (envelope.control) {
      invariant(this.#control.length < CONTROL_CAPACITY, 'the control lane of a mailbox overflowed');
      this.#control.push(envelope);
    } else {
      const tooMany = this.#user.length >= this.#capacity;
      const tooLarge = this.#bytes + envelope.bytes > this.#bytesMax && this.#user.length > 0;
      if (tooMany || tooLarge) return 'full';
      this.#user.push(envelope);
    }
    this.#bytes += envelope.bytes;
    return 'accepted';
  }

  /** Puts back one that was taken, to be the next of its lane. It was admitted before, so it is never refused. */
  putBack(envelope: Envelope): void {
    (envelope.control ? this.#control : this.#user).pushFront(envelope);
    this.#bytes += envelope.bytes;
  }

  /** Takes out this one, wherever it lies; false when it is not here. */
  withdraw(envelope: Envelope): boolean {
    const isHere = (envelope.control ? this.#control : this.#user).remove((each) => each === envelope).length > 0;
    if (isHere) this.#bytes -= envelope.bytes;
    return isHere;
  }

  /** Takes out those that somebody waits for. */
  takeAsks(): Envelope[] {
    const asks = [...this.#control.remove(isAsk), ...this.#user.remove(isAsk)];
    for (const { bytes } of asks) this.#bytes -= bytes;
    return asks;
  }

  take(): Envelope | undefined {
    const envelope = this.#control.shift() ?? this.#user.shift();
    if (envelope !== undefined) this.#bytes -= envelope.bytes;
    return envelope;
  }
}
