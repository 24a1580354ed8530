// Ref
//
// How anyone outside an actor talks to one: by protocol and key, whatever thread it lives on.

import type { Fault } from '../errors.js';
import type { Messages, Protocol, Streamed, StreamName } from './protocol.js';

/** volatile: no gate. committed: survives the process. durable: survives the power cord. */
export type Durability = 'volatile' | 'committed' | 'durable';

/**
 * Makes an ask happen at most once: within IDEMPOTENCY_MS a repeat with the same scope and key is not run again but given
 * the first answer; with another fingerprint it is refused with CONFLICT. Refused asks are not remembered.
 */
export interface Idempotency {
  /** Whose key it is. */
  readonly scope: string;
  readonly key: string;
  /** A digest of what was asked. */
  readonly fingerprint: string;
}

/** UTF-16 units of scope, key and fingerprint together. */
export const IDEMPOTENCY_LENGTH_MAX = 4_096;

/** Why an ask cannot be sent like this; undefined when it can. */
export function askFault({ timeoutMs = 0, idempotency }: AskOptions): string | undefined {
  if (!(timeoutMs >= 0)) return `a time limit is at least 0 ms, not ${timeoutMs}`;
  if (idempotency === undefined) return undefined;
  const length = idempotency.scope.length + idempotency.key.length + idempotency.fingerprint.length;
  if (length <= IDEMPOTENCY_LENGTH_MAX) return undefined;
  return `an idempotency key with its scope has at most ${IDEMPOTENCY_LENGTH_MAX} characters`;
}

export interface AskOptions {
  /** Default 30,000; Infinity waits for as long as it takes. */
  readonly timeoutMs?: number;
  readonly durability?: Durability;
  readonly idempotency?: Idempotency;
}

export type Answer<R> =
  | { readonly ok: true; readonly value: R; readonly replayed: boolean }
  | { readonly ok: false; readonly fault: Fault };

/** What one item of a streamed reply is. */
export type ItemOf<R> = R extends Streamed<infer Item> ? Item : never;

/** The reading end of a stream, called as things come. */
export interface ItemReader<Item> {
  item(value: Item): void;
  /** Nothing more comes: it is done, or why not. Not called when the reader left. */
  ended(fault: Fault | undefined): void;
}

/** The door into the runtime, as the transport sees it. */
export interface Actors {
  /** Resolves with the answer or the fault; never rejects for an expected reason. */
  ask<M extends Messages, K extends keyof M & string>(
    to: Protocol<M>,
    key: string,
    message: K,
    args: M[K]['args'],
    options?: AskOptions,
  ): Promise<Answer<M[K]['reply']>>;
  /** True when admitted to the link; what happens then is the actor's. */
  tell<M extends Messages, K extends keyof M & string>(
    to: Protocol<M>,
    key: string,
    message: K,
    args: M[K]['args'],
  ): boolean;
}

/** The same, with replies that come in items. */
export interface StreamingActors extends Actors {
  /** As an ask that is answered by items. What it returns leaves: nothing is read afterwards. */
  subscribe<M extends Messages, K extends StreamName<M>>(
    to: Protocol<M>,
    key: string,
    message: K,
    args: M[K]['args'],
    reader: ItemReader<ItemOf<M[K]['reply']>>,
  ): () => void;
}

/** Why an actor that was watched ended its life in memory. It may be back at once: an address always answers. */
export type Ending = 'stopped' | 'failed' | 'quarantined' | 'lost';

/** What the fault of a watch says of the life that ended. */
export function endingOf({ code }: Fault): Ending {
  switch (code) {
    case 'STOPPED':
      return 'stopped';
    case 'QUARANTINED':
      return 'quarantined';
    case 'WORKER_LOST':
    case 'SLOT_MOVING':
    case 'DRAINING':
      return 'lost';
    default:
      return 'failed';
  }
}
