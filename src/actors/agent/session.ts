// Session
//
// The live end of an inbox: what is available is pushed to one session, in order, as far as its window lets it.
//
//   none ── attach ──▶ live ── detach ──▶ none
//                      │  ▲
//                      └──┘ attach: the newer takes its place, and the stream of the older ends
//
// S1. One session at a time; while it lives, it is the only way out of the inbox.
// S2. Messages are pushed in the order of their seqs, without exception: a message that is leased holds back all after it,
//     until it is acknowledged or comes back. So does one that the webhook's endpoint is just sending.
// S3. Pushed and not acknowledged are at most `window` messages, and UNACKNOWLEDGED_BYTES_MAX bytes of content unless one
//     message alone is more. So nothing that this actor does can fill a socket which nobody reads.
// S4. What a client says that it has is not pushed again, and stays in the inbox until it is acknowledged.
// S5. A session that ends leaves everything that was not acknowledged where it was: available, at its old place.

import { type Refusal, type ReplyHandle, refuse } from '../../runtime/actor.js';
import { type AgentMessages, agentProtocol, type PushedMessage } from './protocol.js';
import type { Alive, LiveSession } from './state.js';
import { type Context, deleteRows, emitDelivered, messageOf, readRow } from './taking.js';
import { disown, offerOwed, owe } from './webhook.js';

export const UNACKNOWLEDGED_BYTES_MAX = 1024 * 1024;
/** What one acknowledgement takes out in a turn: of what a client claimed there can be more than of what was pushed. */
const SETTLED_PER_TURN = 1_024;
const LEASE_TIMER = 'lease';

/** The session was opened with a token that is not the agent's any more. */
export const TOKEN_REPLACED = refuse('FORBIDDEN', { reason: 'the token of this session was replaced' });

/** The session takes the place of the one before, if there is one. What it may have is pushed at the end of the turn. */
export function attachSession(
  context: Context,
  life: Alive,
  handle: ReplyHandle,
  { session, lastSeq, window }: AgentMessages['attach']['args'],
): void {
  endSession(context, life);
  disown(context, life);
  const { inbox } = life;
  // A client that knows more than was ever pushed counts in another history.
  const resumed = lastSeq !== null && lastSeq <= inbox.pushedSeq;
  const claimed = resumed ? lastSeq : 0;
  life.session = { name: session, handle, window, claimed, pushedTo: claimed };
  inbox.claim(claimed);
  const lowest = Math.min(inbox.peek() ?? Number.POSITIVE_INFINITY, inbox.lowestLeased, inbox.owed.lowestHanded);
  const nextSeq = lowest === Number.POSITIVE_INFINITY ? inbox.nextSeq : Math.max(lowest, claimed + 1);
  context.push(handle, { kind: 'attached', resumed, nextSeq });
}

/** Its stream ends, so, and what it held is available again (S5). Nothing happens when there is none. */
export function endSession(context: Context, life: Alive, reason: Refusal | null = null): void {
  if (life.session === undefined) return;
  context.reply(life.session.handle, reason);
  life.session = undefined;
  life.inbox.unhold();
  owe(life);
}

/** Everything up to `seq` that the client can have leaves the inbox, some at a time. */
export function acknowledgeUpTo(context: Context, life: Alive, session: LiveSession, seq: number): void {
  const { inbox } = life;
  const known = Math.min(seq, session.pushedTo);
  const leaving = inbox.settleUpTo(known, SETTLED_PER_TURN, (seq) => readRow(context, life, seq));
  for (const settled of leaving) {
    deleteRows(context, life, settled.seq);
    if (settled.wasLeased) context.store.delete(['lease', context.key, settled.seq]);
    emitDelivered(context, settled.messageId, 'session');
  }
  if (leaving.length < SETTLED_PER_TURN) return;
  context.tell(agentProtocol, context.key, 'ackUpTo', { session: session.name, seq });
}

/**
 * Pushes what a live session may have, writes down what the turn changed, and sets the timer that it needs. Called last in
 * every turn on the inbox.
 */
export function finish(context: Context, life: Alive): void {
  if (life.session !== undefined) pushAvailable(context, life, life.session);
  offerOwed(context, life);
  const head = life.inbox.headIfChanged();
  if (head !== undefined) context.store.put(['inbox_head', context.key], head);
  // Nobody needs to hear of a lease that ran out, but those who wait: every other turn looks by itself.
  const isAwaited = life.waiters.size > 0 || life.session !== undefined;
  const wanted = isAwaited ? life.inbox.earliestUntil : Number.POSITIVE_INFINITY;
  if (wanted === life.leaseTimerAt) return;
  life.leaseTimerAt = wanted;
  if (wanted === Number.POSITIVE_INFINITY) context.cancel(LEASE_TIMER);
  else context.schedule(LEASE_TIMER, Math.max(0, wanted - context.now), 'leaseOver', null);
}

function pushAvailable(context: Context, life: Alive, session: LiveSession): void {
  const { inbox } = life;
  if (inbox.available === 0) return;
  const isClear = inbox.leased === 0 && inbox.owed.handed === 0;
  const before = isClear ? Number.POSITIVE_INFINITY : Math.min(inbox.lowestLeased, inbox.owed.lowestHanded);
  const messages: PushedMessage[] = [];
  while (inbox.held.pushed < session.window) {
    const seq = inbox.peek();
    if (seq === undefined || seq > before) break;
    const row = readRow(context, life, seq);
    if (inbox.held.pushed > 0 && inbox.held.pushedBytes + row.bytes > UNACKNOWLEDGED_BYTES_MAX) break;
    messages.push({ seq, redelivered: seq <= inbox.pushedSeq, ...messageOf(row) });
    inbox.push(row);
    session.pushedTo = seq;
  }
  if (messages.length === 0) return;
  // Where its reader has left, a detach is on its way: until it comes this is as good as a socket that was cut.
  context.push(session.handle, { kind: 'messages', messages });
}
