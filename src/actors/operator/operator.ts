// Operator
//
// Who owns agents: proves that it may have more (challenge, response), and brings them into being.
//
//   nobody ── create ──▶ operator
//   a challenge:  none ── challenge ──▶ open ── right response, register ──▶ spent (the agent exists)
//                                         │ wrong response · expiry · 16 newer ones ──▶ spent
//
// Owns:     the operator's record, its challenges, the birth of an agent (all of an agent's first rows in one commit).
// Does not: hash or check tokens (the gate does), or touch an agent after its birth.
//
// O1. A challenge brings forth at most one agent, also across restarts.
// O2. A response that does not pass spends its challenge. One that passes `tryResponse` leaves it open for `register`.
// O3. At most CHALLENGES_MAX challenges are open; the oldest gives way.
// O4. Only an operator that was created answers; any other key is refused and writes nothing.
// O5. Each accepted create and register emits exactly one event.

import { newId } from '../../ids.js';
import { type Actor, actor, type Handler, type Key, refuse, type Context as TurnContext } from '../../runtime/actor.js';
import type { WebhookRow } from '../endpoint/protocol.js';
import {
  ADMIN,
  type AdminRow,
  AGENTS,
  type AgentEntry,
  type AgentRow,
  type ChallengeResponse,
  OPERATORS,
  type OperatorMessages,
  operatorProtocol,
  type TokenRow,
} from './protocol.js';
import { activateOperator, CHALLENGES_MAX, type OperatorRow, type OperatorState } from './state.js';
import { type Gate, makeChallenge, passes } from './verification.js';

export interface OperatorConfig {
  readonly gate: Gate;
  /** How long a challenge stays open. */
  readonly challengeExpiryMs: number;
}

const MAILBOX = { capacity: 256, bytesMax: 4 * 1024 * 1024 } as const;
/** Roughly what an open challenge holds, its texts included. */
const CHALLENGE_RESIDENT_BYTES = 2048;
const STATE_RESIDENT_BYTES = 256;

type On<K extends keyof OperatorMessages> = Handler<OperatorState, OperatorMessages, K>;
type Context = TurnContext<OperatorState, OperatorMessages>;

const NO_OPERATOR = refuse('UNAUTHORIZED', { who: 'operator' });

export function operatorKind(config: OperatorConfig): Actor<OperatorState, OperatorMessages> {
  return actor({
    protocol: operatorProtocol,
    persistence: 'keys',
    counters: [AGENTS, OPERATORS],
    tables: ['operator', 'challenge', 'token', 'agent', 'owned', 'registry', 'admin', 'webhook'],
    mailbox: MAILBOX,
    state: activateOperator,
    // The addresses of other operators' agents; and its own agents remove their rows when they retire.
    reads: { register: (_key, { address }) => [['agent', address]], listAgents: () => [['owned']] },
    residentBytes: (state) => STATE_RESIDENT_BYTES + state.challenges.size * CHALLENGE_RESIDENT_BYTES,
    messages: { create, challenge: challengeBy(config), tryResponse, register, listAgents, hasAdmin, makeAdmin },
  });
}

const create: On<'create'> = (context, args) => {
  const { state } = context;
  if (state.exists) return refuse('CONFLICT', { reason: 'the operator exists already' });
  const { lookupId, tokenHash } = args.credential;
  const row: OperatorRow = { contactHash: args.contactHash, createdAt: context.now, lookupId };
  const token: TokenRow = { role: 'operator', id: context.key, hash: tokenHash };
  context.store.put(['operator', context.key], row);
  context.store.put(['token', lookupId], token);
  context.store.add(OPERATORS, 1);
  context.emit('operator_created', null, { operator_id: context.key, contact_hash: args.contactHash });
  state.exists = true;
  return { sealed: args.sealed };
};

function challengeBy(config: OperatorConfig): On<'challenge'> {
  return (context) => {
    const { state } = context;
    if (!state.exists) return NO_OPERATOR;
    makeRoom(context, state);
    const challengeId = newId();
    const row = makeChallenge(config.gate, context.now + config.challengeExpiryMs);
    context.store.put(['challenge', context.key, challengeId], row);
    state.challenges.set(challengeId, row);
    return { challengeId, type: row.type, data: row.data, expiresAt: row.expiresAt };
  };
}

const tryResponse: On<'tryResponse'> = (context, args) => {
  const { state } = context;
  if (!state.exists) return NO_OPERATOR;
  return judge(context, state, args) ?? null;
};

const register: On<'register'> = (context, args) => {
  const { state } = context;
  if (!state.exists) return NO_OPERATOR;
  // Before the challenge is judged: a clash of addresses is not the caller's fault and must not cost it the challenge.
  if (context.store.get(['agent', args.address]) !== undefined) {
    return refuse('CONFLICT', { reason: 'the address is taken' });
  }
  const refusal = judge(context, state, args);
  if (refusal !== undefined) return refusal;
  spend(context, state, args.challengeId);

  const { address, order, credential, webhook } = args;
  const row: AgentRow = {
    operatorId: context.key,
    order,
    registeredAt: context.now,
    lookupId: credential.lookupId,
    retiredAt: null,
    ...(webhook !== undefined && { hasWebhook: true }),
  };
  const entry: AgentEntry = { address, registeredAt: context.now };
  const token: TokenRow = { role: 'agent', id: address, hash: credential.tokenHash };
  context.store.put(['agent', address], row);
  context.store.put(['owned', context.key, order], entry);
  context.store.put(['registry', order], entry);
  context.store.put(['token', credential.lookupId], token);
  if (webhook !== undefined) context.store.put(['webhook', address], { ...webhook, from: 1 } satisfies WebhookRow);
  context.store.add(AGENTS, 1);
  const hasWebhook = webhook !== undefined;
  context.emit('agent_registered', address, { address, operator_id: context.key, has_webhook: hasWebhook });
  return { address, sealed: args.sealed };
};

/** Costs a walk over the operator's agents for the total, beside the page. */
const listAgents: On<'listAgents'> = (context, { after, limit }) => {
  const { state } = context;
  if (!state.exists) return NO_OPERATOR;
  const under = ['owned', context.key] as const;
  const rows = context.store.range({ under, limit: limit + 1, ...(after !== null && { after: [...under, after] }) });
  const page = rows.slice(0, limit);
  return {
    agents: page.map((row) => row.value as AgentEntry),
    next: rows.length > limit ? String(page.at(-1)!.key[2]) : null,
    total: context.store.count({ under }),
  };
};

const ADMIN_KEY: Key = ['admin', 'token'];

const hasAdmin: On<'hasAdmin'> = (context) => ({ exists: context.store.get(ADMIN_KEY) !== undefined });

const makeAdmin: On<'makeAdmin'> = (context, { credential }) => {
  if (context.store.get(ADMIN_KEY) !== undefined)
    return refuse('CONFLICT', { reason: 'there is an admin token already' });
  const row: AdminRow = { lookupId: credential.lookupId, createdAt: context.now };
  const token: TokenRow = { role: 'admin', id: ADMIN, hash: credential.tokenHash };
  context.store.put(ADMIN_KEY, row);
  context.store.put(['token', credential.lookupId], token);
  return null;
};

/** The refusal that a response earns, or undefined when it passes. */
function judge(context: Context, state: OperatorState, { challengeId, response }: ChallengeResponse) {
  const challenge = state.challenges.get(challengeId);
  if (challenge === undefined || challenge.expiresAt <= context.now) {
    if (challenge !== undefined) spend(context, state, challengeId);
    return refuse('VERIFICATION_FAILED', { reason: 'the challenge is unknown, spent or expired' });
  }
  if (passes(challenge, response)) return undefined;
  spend(context, state, challengeId);
  return refuse('VERIFICATION_FAILED', { reason: 'the response is wrong' });
}

/** Lets go of what expired, and of the oldest while there are too many. */
function makeRoom(context: Context, state: OperatorState): void {
  for (const [challengeId, { expiresAt }] of state.challenges) {
    if (expiresAt <= context.now) spend(context, state, challengeId);
  }
  for (const challengeId of state.challenges.keys()) {
    if (state.challenges.size < CHALLENGES_MAX) return;
    spend(context, state, challengeId);
  }
}

function spend(context: Context, state: OperatorState, challengeId: string): void {
  state.challenges.delete(challengeId);
  context.store.delete(['challenge', context.key, challengeId]);
}
