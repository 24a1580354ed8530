// Registry routes: who I am, and who is here.

import { agentProtocol } from '../../actors/agent/protocol.js';
import { timestamp } from '../../clock.js';
import type { Agent } from '../../contract/registry.js';
import { askOptions } from '../kernel/kernel-context.js';
import { listRegistry } from '../kernel/registry-calls.js';
import type { Call } from './call.js';
import type { HttpContext } from './http-context.js';
import { readPage } from './request-reader.js';
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
  if (page !== undefined) call.settle(200, await listRegistry(context, call.callerId, page));
}

export const registryRoutes = { me, registry } satisfies Record<string, RouteHandler>;
