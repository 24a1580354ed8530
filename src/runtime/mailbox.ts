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
// M3. Control envelopes are admitted whatever users have queued, up to CONTROL_CAPACITY; only the runtime sends them.
// M4. An empty mailbox keeps at most a few places.

import type { Envelope } from './envelope.js';
import { Ring } from './ring.js';

export const CONTROL_CAPACITY = 4096;

function isAsk({ correlation }: Envelope): boolean {
  return correlation !== 0;
}

export class Mailbox {
  readonly #capacity: number;
  readonly #bytesMax: number;
  readonly #user = new Ring<Envelope>();
  /** Made for the first of them: most actors never get one. */
  #control: Ring<Envelope> | undefined;
  #bytes = 0;

  constructor(bounds: { readonly capacity: number; readonly bytesMax: number }) {
    this.#capacity = bounds.capacity;
    this.#bytesMax = bounds.bytesMax;
  }

  /** Envelopes waiting, both lanes. */
  get depth(): number {
    return this.#user.length + (this.#control === undefined ? 0 : this.#control.length);
  }

  get controlDepth(): number {
    return this.#control === undefined ? 0 : this.#control.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Admits an envelope, or says that there is no room (M2). One larger than bytesMax is admitted only when alone. */
  admit(envelope: Envelope): 'accepted' | 'full' {
    if (envelope.control) {
      this.#control ??= new Ring<Envelope>();
      if (this.#control.length >= CONTROL_CAPACITY) return 'full';
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

  /** Past its bounds: for what is bounded elsewhere. */
  admitAlways(envelope: Envelope): void {
    this.#laneOf(envelope).push(envelope);
    this.#bytes += envelope.bytes;
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

  /** The one that take() would give. */
  peek(): Envelope | undefined {
    return this.#control?.at(0) ?? this.#user.at(0);
  }

  /** The first that users have queued, at most so many. */
  first(count: number): Envelope[] {
    const found: Envelope[] = [];
    for (let i = 0; i < Math.min(count, this.#user.length); i++) found.push(this.#user.at(i)!);
    return found;
  }

  take(): Envelope | undefined {
    const envelope = this.#control === undefined ? this.#user.shift() : (this.#control.shift() ?? this.#user.shift());
    if (envelope !== undefined && envelope.bytes > 0) this.#bytes -= envelope.bytes;
    return envelope;
  }

  #laneOf({ control }: Envelope): Ring<Envelope> {
    if (!control) return this.#user;
    this.#control ??= new Ring<Envelope>();
    return this.#control;
  }
}
