// Watches
//
// Prefixes of the shared state that a program watches, across connections.
//
// W1. A loop gets `reset` first, and again after every gap (a new connection, a watch that the server ended, a loop that was
//     too slow): from then on every change is told, so whoever lists after a reset misses nothing.
// W2. At most CHANGES_MAX changes wait for a loop. One more, and all of them give way to a single `reset`.

import type { AgentFrame, ChangeFrame, FrameId } from '../contract/session.js';
import type { Ending } from './messages.js';
import type { Requests } from './requests.js';
import { backoffMs } from './retrying.js';
import { abortedBy, TroupeError } from './troupe-error.js';

export const CHANGES_MAX = 1024;

export type WatchEvent =
  /** Changes may have been missed: list, then go on. */
  | { readonly kind: 'reset' }
  | {
      readonly kind: 'change';
      readonly key: string;
      /** Null for a key that was deleted. */
      readonly etag: string | null;
      readonly deleted: boolean;
      readonly by: string;
      readonly at: string;
    };

type Result = IteratorResult<WatchEvent, undefined>;

/** Asked: the server has not said yes. Resting: it said no for now, or ended it. */
type State =
  | { readonly kind: 'asked' }
  | { readonly kind: 'live'; readonly id: FrameId }
  | { readonly kind: 'resting' };

export interface WatchServer {
  readonly requests: Requests;
  /** Without an answer; a frame that cannot be sent now is dropped. */
  send(frame: AgentFrame): void;
}

export class Watches {
  readonly #server: WatchServer;
  readonly #loops = new Set<WatchLoop>();
  /** Until the server tells its own. */
  #watchesMax = 1;
  #lastChange: ChangeFrame | undefined;

  constructor(server: WatchServer) {
    this.#server = server;
  }

  watch(prefix: string, signal: AbortSignal | undefined): WatchLoop {
    const loop = new WatchLoop(this.#server, prefix, signal, () => this.#loops.delete(loop));
    this.#loops.add(loop);
    if (this.#loops.size <= this.#watchesMax) loop.start();
    else loop.end({ error: new TroupeError('rate_limited', `A session may watch ${this.#watchesMax} prefixes.`) });
    return loop;
  }

  up(watchesMax: number): void {
    this.#watchesMax = watchesMax;
  }

  down(): void {
    for (const loop of this.#loops) loop.lost();
  }

  changed(frame: ChangeFrame): void {
    // It comes once for each prefix that it is under: no two changes of a key that follow each other are equal.
    const { key, etag, deleted, at } = this.#lastChange ?? {};
    if (frame.key === key && frame.etag === etag && frame.deleted === deleted && frame.at === at) return;
    this.#lastChange = frame;
    for (const loop of this.#loops) loop.changed(frame);
  }

  /** The server ended the watch of this id. */
  ended(id: FrameId, retryAfterMs: number | undefined): void {
    for (const loop of this.#loops) loop.endedByServer(id, retryAfterMs);
  }

  end(ending: Ending): void {
    for (const loop of this.#loops) loop.end(ending);
  }
}

export class WatchLoop implements AsyncIterableIterator<WatchEvent, undefined> {
  readonly #server: WatchServer;
  readonly #prefix: string;
  readonly #signal: AbortSignal | undefined;
  readonly #left: () => void;
  readonly #aborted = (): void => this.end({ error: abortedBy(this.#signal as AbortSignal) });
  #state: State = { kind: 'resting' };
  #rest: ReturnType<typeof setTimeout> | undefined;
  #events: WatchEvent[] = [];
  #waiting: { readonly resolve: (result: Result) => void; readonly reject: (error: TroupeError) => void }[] = [];
  #ending: Ending | undefined;

  constructor(server: WatchServer, prefix: string, signal: AbortSignal | undefined, left: () => void) {
    this.#server = server;
    this.#prefix = prefix;
    this.#signal = signal;
    this.#left = left;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    return new Promise((resolve, reject) => {
      const event = this.#events.shift();
      if (event !== undefined) resolve({ done: false, value: event });
      else if (this.#ending === undefined) this.#waiting.push({ resolve, reject });
      else if (this.#ending.error === null) resolve({ done: true, value: undefined });
      else reject(this.#ending.error);
    });
  }

  return(): Promise<Result> {
    this.end({ error: null });
    return Promise.resolve({ done: true, value: undefined });
  }

  start(): void {
    this.#signal?.addEventListener('abort', this.#aborted, { once: true });
    if (this.#signal?.aborted) this.#aborted();
    else this.#ask();
  }

  lost(): void {
    // What was asked and not answered is asked again by the requests.
    if (this.#state.kind === 'live') this.#ask();
  }

  changed(frame: ChangeFrame): void {
    if (this.#state.kind !== 'live' || !frame.key.startsWith(this.#prefix)) return;
    const { key, etag, deleted, by, at } = frame;
    if (this.#events.length >= CHANGES_MAX) this.#events = [{ kind: 'reset' }];
    else this.#tell({ kind: 'change', key, etag, deleted, by, at });
  }

  endedByServer(id: FrameId, retryAfterMs: number | undefined): void {
    if (this.#state.kind !== 'live' || this.#state.id !== id) return;
    this.#state = { kind: 'resting' };
    this.#rest = setTimeout(() => this.#ask(), backoffMs(0, retryAfterMs));
  }

  end(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#signal?.removeEventListener('abort', this.#aborted);
    clearTimeout(this.#rest);
    this.#events = [];
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (ending.error === null) resolve({ done: true, value: undefined });
      else reject(ending.error);
    }
    if (this.#state.kind === 'live') this.#server.send({ type: 'unwatch', id: this.#state.id });
    this.#left();
  }

  /** Until the server agrees, however long that takes. */
  #ask(): void {
    this.#state = { kind: 'asked' };
    const settled = {
      ok: ({ id }: { readonly id: FrameId }): void => {
        if (this.#ending !== undefined) {
          this.#server.send({ type: 'unwatch', id });
          return;
        }
        this.#state = { kind: 'live', id };
        this.#events = [];
        this.#tell({ kind: 'reset' });
      },
      failed: (error: TroupeError): void => this.end({ error }),
    };
    this.#server.requests.post({ type: 'watch', prefix: this.#prefix }, { repeatable: true }, settled, null);
  }

  #tell(event: WatchEvent): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#events.push(event);
    else waiting.resolve({ done: false, value: event });
  }
}
