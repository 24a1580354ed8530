// Webhook
//
// The pushes of an inbox: what a webhook owes is handed to the endpoint, some at a time, and leaves the inbox when the
// endpoint says what became of it.
//
//     owed ── offer ──▶ in the endpoint's hands ── settle: delivered ──▶ delivered (push)
//      ▲                        │    │
//      └──── settle: returned ──┘    └── settle: failed ──▶ available, to those who pull
//
// The truth is here: the rows of the inbox, those of `given_up`, and of `webhook`. Whatever is lost between the two actors,
// or with either, is said again: by the next turn, or by a reminder, which also comes when every process died.
//
// WH1. What becomes of a message is one commit: gone with its event, or marked as given up. Until then it has no other way.
// WH2. While anything is owed, a reminder is set: within REMIND_MS it is looked whether the endpoint has it.
// WH3. The endpoint has at most HANDED_MAX messages, and HANDED_BYTES_MAX of content unless one message alone is more.
// WH4. A live session goes before: what is in the endpoint's hands is called back, and what it sends just now is waited for.

import { timestamp } from '../../clock.js';
import type { EndpointMessages, WebhookRow } from '../endpoint/protocol.js';
import { type Delivery, endpointProtocol } from '../endpoint/protocol.js';
import type { InboxRow } from './inbox.js';
import type { AgentMessages } from './protocol.js';
import type { Alive } from './state.js';
import { type Context, emitDelivered, readRow } from './taking.js';

export const HANDED_MAX = 64;
export const HANDED_BYTES_MAX = 1024 * 1024;
export const REMIND_MS = 5_000;
/** What one turn gives up while the endpoint takes nothing. */
const GIVEN_UP_PER_TURN = 256;
const REMINDER = 'owed';
const NOTHING: readonly never[] = [];

type Outcomes = AgentMessages['settle']['args']['outcomes'];

/** Each delivery is what the endpoint says of it. What it says of others is news of another time. */
export function settle(context: Context, life: Alive, outcomes: Outcomes): void {
  const { inbox } = life;
  for (const { id, kind } of outcomes) {
    const isHanded = inbox.owed.isHanded(id);
    if (isHanded === undefined) continue;
    switch (kind) {
      case 'delivered': {
        const { messageId, bytes } = readRow(context, life, id);
        inbox.delivered(id, bytes);
        context.store.delete(['inbox', context.key, id]);
        emitDelivered(context, messageId, 'push');
        break;
      }
      case 'failed':
        giveUp(context, life, id);
        break;
      case 'returned':
        if (isHanded) inbox.takeBack(id);
        break;
      default:
        kind satisfies never;
    }
  }
  // What came back may be among that which the client of a live session has.
  if (life.session !== undefined) inbox.claim(life.session.claimed);
}

/** The content of a message is another: the endpoint, if it has it, tries that one from now on. */
export function offerAgain(context: Context, { inbox }: Alive, seq: number, row: InboxRow): void {
  if (inbox.owed.isHanded(seq) !== true) return;
  tellEndpoint(context, 'offer', { deliveries: [deliveryOf(context, seq, row)], confirmed: NOTHING });
}

/** What was settled is written down: the endpoint may forget it. */
export function confirm(context: Context, outcomes: Outcomes): void {
  tellEndpoint(context, 'offer', { deliveries: NOTHING, confirmed: outcomes.map(({ id }) => id) });
}

/** A live session goes before (WH4). */
export function disown(context: Context, life: Alive): void {
  life.inbox.disown();
  recall(context, life);
}

/** Nobody else is in the way: what came since the webhook was set is its own. */
export function owe(life: Alive): void {
  if (life.webhook !== undefined && life.session === undefined) life.inbox.owe(life.webhook.from);
}

/** Sets, changes or removes the webhook. What is owed goes to the new URL, or, where there is none, to those who pull. */
export function setWebhook(context: Context, life: Alive, set: AgentMessages['setWebhook']['args']['webhook']): void {
  if (set === null) {
    if (life.webhook === undefined) return;
    forgetWebhook(context, life);
    disown(context, life);
    tellEndpoint(context, 'renewed', null);
  } else {
    const from = life.webhook?.from ?? life.inbox.nextSeq;
    life.record = { ...life.record, hasWebhook: true };
    life.webhook = { from, givesUpUntil: 0 };
    const row: WebhookRow = { ...set, from };
    context.store.put(['webhook', context.key], row);
    owe(life);
    tellEndpoint(context, 'renewed', null);
  }
  context.store.put(['agent', context.key], life.record);
}

/** The agent is no more: so is what its endpoint was to push. */
export function endWebhook(context: Context, life: Alive): void {
  life.inbox.disown();
  if (life.webhook === undefined) return;
  forgetWebhook(context, life);
  tellEndpoint(context, 'end', null);
}

function forgetWebhook(context: Context, life: Alive): void {
  const { hasWebhook: _, ...record } = life.record;
  life.record = record;
  life.webhook = undefined;
  context.store.delete(['webhook', context.key]);
}

/** Some time has passed since something was owed: does the endpoint have it? */
export function lookAfterOwed(context: Context, life: Alive): void {
  life.owedRemindAt = 0; // It has come.
  if (!life.inbox.isOwing) recall(context, life);
  else if (life.inbox.owed.handed > 0) tellEndpoint(context, 'recheck', { ids: life.inbox.owed.handedSeqs });
}

/** Hands to the endpoint what it may have. Called last in every turn on the inbox. */
export function offerOwed(context: Context, life: Alive): void {
  const { inbox, webhook } = life;
  if (inbox.owed.count === 0) return;
  if (webhook !== undefined && context.now < webhook.givesUpUntil) giveUpWaiting(context, life);
  else if (inbox.isOwing) offer(context, life);
  if (inbox.owed.count === 0 || life.owedRemindAt > context.now) return;
  life.owedRemindAt = context.now + REMIND_MS;
  context.remind(REMINDER, life.owedRemindAt, 'owedAgain', null);
}

function offer(context: Context, life: Alive): void {
  const { owed } = life.inbox;
  const deliveries: Delivery[] = [];
  while (owed.handed < HANDED_MAX) {
    const seq = owed.next();
    if (seq === undefined) break;
    const row = readRow(context, life, seq);
    const { bytes } = row;
    if (owed.handed > 0 && owed.handedBytes + bytes > HANDED_BYTES_MAX) break;
    owed.hand(seq, bytes);
    deliveries.push(deliveryOf(context, seq, row));
  }
  if (deliveries.length > 0) tellEndpoint(context, 'offer', { deliveries, confirmed: NOTHING });
}

function deliveryOf({ key: to }: Context, seq: number, row: InboxRow): Delivery {
  const { messageId, from, content, at, bytes, redacted } = row;
  const payload = { message_id: messageId, from, to, content, timestamp: timestamp(at) };
  return { id: seq, lane: from, messageId, payload: redacted === true ? { ...payload, redacted } : payload, bytes };
}

/** The endpoint takes nothing just now, and has said until when: it need not be asked for each. */
function giveUpWaiting(context: Context, life: Alive): void {
  for (let count = 0; count < GIVEN_UP_PER_TURN; count++) {
    const seq = life.inbox.owed.next();
    if (seq === undefined) return;
    giveUp(context, life, seq);
  }
  context.schedule('given up', 0, 'owedAgain', null);
}

function giveUp(context: Context, life: Alive, seq: number): void {
  life.inbox.giveUp(seq);
  context.store.put(['given_up', context.key, seq], null);
}

function recall(context: Context, life: Alive): void {
  const ids = life.inbox.owed.handedSeqs;
  if (ids.length > 0) tellEndpoint(context, 'recall', { ids });
}

function tellEndpoint<K extends keyof EndpointMessages & string>(
  context: Context,
  message: K,
  args: EndpointMessages[K]['args'],
): void {
  context.tell(endpointProtocol, context.key, message, args);
}
