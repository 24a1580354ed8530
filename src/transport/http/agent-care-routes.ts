// Agent care routes: what an operator does with an agent that it has. Another's agent is nobody's: 404.

import { agentProtocol } from '../../actors/agent/protocol.js';
import { type AgentRetired, SetWebhook, type TokenRotated, type WebhookSet } from '../../contract/operator.js';
import { checker } from '../../contract/schema.js';
import { percentDecode } from '../../contract/text.js';
import { mintToken } from '../gate/token.js';
import { isAgentAddress, NO_AGENT } from '../kernel/agent-address.js';
import { askOptions } from '../kernel/kernel-context.js';
import type { Call } from './call.js';
import type { HttpContext } from './http-context.js';
import { readJson, readNothing } from './request-reader.js';
import type { RouteHandler } from './route-handler.js';
import { answeredBefore, replay, revokeToken, sealFor } from './sealed-answer.js';
import { readWebhook } from './webhook-reader.js';

const setWebhookShape = checker(SetWebhook);

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

async function setWebhook(context: HttpContext, call: Call): Promise<void> {
  const address = readAddress(call);
  if (address === undefined) return;
  const asked = readJson(call, setWebhookShape);
  if (asked === undefined) return;
  const once = call.idempotency();
  if (await answeredBefore(context, call, 200, once)) return;
  const webhook = await readWebhook(context, call, asked.webhook_url);
  if (webhook === undefined) return;
  const body: WebhookSet = {
    agent_address: address,
    webhook_url: webhook?.url ?? null,
    ...(webhook !== null && { webhook_secret: webhook.secret }),
  };
  const args = { operatorId: call.callerId, webhook, sealed: sealFor(call, body) };
  const answer = await context.actors.ask(agentProtocol, address, 'setWebhook', args, askOptions(context, once));
  if (!answer.ok) return call.refuse(answer.fault);
  if (answer.replayed) return replay(call, 200, answer.value.sealed);
  call.json(200, body);
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
