// Session watches
//
// What one session watches, and the changes that its socket could not take yet. There is one from the first watch on.
//
// SW1. At most WATCHES_MAX watches.
// SW2. While the socket is full, the latest change of each key waits, of at most WAITING_KEYS_MAX keys: past that all
//      watches end. A change that waits is not sent once nothing of the session watches its key.
// SW3. A watch that ends by itself is told so under its id.

import { type FrameId, WATCHES_MAX } from '../../contract/session.js';
import type { Fault } from '../../errors.js';
import { errorFrame } from './error-frame.js';
import type { FrameSocket } from './frame-socket.js';
import type { SharedChange } from './shared-change.js';
import type { WatchHub } from './watch-hub.js';
import type { Ready, Watcher } from './watched-prefix.js';

const WAITING_KEYS_MAX = 1024;

const TOO_SLOW: Fault = { code: 'OVERLOADED', params: { what: 'the changes that wait for a slow reader' } };

interface Watch {
  readonly prefix: string;
  readonly ready: Ready;
  isReady: boolean;
}

export class SessionWatches implements Watcher {
  readonly #hub: WatchHub;
  readonly #out: FrameSocket;
  readonly #byId = new Map<FrameId, Watch>();
  #waiting: Map<string, SharedChange> | undefined;

  constructor(hub: WatchHub, out: FrameSocket) {
    this.#hub = hub;
    this.#out = out;
  }

  /** Why it cannot be, before anyone is asked. */
  fault(id: FrameId): Fault | undefined {
    if (this.#byId.has(id)) return { code: 'BAD_REQUEST', params: { reason: 'there is a watch of this id' } };
    if (this.#byId.size < WATCHES_MAX) return undefined;
    return { code: 'RATE_LIMITED', params: { what: 'the watches of a session' } };
  }

  /** `answer` is called once, unless the watch is taken back first. */
  watch(id: FrameId, prefix: string, answer: Ready): void {
    const ready: Ready = (fault) => {
      if (fault === undefined) watch.isReady = true;
      else this.#byId.delete(id);
      answer(fault);
    };
    const watch: Watch = { prefix, ready, isReady: false };
    this.#byId.set(id, watch);
    this.#hub.watch(prefix, this, ready);
  }

  /** Undefined when there is no such watch; otherwise whether it was still to be answered. */
  unwatch(id: FrameId): { readonly wasPending: boolean } | undefined {
    const watch = this.#byId.get(id);
    if (watch === undefined) return undefined;
    this.#byId.delete(id);
    this.#hub.unwatch(watch.prefix, this, watch.ready);
    for (const key of this.#waiting?.keys() ?? []) if (!this.#isWatched(key)) this.#waiting?.delete(key);
    return { wasPending: !watch.isReady };
  }

  changed(change: SharedChange): void {
    if (this.#waiting === undefined && !this.#out.isFull) this.#out.sendEncoded(change.encodedBy(this.#out.codec));
    else this.#keep(change);
  }

  ended(fault: Fault): void {
    this.#waiting = undefined;
    for (const [id, { isReady }] of this.#byId) {
      if (!isReady) continue;
      this.#byId.delete(id);
      this.#out.send({ ...errorFrame(fault, id), watch_ended: true });
    }
  }

  drained(): void {
    for (const [key, change] of this.#waiting ?? []) {
      if (this.#out.isFull) return;
      this.#waiting?.delete(key);
      this.#out.sendEncoded(change.encodedBy(this.#out.codec));
    }
    this.#waiting = undefined;
  }

  close(): void {
    this.#waiting = undefined;
    for (const { prefix, ready } of this.#byId.values()) this.#hub.unwatch(prefix, this, ready);
    this.#byId.clear();
  }

  #keep(change: SharedChange): void {
    this.#waiting ??= new Map();
    // Behind those of other keys that came before it.
    this.#waiting.delete(change.key);
    if (this.#waiting.size < WAITING_KEYS_MAX) this.#waiting.set(change.key, change);
    else this.#giveUp();
  }

  /** Too much waits (SW2). */
  #giveUp(): void {
    for (const { prefix, ready, isReady } of this.#byId.values()) {
      if (isReady) this.#hub.unwatch(prefix, this, ready);
    }
    this.ended(TOO_SLOW);
  }

  #isWatched(key: string): boolean {
    for (const { prefix } of this.#byId.values()) if (key.startsWith(prefix)) return true;
    return false;
  }
}
