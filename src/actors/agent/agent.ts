// Agent
//
// An address with a durable inbox. One ordered machine: a message to it, a take from it and its end never overlap.
//
//   absent ── register (the operator's) ──▶ alive ── retire ──▶ retired, emptying ── purge … ──▶ retired
//
//   a message in it:
//              deliver                    take, consume
//   (sender) ──────────▶ available ─────────────────────────▶ delivered
//                         │  ▲   │ take, lease                    ▲ ack
//              drop_oldest│  │   └──────────────▶ leased ─────────┘
//                         ▼  └───── the lease runs out ──┘
//                      dropped
//
//   while a session is live, in the place of take:
//              push                      ackUpTo
//   available ────────▶ held by it ─────────────────▶ delivered
//       ▲                   │
//       └─── it detaches, or another session attaches
//
// Owns:     the record from its birth on, inbox, leases, waiting takes, the live session, its token's index entry.
// Does not: hash tokens, choose addresses, or know how a message reached the front door.
//
// A1. Accepted messages of one sender leave in the order they were delivered, unless a lease brings one back later. To a
//     session they are pushed in that order always: what is leased holds back what came after it.
// A2. Every accepted action is one event in its commit; a refused one is none.
// A3. What the store holds and what memory holds agree after every turn: activating again at any point changes
//     nothing but who waits.
// A4. An absent or retired address keeps nothing in memory. An absent one is looked up for every message: it may have been
//     registered since.

import { type Actor, actor, LATER, refuse } from '../../runtime/actor.js';
import { AGENTS, type AgentEntry } from '../operator/protocol.js';
import { REMOVAL_TABLES } from '../removal/protocol.js';
import { append, type InboxBounds } from './delivering.js';
import { type AgentMessages, agentProtocol } from './protocol.js';
import { remove } from './removing.js';
import { continuePurge, purge, retireAgent, rotateAgentToken } from './retirement.js';
import { acknowledgeUpTo, attachSession, endSession, finish, TOKEN_REPLACED } from './session.js';
import { type AgentState, type Alive, activateAgent } from './state.js';
import { acknowledge, type Context, endWait, type On, releaseLeases, serveWaiters, take } from './taking.js';
import { setWebhook as changeWebhook, confirm, lookAfterOwed, settle as settleOwed } from './webhook.js';

export interface AgentConfig {
  readonly inbox: InboxBounds;
}

const MAILBOX = { capacity: 1024, bytesMax: 4 * 1024 * 1024 } as const;
const WAITER_RESIDENT_BYTES = 512;
const RECORD_RESIDENT_BYTES = 512;

const TOLD = refuse('BAD_REQUEST', { reason: 'a session asks, and does not tell' });
const NO_AGENT = refuse('NOT_FOUND', { what: 'agent' });
/** The caller is, or was, the agent itself: it got past the gate while its token was being revoked. */
const NOT_ALIVE = refuse('UNAUTHORIZED', { who: 'agent' });

export function agentKind(config: AgentConfig): Actor<AgentState, AgentMessages> {
  return actor({
    protocol: agentProtocol,
    persistence: 'keys',
    counters: [AGENTS],
    tables: [
      'agent',
      'given_up',
      'inbox',
      'inbox_head',
      'lease',
      'owned',
      'registry',
      'token',
      'webhook',
      ...REMOVAL_TABLES,
    ],
    mailbox: MAILBOX,
    // Born by its operator; all other rows of its own it writes itself.
    activationReads: (key) => [
      ['agent', key],
      ['webhook', key],
    ],
    state: activateAgent,
    reads: { listRegistry: () => [['registry']] },
    isBlank: ({ life }) => life.kind === 'absent',
    residentBytes,
    mayPassivate: ({ life }) => life.kind !== 'alive' || isAtRest(life),
    messages: {
      deliver: deliverWithin(config.inbox),
      take: takeMessages,
      cancelTake: stopWaiting,
      ack,
      attach,
      detach,
      ackUpTo,
      profile,
      listRegistry,
      retire,
      rotateToken,
      remove,
      waitOver: stopWaiting,
      leaseOver,
      purge,
      setWebhook,
      settle,
      owedAgain,
    },
  });
}

function deliverWithin(bounds: InboxBounds): On<'deliver'> {
  return (context, message) => {
    const life = lifeOf(context);
    if (life === undefined) return NO_AGENT;
    releaseLeases(context, life);
    const answer = append(context, life, bounds, message);
    if (life.waiters.size > 0) serveWaiters(context, life);
    finish(context, life);
    return answer;
  };
}

const takeMessages: On<'take'> = (context, args) => {
  const life = lifeOf(context);
  if (life === undefined) return NOT_ALIVE;
  releaseLeases(context, life);
  const answer = take(context, life, args);
  finish(context, life);
  return answer;
};

const ack: On<'ack'> = (context, { messageIds }) => {
  const life = lifeOf(context);
  if (life === undefined) return NOT_ALIVE;
  releaseLeases(context, life);
  const answer = acknowledge(context, life, messageIds);
  finish(context, life);
  return answer;
};

const stopWaiting: On<'cancelTake' | 'waitOver'> = (context, { waiter }) => {
  const life = lifeOf(context);
  if (life === undefined) return null;
  endWait(context, life, waiter);
  finish(context, life);
  return null;
};

const leaseOver: On<'leaseOver'> = (context) => {
  const life = lifeOf(context);
  if (life === undefined) return null;
  life.leaseTimerAt = Number.POSITIVE_INFINITY; // It has fired.
  releaseLeases(context, life);
  finish(context, life);
  return null;
};

const attach: On<'attach'> = (context, args) => {
  const life = lifeOf(context);
  if (life === undefined) return NOT_ALIVE;
  const handle = context.replyHandle();
  if (handle === undefined) return TOLD;
  if (args.lookupId !== life.record.lookupId) return TOKEN_REPLACED;
  releaseLeases(context, life);
  attachSession(context, life, handle, args);
  finish(context, life);
  return LATER;
};

const detach: On<'detach'> = (context, { session }) => {
  const life = lifeOf(context);
  if (life?.session?.name !== session) return null;
  endSession(context, life);
  releaseLeases(context, life);
  serveWaiters(context, life);
  finish(context, life);
  return null;
};

const ackUpTo: On<'ackUpTo'> = (context, { session, seq }) => {
  const life = lifeOf(context);
  if (life?.session?.name !== session) return null;
  releaseLeases(context, life);
  acknowledgeUpTo(context, life, life.session, seq);
  finish(context, life);
  return null;
};

const profile: On<'profile'> = (context) => {
  const life = lifeOf(context);
  if (life === undefined) return NOT_ALIVE;
  return { address: context.key, registeredAt: life.record.registeredAt };
};

const listRegistry: On<'listRegistry'> = (context, { after, limit }) => {
  if (lifeOf(context) === undefined) return NOT_ALIVE;
  const rows = context.store.range({
    under: ['registry'],
    limit: limit + 1,
    ...(after !== null && { after: ['registry', after] }),
  });
  const page = rows.slice(0, limit);
  return {
    agents: page.map((row) => row.value as AgentEntry),
    next: rows.length > limit ? String(page.at(-1)!.key[1]) : null,
    total: context.store.counter(AGENTS),
  };
};

const retire: On<'retire'> = (context, { operatorId }) => {
  const life = lifeOf(context);
  return life === undefined ? NO_AGENT : retireAgent(context, life, operatorId);
};

const rotateToken: On<'rotateToken'> = (context, args) => {
  const life = lifeOf(context);
  if (life === undefined) return NO_AGENT;
  const answer = rotateAgentToken(context, life, args);
  releaseLeases(context, life);
  serveWaiters(context, life);
  finish(context, life);
  return answer;
};

const setWebhook: On<'setWebhook'> = (context, { operatorId, webhook, sealed }) => {
  const life = lifeOf(context);
  if (life === undefined || life.record.operatorId !== operatorId) return NO_AGENT;
  changeWebhook(context, life, webhook);
  releaseLeases(context, life);
  serveWaiters(context, life);
  finish(context, life);
  return { sealed };
};

const settle: On<'settle'> = (context, { outcomes, openUntil }) => {
  const life = lifeOf(context);
  confirm(context, outcomes);
  if (life === undefined) return null;
  releaseLeases(context, life);
  settleOwed(context, life, outcomes);
  if (life.webhook !== undefined) life.webhook.givesUpUntil = openUntil ?? 0;
  serveWaiters(context, life);
  finish(context, life);
  return null;
};

const owedAgain: On<'owedAgain'> = (context) => {
  const life = lifeOf(context);
  if (life === undefined) return null;
  releaseLeases(context, life);
  lookAfterOwed(context, life);
  finish(context, life);
  return null;
};

/** Nobody waits for it, and nobody else has something of it in hand. */
function isAtRest({ waiters, session, inbox }: Alive): boolean {
  return waiters.size === 0 && session === undefined && inbox.owed.handed === 0;
}

/** The agent, if it lives. */
function lifeOf(context: Context): Alive | undefined {
  const { state } = context;
  if (state.life.kind === 'retired') continuePurge(context);
  return state.life.kind === 'alive' ? state.life : undefined;
}

function residentBytes({ life }: AgentState): number {
  if (life.kind !== 'alive') return 0;
  return RECORD_RESIDENT_BYTES + life.inbox.residentBytes + life.waiters.size * WAITER_RESIDENT_BYTES;
}
