// What comes of the turns of a behaviour.

import { Refusal } from '../../src/runtime/actor.js';
import type { ItemOf } from '../../src/runtime/ref.js';
import { plain } from './plain-data.js';

/** How an ask ended, or that it did not end yet. */
export type Outcome<R> =
  | { readonly kind: 'answered'; readonly value: R }
  | { readonly kind: 'refused'; readonly code: string; readonly params: Readonly<Record<string, string | number>> }
  | { readonly kind: 'open'; readonly ask: OpenAsk<R> };

export interface OpenAsk<R> {
  /** Undefined while it waits; `lost` when its activation died. */
  outcome: Exclude<Outcome<R>, { kind: 'open' }> | 'lost' | undefined;
  /** What it was given while it waited, and is committed. */
  readonly items: ItemOf<R>[];
  /** False: its reader has left, in the test's hand. Nothing that is said to it comes anywhere. */
  isRead: boolean;
}

export interface RecordedEvent {
  readonly type: string;
  readonly agent: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A tell to another actor. */
export interface Sent {
  /** Its address. */
  readonly to: string;
  readonly message: string;
  readonly args: unknown;
}

export function outcomeOf(result: unknown): Exclude<Outcome<unknown>, { kind: 'open' }> {
  if (result instanceof Refusal) return { kind: 'refused', code: result.code, params: result.params };
  return { kind: 'answered', value: plain(result) };
}
