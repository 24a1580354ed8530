// What may be said to an endpoint: where the pushes of one owner go. Key: the owner's; an agent's endpoint has its address.

import { protocol } from '../../runtime/actor.js';

/** Table `webhook`: written by the operator at an agent's birth, and by the agent from then on. */
export interface WebhookRow {
  readonly url: string;
  /** `whsec_` and what signs, in base64. Told once, to the operator; from then on only to the sender. */
  readonly secret: string;
  /** What came into the inbox before this seq is left to those who pull. */
  readonly from: number;
}

/** Table `circuit`, by endpoint. */
export interface CircuitRow {
  /** Deliveries that were given up in a row. */
  readonly failures: number;
  /** Milliseconds since the epoch; null while it was not opened. */
  readonly openUntil: number | null;
}

/** Endpoints whose circuit was opened, and that have not answered well since. */
export const OPEN_CIRCUITS = 'open_circuits';

/** Something to be pushed. */
export interface Delivery {
  /** Names it to its owner. Of one lane the lower leaves first. */
  readonly id: number;
  /** What is in one lane leaves one after the other: what a sender said. */
  readonly lane: string;
  /** Names it to the receiver, in every attempt. */
  readonly messageId: string;
  /** The body, before it is JSON. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** Roughly, of the body. */
  readonly bytes: number;
}

/**
 * `proven`: the last attempt was answered well, and soon. `suspect`: it was not. `unproven`: there was none. What is suspect
 * gets a part of all slots only.
 */
export type Standing = 'proven' | 'unproven' | 'suspect';

/** One try of a delivery, as it is handed to the sender. Without URL and secret: these are read when it begins. */
export interface Attempt {
  readonly endpoint: string;
  readonly id: number;
  /** Counts in this life of the endpoint: names the try. */
  readonly number: number;
  readonly messageId: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly bytes: number;
  readonly standing: Standing;
}

/** How a try ended. */
export type AttemptResult =
  | { readonly kind: 'answered'; readonly status: number; readonly ms: number }
  /** No answer in time, no connection, or an address that is refused. */
  | { readonly kind: 'unanswered'; readonly ms: number }
  /** It did not begin: there was no room. */
  | { readonly kind: 'postponed' }
  /** It did not begin: the owner has no webhook any more. */
  | { readonly kind: 'gone' };

/** What became of a delivery: it was taken, it was given up, or its owner has it back untried or after an end. */
export interface Settled {
  readonly id: number;
  readonly kind: 'delivered' | 'failed' | 'returned';
}

export type EndpointMessages = {
  /**
   * What its owner wants pushed, and which of what was settled it has written down. What is here already is not begun
   * again: what is settled is told again.
   */
  readonly offer: {
    readonly args: { readonly deliveries: readonly Delivery[]; readonly confirmed: readonly number[] };
    readonly reply: null;
  };
  /** The owner wants these back: what is not in flight at once, what is when it has ended. */
  readonly recall: { readonly args: { readonly ids: readonly number[] }; readonly reply: null };
  /** The owner believes that these are here. What is not is told to be returned. */
  readonly recheck: { readonly args: { readonly ids: readonly number[] }; readonly reply: null };
  /** Another URL: what is held against the old one is forgotten. */
  readonly renewed: { readonly args: null; readonly reply: null };
  /** The owner is no more. */
  readonly end: { readonly args: null; readonly reply: null };
  readonly attempted: {
    readonly args: { readonly id: number; readonly number: number; readonly result: AttemptResult };
    readonly reply: null;
  };
  /** To itself: something is due. */
  readonly wake: { readonly args: null; readonly reply: null };
};

export const endpointProtocol = protocol<EndpointMessages>('endpoint', [
  'offer',
  'recall',
  'recheck',
  'renewed',
  'end',
  'attempted',
  'wake',
]);
