// Context
//
// What a handler is given: who it is, what it may read, and the effects it may put. Effects leave together when the
// handler returns, after their commit (G5), or not at all when it throws.
//
// C1. Reads see this actor's own effects, committed or not. Of what others wrote they see durable data only.
// C2. What others wrote is durable some time before reads show it. What a kind declares that it reads of theirs
//     (`activationReads`, `reads`), the runtime waits for before the turn; what it does not declare may be missing still.
// C3. A context is of use in its turn only: kept longer, it throws a Defect.

import type { Address } from './address.js';
import type { AnyProtocol, AskName, Messages, Protocol } from './protocol.js';
import type { Answer, AskOptions } from './ref.js';
import type { Refusal } from './refusal.js';

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

/** What may be read: whole commits, of others durable ones, and at least all declared that was acknowledged before (C2). */
export interface StoreReads {
  /** One value; of what this actor wrote itself, the newest, even before its commit (C1). */
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

/** What an actor of persistence `keys` may also do: it writes only to the tables and counters that its kind declares. */
export interface OwnStore extends StoreReads {
  put(key: Key, value: unknown): void;
  delete(key: Key): void;
  /** Adds to a counter in the same commit. */
  add(counter: string, delta: number): void;
  /** As `add` for a positive delta, but only while the counter, with everything in flight in every thread, stays <= max. */
  reserve(counter: string, delta: number, max: number): boolean;
}

export interface ActorLog {
  info(message: string, details?: Readonly<Record<string, unknown>>): void;
  warn(message: string, details?: Readonly<Record<string, unknown>>): void;
}

export interface ActivationContext {
  readonly kind: string;
  readonly key: string;
  /** Milliseconds since the epoch, fixed for the turn. */
  readonly now: number;
  readonly store: StoreReads;
}

export interface Context<State = unknown, M extends Messages = Messages> extends ActivationContext {
  /** The actor's own. Change it, or put another one in its place. */
  state: State;
  readonly self: Address;
  /** Who sent the message: undefined when it came from outside of all actors. */
  readonly sender: Address | undefined;
  readonly store: OwnStore;
  /** To the system's log. Not an effect: it is said even if the handler throws. */
  readonly log: ActorLog;
  /** A number in [0, 1): the same for the same system seed, actor, and count of calls since its activation. */
  random(): number;
  /** One event, written in the same commit. `about` is what it is filed under, or null. */
  emit(type: string, about: string | null, data: Readonly<Record<string, unknown>>): void;
  /**
   * What an event that is durable already holds from now on, in the same commit: an event as the log has it, of the same
   * type and about the same. Where the log does not have it any more nothing happens.
   */
  rewriteEvent(seq: number, event: Uint8Array): void;
  tell<N extends Messages, K extends keyof N & string>(
    to: Protocol<N>,
    key: string,
    message: K,
    args: N[K]['args'],
  ): void;
  /**
   * Asks another actor; for handlers that are async. It leaves behind everything that earlier turns of this actor wrote,
   * and before this turn's own effects. Resolves with the answer or the fault; rejects for no expected reason. An ask that
   * comes back to an actor whose turn waits for it is refused at once with ASK_CYCLE.
   */
  ask<N extends Messages, K extends AskName<N>>(
    to: Protocol<N>,
    key: string,
    message: K,
    args: N[K]['args'],
    options?: AskOptions,
  ): Promise<Answer<N[K]['reply']>>;
  /** Keep the current ask open; return LATER. Undefined when the message was a tell. */
  replyHandle(): ReplyHandle | undefined;
  /** Answer an ask kept open. Behind this turn's gate, like every effect. */
  reply(handle: ReplyHandle, answer: unknown | Refusal): void;
  /**
   * Give an ask kept open one more item: it stays open, and `reply` ends it. For messages whose reply is `Streamed`. False
   * when nobody reads it any more. Items that the reader has not taken are PUSHED_AHEAD_MAX (streams.ts) at most: past that
   * the stream ends with OVERLOADED, so let what the reader says pace it.
   */
  push(handle: ReplyHandle, item: unknown): boolean;
  /** Tell oneself after a delay, in memory: an activation's timers die with it. Same name replaces. `control` lane. */
  schedule<K extends keyof M & string>(name: string, delayMs: number, message: K, args: M[K]['args']): void;
  cancel(name: string): void;
  /**
   * Tell oneself at a time, milliseconds since the epoch, whatever dies in between: it is stored in this turn's commit, and
   * removed in the commit of the turn that it began. Same name replaces. Only where the system has a directory.
   */
  remind<K extends keyof M & string>(name: string, at: number, message: K, args: M[K]['args']): void;
  forget(name: string): void;
  /** Be told `message`, with the address and why, when the life in memory of another ends. Dies with this activation. */
  watch<K extends keyof M & string>(to: AnyProtocol, key: string, message: K): void;
  /**
   * The actor ends with this turn: what it keeps of persistence `none` or `state` is gone, timers too, and whoever watches
   * is told. Its next message begins a new life.
   */
  stop(): void;
}
