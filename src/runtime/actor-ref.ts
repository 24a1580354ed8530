// Actor ref
//
// One actor, from outside of all actors. Held for as long as one likes: it is a name, and costs the actor nothing.

import { CodedError } from '../errors.js';
import { keyFault } from './address.js';
import type { IncomingStream } from './incoming-stream.js';
import type { AnyProtocol, AskName, Messages, StreamName } from './protocol.js';
import type { Actors, AskOptions, Ending, ItemOf } from './ref.js';

/** What a ref needs of the system that its actor lives in: one on threads, or one in the hands of a test. */
export interface ActorHost extends Actors {
  /** As an ask that is answered by items. Faults come from the iterator. */
  stream(to: AnyProtocol, key: string, message: string, args: unknown): IncomingStream;
  /** Calls `ended` when the life in memory of an actor ends; what it returns takes the wish back. */
  watch(to: AnyProtocol, key: string, ended: (ending: Ending) => void): () => void;
}

export interface RefAskOptions extends AskOptions {
  /** When it is aborted the ask rejects with its reason. What the actor does with the message is not changed. */
  readonly signal?: AbortSignal;
}

export interface StreamOptions {
  /** When it is aborted the stream rejects with its reason, and the generator is ended. */
  readonly signal?: AbortSignal;
}

/** What follows the name of a message: its arguments, if it has any, and options. */
type Following<Args, Options> = undefined extends Args
  ? [args?: Args, options?: Options]
  : [args: Args, options?: Options];

export class ActorRef<M extends Messages> {
  readonly key: string;
  readonly #host: ActorHost;
  readonly #protocol: AnyProtocol;

  constructor(host: ActorHost, protocol: AnyProtocol, key: string) {
    const fault = typeof key === 'string' ? keyFault(key) : 'a key is a string';
    if (fault !== undefined) throw new TypeError(`This cannot be the key of an actor: ${fault}.`);
    this.#host = host;
    this.#protocol = protocol;
    this.key = key;
  }

  get address(): string {
    return `${this.#protocol.kind}/${this.key}`;
  }

  /** True when it is on its way; false when there is no room for it now, or its actor is between two workers. */
  tell<K extends keyof M & string>(message: K, ...[args]: Following<M[K]['args'], never>): boolean {
    return this.#host.tell(this.#protocol, this.key, message, args);
  }

  /**
   * The answer, which has the durability asked for. Rejects with a CodedError: the actor's refusal, or why there is none.
   */
  async ask<K extends AskName<M>>(
    message: K,
    ...[args, options = {}]: Following<M[K]['args'], RefAskOptions>
  ): Promise<M[K]['reply']> {
    const { signal, ...rest } = options;
    signal?.throwIfAborted();
    const answering = this.#host.ask(this.#protocol, this.key, message, args, rest);
    const answer = await (signal === undefined ? answering : raced(answering, signal));
    if (answer.ok) return answer.value as M[K]['reply'];
    throw new CodedError(answer.fault.code, answer.fault.params);
  }

  /** The items of a reply, as they come. The generator runs ahead of its reader by a bounded number of them. */
  stream<K extends StreamName<M>>(
    message: K,
    ...[args, options = {}]: Following<M[K]['args'], StreamOptions>
  ): AsyncIterableIterator<ItemOf<M[K]['reply']>, undefined> {
    const { signal } = options;
    signal?.throwIfAborted();
    const stream = this.#host.stream(this.#protocol, this.key, message, args);
    if (signal !== undefined) {
      const abort = (): void => stream.abort(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      stream.onEnd(() => signal.removeEventListener('abort', abort));
    }
    return stream as AsyncIterableIterator<ItemOf<M[K]['reply']>, undefined>;
  }

  /** Resolves when the actor's life in memory ends, with how. Rejects when the signal is aborted. */
  watch(options: { readonly signal?: AbortSignal } = {}): Promise<Ending> {
    const { signal } = options;
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        forget();
        reject(signal?.reason);
      };
      const forget = this.#host.watch(this.#protocol, this.key, (ending) => {
        signal?.removeEventListener('abort', abort);
        resolve(ending);
      });
      signal?.addEventListener('abort', abort, { once: true });
    });
  }
}

function raced<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const end = (): void => signal.removeEventListener('abort', abort);
    promise.then(
      (value) => {
        end();
        resolve(value);
      },
      (error: unknown) => {
        end();
        reject(error);
      },
    );
  });
}
