// Retirement
//
// The end of an agent, and the change of its token: what its operator alone may ask for.
//
// R1. Anyone but the agent's own operator is told that there is no such agent.
// R2. Retiring removes the token, the listings and the head in one commit; the record stays, so that the address is
//     never given again.
// R3. The inbox of a retired agent is emptied in slices of at most PURGE_ROWS rows, each in a turn of its own, behind
//     the gate of the one before. What a crash leaves, the next envelope to the address takes up.

import { refuse } from '../../runtime/actor.js';
import { AGENTS, type AgentRow, type TokenRow } from '../operator/protocol.js';
import { type AgentMessages, agentProtocol } from './protocol.js';
import { endSession, finish, TOKEN_REPLACED } from './session.js';
import { type Alive, PURGED_TABLES } from './state.js';
import { type Context, type On, refuseWaiters } from './taking.js';
import { endWebhook } from './webhook.js';

/** Rows that one turn removes. */
export const PURGE_ROWS = 500;

const NO_AGENT = refuse('NOT_FOUND', { what: 'agent' });

export function retireAgent(
  context: Context,
  life: Alive,
  operatorId: string,
): AgentMessages['retire']['reply'] | typeof NO_AGENT {
  if (life.record.operatorId !== operatorId) return NO_AGENT;
  endWebhook(context, life);
  const { record } = life;
  refuseWaiters(context, life);
  if (life.session !== undefined) context.reply(life.session.handle, refuse('UNAUTHORIZED', { who: 'agent' }));
  life.session = undefined;
  finish(context, life);
  const row: AgentRow = { ...record, retiredAt: context.now };
  context.store.put(['agent', context.key], row);
  context.store.delete(['token', record.lookupId]);
  context.store.delete(['owned', operatorId, record.order]);
  context.store.delete(['registry', record.order]);
  context.store.delete(['inbox_head', context.key]);
  context.store.add(AGENTS, -1);
  context.emit('agent_retired', context.key, { address: context.key });
  context.state.life = { kind: 'retired', purge: life.inbox.count > 0 ? 'due' : 'done', purged: undefined };
  continuePurge(context);
  return { revokedLookupId: record.lookupId };
}

/** The old token stops with this commit. Whose it is did not change, so that nothing observable happened: no event. */
export function rotateAgentToken(
  context: Context,
  life: Alive,
  { operatorId, credential, sealed }: AgentMessages['rotateToken']['args'],
): AgentMessages['rotateToken']['reply'] | typeof NO_AGENT {
  const { record } = life;
  if (record.operatorId !== operatorId) return NO_AGENT;
  const token: TokenRow = { role: 'agent', id: context.key, hash: credential.tokenHash };
  life.record = { ...record, lookupId: credential.lookupId };
  endSession(context, life, TOKEN_REPLACED);
  context.store.delete(['token', record.lookupId]);
  context.store.put(['token', credential.lookupId], token);
  context.store.put(['agent', context.key], life.record);
  return { revokedLookupId: record.lookupId, sealed };
}

/** Sees to it that a retired inbox which holds rows is being emptied. */
export function continuePurge(context: Context): void {
  const { state } = context;
  if (state.life.kind !== 'retired' || state.life.purge !== 'due') return;
  context.tell(agentProtocol, context.key, 'purge', null);
  state.life = { ...state.life, purge: 'told' };
}

export const purge: On<'purge'> = (context) => {
  const { state } = context;
  if (state.life.kind !== 'retired') return null;
  let left = PURGE_ROWS;
  let { purged } = state.life;
  // What was removed lately may still be in the tables: it is passed by, not read again.
  const from = purged === undefined ? 0 : PURGED_TABLES.indexOf(purged[0]);
  for (const table of PURGED_TABLES.slice(from)) {
    if (left === 0) break;
    const query = { under: [table, context.key], limit: left } as const;
    const keys = context.store.rangeKeys(purged?.[0] === table ? { ...query, after: purged } : query);
    for (const key of keys) context.store.delete(key);
    left -= keys.length;
    purged = keys.at(-1) ?? purged;
  }
  state.life = { kind: 'retired', purge: left === 0 ? 'due' : 'done', purged };
  continuePurge(context);
  return null;
};
