// Agent care routes: what an operator does with an agent that it has. Another's agent is nobody's: 404.

import { agentProtocol } from '../../actors/agent/protocol.js';
import type { AgentRetired, AgentRegistered as TokenRotated } from '../../contract/operator.js';
import { percentDecode } from '../../contract/text.js';
import { mintToken } from '../gate/token.js';
import { isAgentAddress, NO_AGENT } from '../kernel/agent-address.js';
import { askOptions } from '../kernel/kernel-context.js';
import type { Call } from './call.js';
import type { HttpContext } from './http-context.js';
import { NO_WEBHOOKS } from './operator-routes.js';
import { readNothing } from './request-reader.js';
import type { RouteHandler } from './route-handler.js';
import { answeredBefore, replay, revokeToken, sealFor } from './sealed-answer.js';

async function retireAgent(context: HttpContext, call: Call): Promise<void> {
  const address = readAddress(call);
  if (address === undefined) return;
  const args = { operatorId: call.callerId };
  const answer = await context.actors.ask(agentProtocol, address, 'retire', args, askOptions(context));
  if (!answer.ok) return call.refuse(answer.fault);
  context.authenticator.revoke(answer.value.revokedLookupId);
  context.endSessions(answer.value.revokedLookupId, 'retired');
  const body: AgentRetired = { address, retired: true };
  call.json(200, body);
}

async function rotateToken(context: HttpContext, call: Call): Promise<void> {
  const address = readAddress(call);
  if (address === undefined || !readNothing(call)) return;
  const once = call.idempotency();
  if (await answeredBefore(context, call, 200, once)) return;
  const { token, lookupId } = mintToken('agent');
  const credential = { lookupId, tokenHash: await context.hasher.hashToken(token) };
  const body: TokenRotated = { agent_address: address, agent_token: token };
  const args = { operatorId: call.callerId, credential, sealed: sealFor(call, body) };
  const answer = await context.actors.ask(agentProtocol, address, 'rotateToken', args, askOptions(context, once));
  if (!answer.ok) return call.refuse(answer.fault);
  revokeToken(context, answer.value.revokedLookupId);
  if (answer.replayed) return replay(call, 200, answer.value.sealed);
  call.json(200, body);
}

/** Whoever asks, and for whichever agent: there is nothing to point anywhere yet. */
function setWebhook(_context: HttpContext, call: Call): void {
  if (readNothing(call)) call.badRequest(NO_WEBHOOKS);
}

/** The address in the path, or undefined when the call is answered. */
function readAddress(call: Call): string | undefined {
  const address = percentDecode(call.param);
  if (address === undefined) call.badRequest('the address has a malformed % escape');
  else if (isAgentAddress(address)) return address;
  else call.refuse(NO_AGENT);
  return undefined;
}

export const agentCareRoutes = { retireAgent, rotateToken, setWebhook } satisfies Record<string, RouteHandler>;
