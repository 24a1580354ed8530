// Actor
//
// The contract that an actor kind is written against, and all that src/actors may import of the runtime.
//
//   protocol.ts   `protocol<Messages>('account', ['pay', 'balance'])`: what may be said to a kind, importable by anyone
//   <kind>.ts     `ActorKind<State, Messages>`: how it answers, importable by the worker's root alone
//
// A handler is called with one envelope at a time (G2). It may read, change its own state in memory, and put
// effects. Effects leave together when it returns, after their commit (G5), or not at all when it throws.
//
// A1. A handler that throws has said nothing: its effects are dropped and the actor restarts from the store.
//     Expected refusals are therefore returned (`refuse`), never thrown; a refusal may have effects.
// A2. Reads see this actor's own effects, committed or not. Of what others wrote they see durable data only.
// A3. A kind writes only to the tables that it declares.
// A4. What others wrote is durable some time before reads show it. What a kind declares that it reads of theirs
//     (`activationReads`, `reads`), the runtime waits for before the turn; what it does not declare may be missing still.

import type { ErrorCode, ErrorParams, Fault } from '../errors.js';

/** Messages of a kind: each with what is sent and what is answered. Plain data only: it crosses threads as msgpack. */
export type Messages = { readonly [name: string]: { readonly args: unknown; readonly reply: unknown } };

export interface Protocol<M extends Messages> {
  readonly kind: string;
  /** The wire number of a message is its place here: append, never reorder within a release. */
  readonly messages: readonly (keyof M & string)[];
}

export function protocol<M extends Messages>(kind: string, messages: readonly (keyof M & string)[]): Protocol<M> {
  return { kind, messages };
}

/** A refusal: the caller gets the error; the turn's effects still happen. */
export class Refusal implements Fault {
  constructor(
    readonly code: ErrorCode,
    readonly params: ErrorParams = {},
  ) {}
}

export function refuse(code: ErrorCode, params?: ErrorParams): Refusal {
  return new Refusal(code, params);
}

/** Returned by a handler that will answer in a later turn through `context.reply`. */
export const LATER: unique symbol = Symbol('later');

/** Names an ask that was answered LATER. Lives in memory only: it dies with the activation, and its caller is told. */
export type ReplyHandle = { readonly __replyHandle: unique symbol };

/** A key: the table first, then the parts that order it. Strings order by UTF-8 bytes, numbers by value, bytes as bytes. */
export type Key = readonly [table: string, ...parts: (string | number | Uint8Array)[]];

export interface KeyedValue {
  readonly key: Key;
  readonly value: unknown;
}

export interface RangeQuery {
  /** All keys that begin with these parts. The last part, if a string, is matched as a whole unless `prefix` is set. */
  readonly under: Key;
  /** Match keys whose part after `under` is a string that begins with this. */
  readonly prefix?: string;
  /** Start after this key (exclusive). */
  readonly after?: Key;
  readonly limit: number;
  readonly reverse?: boolean;
}

/** What may be read: whole commits, of others durable ones, and at least all declared that was acknowledged before (A4). */
export interface ActivationContext {
  readonly kind: string;
  readonly key: string;
  /** Milliseconds since the epoch, fixed for the turn. */
  readonly now: number;
  /** One value; of what this actor wrote itself, the newest, even before its commit (A2). */
  get(key: Key): unknown;
  /**
   * Entries in key order, at most `limit`, with this actor's own effects. While its writes are on their way to the tables
   * it also costs a look at each of them, and reads one entry more for each of its deletes in the range.
   */
  range(query: RangeQuery): KeyedValue[];
  /** Only the keys of a range. */
  rangeKeys(query: RangeQuery): Key[];
  /** How many keys a query (without its limit) matches, with this actor's own effects. Walks them. */
  count(query: Omit<RangeQuery, 'limit' | 'reverse'>): number;
  /** The committed value of a counter. */
  counter(name: string): number;
}

export interface TurnContext<M extends Messages> extends ActivationContext {
  /** The message's sender, as the runtime knows it: 0 is the front door. */
  readonly sender: number;
  put(key: Key, value: unknown): void;
  delete(key: Key): void;
  /** Adds to a counter in the same commit. */
  add(counter: string, delta: number): void;
  /** As `add` for a positive delta, but only while the counter, with everything in flight in every thread, stays <= max. */
  reserve(counter: string, delta: number, max: number): boolean;
  /** One event, written in the same commit. `about` is what it is filed under, or null. */
  emit(type: string, about: string | null, data: Readonly<Record<string, unknown>>): void;
  tell<N extends Messages, K extends keyof N & string>(
    to: Protocol<N>,
    key: string,
    message: K,
    args: N[K]['args'],
  ): void;
  /** Keep the current ask open; return LATER. Undefined when the message was a tell. */
  replyHandle(): ReplyHandle | undefined;
  /** Answer an ask kept open. Behind this turn's gate, like every effect. */
  reply(handle: ReplyHandle, answer: unknown | Refusal): void;
  /** Tell oneself after a delay, in memory: an activation's timers die with it. Same name replaces. `control` lane. */
  setTimer<K extends keyof M & string>(name: string, delayMs: number, message: K, args: M[K]['args']): void;
  cancelTimer(name: string): void;
}

export type Handler<State, M extends Messages, K extends keyof M> = (
  context: TurnContext<M>,
  state: State,
  args: M[K]['args'],
) => M[K]['reply'] | Refusal | typeof LATER | Promise<M[K]['reply'] | Refusal | typeof LATER>;

/** What a message of this actor makes it read of others' making. Pure, and cheap: it is called before every such turn. */
export type ForeignReads<Args> = (key: string, args: Args) => readonly Key[];

export interface ActorKind<State, M extends Messages> {
  readonly protocol: Protocol<M>;
  /** Every table that a handler of this kind may write to (A3). */
  readonly tables: readonly string[];
  /** Most envelopes and bytes waiting for one actor; past it the sender is told `full` (G4). */
  readonly mailbox: { readonly capacity: number; readonly bytesMax: number };
  /** Keys of others' making that `activate` gets (A4). Of ranges it may read only the actor's own rows. */
  activationReads?(key: string): readonly Key[];
  /** Reads what the actor needs from the store. Called on the first envelope, and again after a failure. */
  activate(context: ActivationContext): State;
  /**
   * By message: what its handler reads of others' making (A4), keys to get, and tables (`['registry']`) to range over.
   * Not to be listed: rows that only this actor writes. Where several actors write a key in turn, one that wrote it lately
   * may get its own last write, unless it reads the table.
   */
  readonly reads?: { readonly [K in keyof M & string]?: ForeignReads<M[K]['args']> };
  /** Roughly the bytes that this state keeps resident; asked after turns, so cheap. */
  residentBytes(state: State): number;
  /** An actor with nothing to remember: it is activated anew for its next envelope, for others may have written since. */
  isBlank?(state: State): boolean;
  /** False keeps an idle actor in memory (it holds an open ask, say). Default: an actor without timers may go. */
  mayPassivate?(state: State): boolean;
  readonly handlers: { readonly [K in keyof M & string]: Handler<State, M, K> };
}

/** Any kind, where its types no longer matter: the runtime decodes and dispatches by number. */
export type AnyKind = ActorKind<unknown, Messages>;

/** Forgets the types of a kind, to register it. Sound because only the runtime calls it, with what `activate` gave. */
export function anyKind<State, M extends Messages>(kind: ActorKind<State, M>): AnyKind {
  return kind as unknown as AnyKind;
}
