// Test host
//
// The outside's door into a test system, for refs. It outlives the processes that the test lets die: what is said goes to the
// one that lives now, and waits in it for its answer.

import type { ActorHost } from '../runtime/actor-ref.js';
import type { IncomingStream } from '../runtime/incoming-stream.js';
import type { AnyProtocol, Messages, Protocol } from '../runtime/protocol.js';
import type { Answer, AskOptions, Ending } from '../runtime/ref.js';

export class TestHost implements ActorHost {
  readonly #entrance: () => ActorHost;

  /** `entrance`: of the process that lives now. */
  constructor(entrance: () => ActorHost) {
    this.#entrance = entrance;
  }

  ask<M extends Messages, K extends keyof M & string>(
    to: Protocol<M>,
    key: string,
    message: K,
    args: M[K]['args'],
    options: AskOptions = {},
  ): Promise<Answer<M[K]['reply']>> {
    return this.#entrance().ask(to, key, message, args, options);
  }

  tell<M extends Messages, K extends keyof M & string>(
    to: Protocol<M>,
    key: string,
    message: K,
    args: M[K]['args'],
  ): boolean {
    return this.#entrance().tell(to, key, message, args);
  }

  stream(to: AnyProtocol, key: string, message: string, args: unknown): IncomingStream {
    return this.#entrance().stream(to, key, message, args);
  }

  watch(to: AnyProtocol, key: string, ended: (ending: Ending) => void): () => void {
    return this.#entrance().watch(to, key, ended);
  }
}
