// Registry routes: who I am, and who is here.

import { agentProtocol } from '../../actors/agent/protocol.js';
import type { AgentPage as Page } from '../../actors/operator/protocol.js';
import { timestamp } from '../../clock.js';
import type { Agent, AgentPage } from '../../contract/registry.js';
import type { Call } from './call.js';
import { askOptions, type HttpContext } from './http-context.js';
import { cursorOf, readPage } from './request-reader.js';
import type { RouteHandler } from './route-handler.js';

async function me(context: HttpContext, call: Call): Promise<void> {
  const answer = await context.actors.ask(agentProtocol, call.callerId, 'profile', null, askOptions(context));
  if (!answer.ok) return call.refuse(answer.fault);
  const { address, registeredAt } = answer.value;
  const body: Agent = { address, registered_at: timestamp(registeredAt) };
  call.json(200, body);
}

async function registry(context: HttpContext, call: Call): Promise<void> {
  const page = readPage(call);
  if (page === undefined) return;
  const answer = await context.actors.ask(agentProtocol, call.callerId, 'listRegistry', page, askOptions(context));
  if (!answer.ok) return call.refuse(answer.fault);
  call.json(200, agentPage(answer.value));
}

export function agentPage(page: Page): AgentPage {
  return {
    agents: page.agents.map(({ address, registeredAt }) => ({ address, registered_at: timestamp(registeredAt) })),
    next_cursor: cursorOf(page.next),
    total: page.total,
  };
}

export const registryRoutes = { me, registry } satisfies Record<string, RouteHandler>;
