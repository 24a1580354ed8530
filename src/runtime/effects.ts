// Effects
//
// What a turn puts beside its writes, until the shard takes it over or drops it.

import type { Envelope } from './envelope.js';
import type { Durability, Idempotency } from './ref.js';

export interface CounterEffect {
  readonly counter: number;
  readonly delta: number;
  readonly reserved: boolean;
}

/** Something said to an actor: a tell, or an ask when it has a correlation. */
export interface Saying {
  readonly kind: 'saying';
  /** The recipient's kind, as its place in the system. */
  readonly to: number;
  readonly slot: number;
  readonly key: string;
  readonly message: number;
  /** Set when it leaves the thread: what the actor does to `args` later is not sent. */
  readonly payload: Uint8Array | undefined;
  readonly args: unknown;
  /** 1 + the sender's kind. */
  readonly senderKind: number;
  readonly senderKey: string;
  readonly ask: AskEffect | undefined;
}

export interface AskEffect {
  readonly correlation: number;
  readonly durability: Durability;
  readonly idempotency: Idempotency | undefined;
  /** Addresses of those whose turns wait for it, the asker last; undefined for a watch, for which none does. */
  readonly chain: readonly string[] | undefined;
}

export interface ReplyEffect {
  readonly to: Envelope;
  readonly answer: unknown;
  /** It is one item, and the ask stays open. */
  readonly more: boolean;
}

export type TimerEffect =
  | {
      readonly kind: 'set';
      readonly name: string;
      readonly delayMs: number;
      readonly message: number;
      readonly payload: Uint8Array | undefined;
      readonly args: unknown;
    }
  | { readonly kind: 'cancel'; readonly name: string };

/** A reminder that this turn's commit sets, or with `at` undefined removes. */
export interface ReminderEffect {
  readonly name: string;
  readonly at: number | undefined;
  readonly message: number;
  readonly payload: Uint8Array;
}
