// Protocol
//
// What may be said to a kind of actor: importable by anyone, without its behaviour.

import { slotOf } from './address.js';

/** Messages of a kind: each with what is sent and what is answered. Plain data only: it crosses threads as msgpack. */
export type Messages = { readonly [name: string]: { readonly args: unknown; readonly reply: unknown } };

/** The reply of a message that is answered by a stream of items. */
export interface Streamed<Item> {
  readonly __items: Item;
}

type Streams<M extends Messages, K extends keyof M> = [M[K]['reply']] extends [Streamed<unknown>] ? K : never;
/** Messages that are answered by a stream. */
export type StreamName<M extends Messages> = { [K in keyof M & string]: Streams<M, K> }[keyof M & string];
/** Messages that are answered once. */
export type AskName<M extends Messages> = Exclude<keyof M & string, StreamName<M>>;

declare const MESSAGES: unique symbol;

/** A protocol, where it does not matter what is said. */
export interface AnyProtocol {
  readonly kind: string;
  /** The wire number of a message is its place here: append, never reorder within a release. */
  readonly messages: readonly string[];
  /** The part of a key that decides on which worker the actor lives: keys of the same place live together. */
  readonly place?: (key: string) => string;
}

export interface Protocol<M extends Messages> extends AnyProtocol {
  readonly messages: readonly (keyof M & string)[];
  /** For the compiler alone. */
  readonly [MESSAGES]?: M;
}

export interface ProtocolOptions {
  readonly place?: (key: string) => string;
}

export function protocol<M extends Messages>(
  kind: string,
  messages: readonly (keyof M & string)[],
  options: ProtocolOptions = {},
): Protocol<M> {
  return { kind, messages, ...options };
}

/** The slot of an actor of this protocol. */
export function slotFor({ kind, place }: AnyProtocol, key: string): number {
  return slotOf(kind, place === undefined ? key : place(key));
}
