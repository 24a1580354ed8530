// Agents that an operator registered, in a world of their own.

import assert from 'node:assert/strict';
import { agentKind } from '../../../src/actors/agent/agent.js';
import type { InboxBounds } from '../../../src/actors/agent/delivering.js';
import type { AgentMessages, Message, SessionItem } from '../../../src/actors/agent/protocol.js';
import type { AgentState } from '../../../src/actors/agent/state.js';
import { newOperator, type OperatorDouble, register } from '../operator/operator-fixture.js';
import type { ActorDouble, OpenAsk, World } from '../turn-double.js';

export type AgentDouble = ActorDouble<AgentState, AgentMessages>;

export const ROOMY: InboxBounds = { messagesMax: 10_000, bytesMax: 64 * 1024 * 1024, overflow: 'refuse' };
export const CONSUME = { kind: 'consume' } as const;
export const LEASE_MS = 60_000;
export const LEASE = { kind: 'lease', leaseMs: LEASE_MS } as const;

export function newAgent(bounds: InboxBounds = ROOMY): {
  readonly world: World;
  readonly operator: OperatorDouble;
  readonly agent: AgentDouble;
} {
  const { world, operator } = newOperator();
  return { world, operator, agent: agentOf(world, register(operator, 'a'), bounds) };
}

export function agentOf(world: World, address: string, bounds: InboxBounds = ROOMY): AgentDouble {
  return world.actor(agentKind({ inbox: bounds }), address);
}

export function message(messageId: string, content = `content of ${messageId}`): Message {
  return { messageId, from: 'tab_sender', content, at: 1 };
}

/** The arguments of a take that does not wait, unless told to. */
export function taking(over: Partial<AgentMessages['take']['args']> = {}): AgentMessages['take']['args'] {
  return { limit: 100, mode: CONSUME, waitMs: 0, waiter: 'w', ...over };
}

export function idsOf(page: AgentMessages['take']['reply'] | undefined): string[] {
  return (page?.messages ?? []).map(({ messageId }) => messageId);
}

/** The ids that a take hands over. */
export function taken(agent: AgentDouble, over: Partial<AgentMessages['take']['args']> = {}): string[] {
  return idsOf(agent.answer('take', taking(over)));
}

export function eventTypes(world: World): string[] {
  return world.events.map(({ type }) => type).filter((type) => type.startsWith('message_'));
}

/** Of the token that agents are registered with. */
export const LOOKUP_ID = 'lookup-a';

/** The stream of a session. */
export type Attached = OpenAsk<AgentMessages['attach']['reply']>;

export function attach(agent: AgentDouble, over: Partial<AgentMessages['attach']['args']> = {}): Attached {
  return agent.open('attach', { session: 's1', lookupId: LOOKUP_ID, lastSeq: null, window: 64, ...over });
}

export function ackUpTo(agent: AgentDouble, seq: number, session = 's1'): void {
  agent.answer('ackUpTo', { session, seq });
}

export function deliver(agent: AgentDouble, ...ids: string[]): void {
  for (const id of ids) agent.answer('deliver', message(id));
}

export function first({ items }: Attached): Extract<SessionItem, { kind: 'attached' }> {
  const [item] = items;
  assert.ok(item?.kind === 'attached');
  return item;
}

/** `seq` of each message that was pushed, with `again` behind it when it is said to be a repeat. */
export function pushed({ items }: Attached): string[] {
  const pages = items.slice(1).map((item) => {
    assert.ok(item.kind === 'messages' && item.messages.length > 0);
    return item.messages;
  });
  return pages.flat().map(({ seq, redelivered }) => (redelivered ? `${seq} again` : `${seq}`));
}
