// Registry calls: who is here.

import { agentProtocol } from '../../actors/agent/protocol.js';
import type { AgentPage as Page } from '../../actors/operator/protocol.js';
import { timestamp } from '../../clock.js';
import type { AgentPage } from '../../contract/registry.js';
import { askOptions, done, type KernelContext, type Outcome, refused } from './kernel-context.js';
import { cursorOf, type PlaceAndLimit } from './page-cursor.js';

/** Any agent can answer: each caller asks its own, so that no one of them answers everybody. */
export async function listRegistry(
  context: KernelContext,
  agent: string,
  page: PlaceAndLimit,
): Promise<Outcome<AgentPage>> {
  const answer = await context.actors.ask(agentProtocol, agent, 'listRegistry', page, askOptions(context));
  if (!answer.ok) return refused(answer.fault);
  context.reads?.registryRead(agent);
  return done(agentPage(answer.value));
}

export function agentPage(page: Page): AgentPage {
  return {
    agents: page.agents.map(({ address, registeredAt }) => ({ address, registered_at: timestamp(registeredAt) })),
    next_cursor: cursorOf(page.next),
    total: page.total,
  };
}
