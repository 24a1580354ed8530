// Agent state
//
// What an agent holds in memory, and how it is read from the store. An address that nobody registered, or whose agent
// retired, holds nothing.

import { invariant } from '../../invariant.js';
import type { ActivationContext, Key, ReplyHandle } from '../../runtime/actor.js';
import type { WebhookRow } from '../endpoint/protocol.js';
import type { AgentRow } from '../operator/protocol.js';
import { type HeadRow, Inbox, type LeaseRow } from './inbox.js';
import type { TakeMode } from './protocol.js';

/** Rows read at a time while activating: bounds what one read holds, not the inbox. */
const ACTIVATION_PAGE = 1000;

/** A take that is kept open until a message arrives. */
export interface Waiter {
  readonly handle: ReplyHandle;
  readonly limit: number;
  readonly mode: TakeMode;
}

/** The live end of the inbox (session.ts). */
export interface LiveSession {
  readonly name: string;
  readonly handle: ReplyHandle;
  /** Messages that may be pushed and not acknowledged. */
  readonly window: number;
  /** The client said that it has everything up to here. */
  readonly claimed: number;
  /** What it was pushed in this session goes up to here. */
  pushedTo: number;
}

/** Where messages are pushed to while no session is live (webhook.ts). */
export interface Webhook {
  /** What came in before this seq is left to those who pull. */
  readonly from: number;
  /** Until then the endpoint takes nothing. Milliseconds since the epoch. */
  givesUpUntil: number;
}

export interface Alive {
  readonly kind: 'alive';
  record: AgentRow;
  readonly inbox: Inbox;
  webhook: Webhook | undefined;
  /** When the reminder of what is owed comes; 0 where none is set. */
  owedRemindAt: number;
  session: LiveSession | undefined;
  /** By the caller's name, in the order they came. Only non-empty while nothing is available, or a session is live. */
  waiters: Map<string, Waiter>;
  /** When the timer of the leases is set to fire, or Infinity. */
  leaseTimerAt: number;
}

export type Life = { readonly kind: 'absent' } | Alive | Retired;

export interface Retired {
  readonly kind: 'retired';
  /** `due` when rows of the inbox are left and nobody was told to remove them. */
  readonly purge: 'due' | 'told' | 'done';
  /** The last row that this activation removed, if any. */
  readonly purged: Key | undefined;
}

export interface AgentState {
  life: Life;
}

/** Costs a walk over the inbox's keys and leases, not its contents. */
export function activateAgent(context: ActivationContext): AgentState {
  return { life: readLife(context) };
}

function readLife(context: ActivationContext): Life {
  const record = context.store.get(['agent', context.key]) as AgentRow | undefined;
  if (record === undefined) return ABSENT;
  if (record.retiredAt !== null) {
    return { kind: 'retired', purge: hasRows(context) ? 'due' : 'done', purged: undefined };
  }
  const inbox = readInbox(context);
  const webhook = record.hasWebhook === true ? readWebhook(context) : undefined;
  if (webhook !== undefined) inbox.owe(webhook.from);
  return {
    kind: 'alive',
    record,
    inbox,
    webhook,
    owedRemindAt: 0,
    session: undefined,
    waiters: NO_WAITERS,
    leaseTimerAt: Number.POSITIVE_INFINITY,
  };
}

/** Where a retired agent may still have rows, in the order in which they are removed. */
export const PURGED_TABLES: readonly string[] = ['inbox', 'lease', 'given_up'];

/** Most agents have none, and share this, which nothing is put into. */
export const NO_WAITERS: Map<string, Waiter> = new Map();

const ABSENT: Life = { kind: 'absent' };
const EMPTY_HEAD: HeadRow = { nextSeq: 1, count: 0, bytes: 0 };

function hasRows(context: ActivationContext): boolean {
  return PURGED_TABLES.some((table) => context.store.rangeKeys({ under: [table, context.key], limit: 1 }).length > 0);
}

function readWebhook(context: ActivationContext): Webhook {
  const row = context.store.get(['webhook', context.key]) as WebhookRow | undefined;
  invariant(row !== undefined, () => 'An agent has a webhook, and there is no row of it.');
  return { from: row.from, givesUpUntil: 0 };
}

function readInbox(context: ActivationContext): Inbox {
  const head = (context.store.get(['inbox_head', context.key]) as HeadRow | undefined) ?? EMPTY_HEAD;
  const seqs: number[] = [];
  const leases = new Map<number, LeaseRow>();
  const givenUp: number[] = [];
  if (head.count > 0) {
    readPages(context, 'inbox', (query) => {
      const keys = context.store.rangeKeys(query);
      for (const key of keys) seqs.push(Number(key[2]));
      return keys;
    });
    readPages(context, 'lease', (query) => {
      const rows = context.store.range(query);
      for (const { key, value } of rows) leases.set(Number(key[2]), value as LeaseRow);
      return rows.map((row) => row.key);
    });
    readPages(context, 'given_up', (query) => {
      const keys = context.store.rangeKeys(query);
      for (const key of keys) givenUp.push(Number(key[2]));
      return keys;
    });
  }
  invariant(seqs.length === head.count, () => `An inbox holds ${seqs.length} rows where its head says ${head.count}.`);
  return givenUp.length === 0 ? new Inbox(head, seqs, leases) : new Inbox(head, seqs, leases, new Set(givenUp));
}

/** Calls `read` for page after page of a table of this agent; `read` returns the keys that it was given. */
function readPages(
  context: ActivationContext,
  table: 'inbox' | 'lease' | 'given_up',
  read: (query: { under: Key; limit: number; after?: Key }) => Key[],
): void {
  const under: Key = [table, context.key];
  let keys = read({ under, limit: ACTIVATION_PAGE });
  while (keys.length === ACTIVATION_PAGE) keys = read({ under, limit: ACTIVATION_PAGE, after: keys.at(-1)! });
}
