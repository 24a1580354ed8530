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
// M4. An empty mailbox keeps at most PLACES_KEPT places.

import { invariant } from '../invariant.js';
import type { Envelope } from './envelope.js';

export const CONTROL_CAPACITY = 4096;

/** An empty lane of at most so many places keeps them, for the next envelope; a larger one gives them back. */
const PLACES_KEPT = 64;
const PLACES_MIN = 4;

/** A ring: as many places as a power of two, of which some are taken, from the head on. */
class Lane {
  #places: (Envelope | undefined)[] = [];
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(envelope: Envelope): void {
    if (this.#length === this.#places.length) this.#grow();
    this.#places[(this.#head + this.#length++) & (this.#places.length - 1)] = envelope;
  }

  pushFront(envelope: Envelope): void {
    if (this.#length === this.#places.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#places.length - 1);
    this.#places[this.#head] = envelope;
    this.#length++;
  }

  remove(isMeant: (envelope: Envelope) => boolean): Envelope[] {
    const removed: Envelope[] = [];
    const kept: Envelope[] = [];
    for (let next = this.shift(); next !== undefined; next = this.shift()) (isMeant(next) ? removed : kept).push(next);
    for (const envelope of kept) this.push(envelope);
    return removed;
  }

  shift(): Envelope | undefined {
    if (this.#length === 0) return undefined;
    const envelope = this.#places[this.#head];
    this.#places[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#places.length - 1);
    if (--this.#length === 0 && this.#places.length > PLACES_KEPT) {
      this.#places = [];
      this.#head = 0;
    }
    return envelope;
  }

  #grow(): void {
    const places = this.#places;
    const grown: (Envelope | undefined)[] = new Array(Math.max(PLACES_MIN, places.length * 2)).fill(undefined);
    for (let i = 0; i < this.#length; i++) grown[i] = places[(this.#head + i) & (places.length - 1)];
    this.#places = grown;
    this.#head = 0;
  }
}

function isAsk({ correlation }: Envelope): boolean {
  return correlation !== 0;
}

export class Mailbox {
  readonly #capacity: number;
  readonly #bytesMax: number;
  readonly #user = new Lane();
  /** Made for the first of them: most actors never get one. */
  #control: Lane | undefined;
  #bytes = 0;

  constructor(bounds: { readonly capacity: number; readonly bytesMax: number }) {
    this.#capacity = bounds.capacity;
    this.#bytesMax = bounds.bytesMax;
  }

  /** Envelopes waiting, both lanes. */
  get depth(): number {
    return this.#user.length + (this.#control === undefined ? 0 : this.#control.length);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Admits an envelope, or says that there is no room (M2). One larger than bytesMax is admitted only when alone. */
  admit(envelope: Envelope): 'accepted' | 'full' {
    if (envelope.control) {
      this.#control ??= new Lane();
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

  /** As admit(), for what an actor of this thread tells. */
  admitTell(tell: Envelope): boolean {
    const user = this.#user;
    if (user.length >= this.#capacity) return false;
    const { bytes } = tell;
    if (bytes > 0) {
      if (this.#bytes + bytes > this.#bytesMax && user.length > 0) return false;
      this.#bytes += bytes;
    }
    user.push(tell);
    return true;
  }

  /** Puts back one that was taken, to be the next of its lane. It was admitted before, so it is never refused. */
  putBack(envelope: Envelope): void {
    this.#laneOf(envelope).pushFront(envelope);
    this.#bytes += envelope.bytes;
  }

  /** Takes out this one, wherever it lies; false when it is not here. */
  withdraw(envelope: Envelope): boolean {
    const isHere = this.#laneOf(envelope).remove((each) => each === envelope).length > 0;
    if (isHere) this.#bytes -= envelope.bytes;
    return isHere;
  }

  /** Takes out those that somebody waits for. */
  takeAsks(): Envelope[] {
    const asks = [...(this.#control?.remove(isAsk) ?? []), ...this.#user.remove(isAsk)];
    for (const { bytes } of asks) this.#bytes -= bytes;
    return asks;
  }

  take(): Envelope | undefined {
    const envelope = this.#control === undefined ? this.#user.shift() : (this.#control.shift() ?? this.#user.shift());
    if (envelope !== undefined && envelope.bytes > 0) this.#bytes -= envelope.bytes;
    return envelope;
  }

  #laneOf({ control }: Envelope): Lane {
    if (!control) return this.#user;
    this.#control ??= new Lane();
    return this.#control;
  }
}
