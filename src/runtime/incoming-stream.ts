// Incoming stream
//
// The reading end of a stream of replies: items in order, no more on their way than a window, and cancelled when the
// reader leaves.
//
//     writer ──items──▶ queue (at most STREAM_WINDOW) ──▶ for await (…)
//        ▲                                                   │ half a window was read, or the reader left
//        └──────────────── credit ◀──────────────────────────┘
//
// IS1. Items come in the order in which they were given, each once.
// IS2. At most STREAM_WINDOW items wait here or are on their way.
// IS3. A reader that leaves early ends the generator at the writer; nothing is read afterwards.

import { CodedError, type Fault } from '../errors.js';
import type { Answer } from './ref.js';

/** Items that a writer may send before it hears of its reader. */
export const STREAM_WINDOW = 64;

interface Reader {
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const END: IteratorResult<unknown, undefined> = { done: true, value: undefined };

export class IncomingStream implements AsyncIterableIterator<unknown, undefined> {
  readonly #allow: (items: number) => void;
  #queue: unknown[] = [];
  /** Calls of next() that nothing has come for yet, in order. */
  #readers: Reader[] = [];
  #end: 'done' | { readonly error: unknown } | undefined;
  #unread = 0;
  #ended: () => void = () => undefined;

  /** `allow` tells the writer of so many more items, or with 0 that no more are wanted. */
  constructor(allow: (items: number) => void) {
    this.#allow = allow;
  }

  /** Calls this when nothing more comes; at once when that is so. */
  onEnd(ended: () => void): void {
    if (this.#end === undefined) this.#ended = ended;
    else ended();
  }

  /** One more item has come. */
  item(value: unknown): void {
    if (this.#end !== undefined) return;
    const reader = this.#readers.shift();
    if (reader === undefined) this.#queue.push(value);
    else reader.resolve(this.#hand(value));
  }

  /** The stream has ended, or failed. */
  settle(answer: Answer<unknown>): void {
    this.#finish(answer.ok ? 'done' : { error: errorOf(answer.fault) });
  }

  /** The reader wants no more, for this reason. */
  abort(reason: unknown): void {
    if (this.#end !== undefined) return;
    this.#queue = [];
    this.#allow(0);
    this.#finish({ error: reason });
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#queue.length > 0) return Promise.resolve(this.#hand(this.#queue.shift()));
    if (this.#end === undefined) return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
    const end = this.#end;
    // Told once; who asks again is told that nothing more comes.
    this.#end = 'done';
    return end === 'done' ? Promise.resolve(END) : Promise.reject(end.error);
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#end === undefined) this.#allow(0);
    this.#queue = [];
    this.#finish('done');
    this.#end = 'done';
    return Promise.resolve(END);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #hand(value: unknown): IteratorResult<unknown, undefined> {
    this.#unread++;
    if (this.#unread * 2 >= STREAM_WINDOW && this.#end === undefined) {
      this.#allow(this.#unread);
      this.#unread = 0;
    }
    return { done: false, value };
  }

  #finish(end: 'done' | { readonly error: unknown }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#ended();
    for (const [place, reader] of this.#readers.splice(0).entries()) {
      if (end === 'done' || place > 0) reader.resolve(END);
      else {
        this.#end = 'done';
        reader.reject(end.error);
      }
    }
  }
}

function errorOf({ code, params }: Fault): CodedError {
  return new CodedError(code, params);
}
