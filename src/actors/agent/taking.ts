// Taking
//
// How messages leave an inbox: consumed at once, or leased and acknowledged; now, or by a caller who waits for the
// first. All of it acts within the turn that calls it.
//
// K1. A message leaves once: consumed, or acknowledged while leased. Leaving emits exactly one message_delivered.
// K2. A lease hides a message until it is acknowledged or runs out; then the message is back at its old place.
// K3. Callers wait only while nothing is available; what becomes available serves them in the order they came. While a
//     session is live, nothing is available to them: there is one way out (session.ts). So it is with what a webhook owes.
// K4. A wait that is over, cancelled or refused consumes nothing.
// K5. At most WAITERS_MAX wait; an answer carries at most ANSWER_BYTES_MAX of content, unless one message alone is more.

import { invariant } from '../../invariant.js';
import { type Handler, LATER, type Refusal, refuse, type Context as TurnContext } from '../../runtime/actor.js';
import type { InboxRow, LeaseRow } from './inbox.js';
import type { AgentMessages, Message, TakeMode } from './protocol.js';
import { type AgentState, type Alive, NO_WAITERS } from './state.js';

/** Takes of one agent that may be kept open at once. */
export const WAITERS_MAX = 16;
/** Content bytes of one answer: the largest page of the default limits (100 messages of 64 KiB) passes whole. */
export const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

export type Context = TurnContext<AgentState, AgentMessages>;
export type On<K extends keyof AgentMessages> = Handler<AgentState, AgentMessages, K>;
export type Page = AgentMessages['take']['reply'];

/** The first messages, as many as `limit` and the answer's bound let through. */
export function take(context: Context, life: Alive, args: AgentMessages['take']['args']): Taken {
  if (life.inbox.available > 0 && life.session === undefined) return takeNow(context, life, args.limit, args.mode);
  if (args.waitMs > 0) return wait(context, life, args);
  return emptyPage(life);
}

type Taken = Page | Refusal | typeof LATER;

/** Ends the wait of a caller with an empty answer. Nothing happens when it does not wait. */
export function endWait(context: Context, life: Alive, name: string): void {
  const waiter = life.waiters.get(name);
  if (waiter === undefined) return;
  life.waiters.delete(name);
  context.cancel(waitTimer(name));
  context.reply(waiter.handle, emptyPage(life));
}

/** Refuses every waiting caller: the agent is no more. */
export function refuseWaiters(context: Context, life: Alive): void {
  for (const [name, { handle }] of life.waiters) {
    context.cancel(waitTimer(name));
    context.reply(handle, refuse('UNAUTHORIZED', { who: 'agent' }));
  }
  life.waiters.clear();
}

/** Gives what is available to those who wait, in the order they came. */
export function serveWaiters(context: Context, life: Alive): void {
  if (life.session !== undefined) return;
  for (const [name, { handle, limit, mode }] of life.waiters) {
    if (life.inbox.available === 0) return;
    life.waiters.delete(name);
    context.cancel(waitTimer(name));
    context.reply(handle, takeNow(context, life, limit, mode));
  }
}

/** Makes messages available whose lease ran out. Called first in every turn that looks at the inbox. */
export function releaseLeases(context: Context, life: Alive): void {
  const released = life.inbox.release(context.now);
  if (released.length === 0) return;
  for (const seq of released) context.store.delete(['lease', context.key, seq]);
  // What came back may be among that which the client of a live session has (S4): to nobody else is it available.
  if (life.session === undefined) serveWaiters(context, life);
  else life.inbox.claim(life.session.claimed);
}

export function acknowledge(
  context: Context,
  life: Alive,
  messageIds: readonly string[],
): AgentMessages['ack']['reply'] {
  const unknown: string[] = [];
  for (const messageId of messageIds) {
    const lease = life.inbox.acknowledge(messageId);
    if (lease === undefined) {
      unknown.push(messageId);
      continue;
    }
    deleteRows(context, life, lease.seq);
    context.store.delete(['lease', context.key, lease.seq]);
    emitDelivered(context, messageId, 'pull');
  }
  return { acked: messageIds.length - unknown.length, unknown };
}

/** What is told of a row. */
export function messageOf({ messageId, from, content, at, redacted }: InboxRow): Message {
  return redacted === true ? { messageId, from, content, at, redacted } : { messageId, from, content, at };
}

/** A message leaves the inbox: what is stored of it goes. */
export function deleteRows(context: Context, life: Alive, seq: number): void {
  context.store.delete(['inbox', context.key, seq]);
  if (life.inbox.forgetGivenUp(seq)) context.store.delete(['given_up', context.key, seq]);
}

/** The row of a message that is not leased: from memory, or from the store. */
export function readRow(context: Context, life: Alive, seq: number): InboxRow {
  const row = life.inbox.cached(seq) ?? (context.store.get(['inbox', context.key, seq]) as InboxRow | undefined);
  invariant(row !== undefined, () => `Message ${seq} of an inbox is in its order but not in the store.`);
  return row;
}

function takeNow(context: Context, life: Alive, limit: number, mode: TakeMode): Page {
  const { inbox } = life;
  const messages: Message[] = [];
  let bytes = 0;
  while (messages.length < limit) {
    const seq = inbox.peek();
    if (seq === undefined) break;
    const row = readRow(context, life, seq);
    bytes += row.bytes;
    if (bytes > ANSWER_BYTES_MAX && messages.length > 0) break;
    leave(context, life, seq, row, mode);
    messages.push(messageOf(row));
  }
  return { messages, remaining: inbox.available };
}

/** The first available message leaves, for good or for a while. */
function leave(context: Context, life: Alive, seq: number, row: InboxRow, mode: TakeMode): void {
  switch (mode.kind) {
    case 'consume':
      life.inbox.remove(row);
      deleteRows(context, life, seq);
      emitDelivered(context, row.messageId, 'pull');
      return;
    case 'lease': {
      const until = context.now + mode.leaseMs;
      const lease: LeaseRow = { messageId: row.messageId, until, bytes: row.bytes };
      life.inbox.lease(row, until);
      context.store.put(['lease', context.key, seq], lease);
      return;
    }
    default:
      mode satisfies never;
  }
}

function wait(context: Context, life: Alive, args: AgentMessages['take']['args']): Taken {
  endWait(context, life, args.waiter); // A name that waits again has given up its first wait.
  if (life.waiters.size >= WAITERS_MAX) return refuse('RATE_LIMITED', { what: 'waiting requests' });
  const handle = context.replyHandle();
  if (handle === undefined) return emptyPage(life); // Told, not asked: nobody could be answered.
  if (life.waiters === NO_WAITERS) life.waiters = new Map();
  life.waiters.set(args.waiter, { handle, limit: args.limit, mode: args.mode });
  context.schedule(waitTimer(args.waiter), args.waitMs, 'waitOver', { waiter: args.waiter });
  return LATER;
}

export function emitDelivered(context: Context, messageId: string, method: 'pull' | 'push' | 'session'): void {
  context.emit('message_delivered', context.key, { message_id: messageId, to: context.key, delivery_method: method });
}

function emptyPage(life: Alive): Page {
  return { messages: [], remaining: life.inbox.available };
}

function waitTimer(name: string): string {
  return `wait ${name}`;
}
