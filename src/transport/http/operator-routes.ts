// Operator routes: becoming an operator, and bringing an agent in.

import { operatorProtocol } from '../../actors/operator/protocol.js';
import { timestamp } from '../../clock.js';
import {
  type AgentRegistered,
  CHALLENGE_ID_BYTES_MAX,
  type Challenge,
  CONTACT_HASH_BYTES_MAX,
  CreateOperator,
  type OperatorCreated,
  RESPONSE_BYTES_MAX,
  RegisterAgent,
} from '../../contract/operator.js';
import { checker } from '../../contract/schema.js';
import { exceedsBytes } from '../../contract/text.js';
import { newAgentAddress, newId } from '../../ids.js';
import { mintToken } from '../gate/token.js';
import { askOptions } from '../kernel/kernel-context.js';
import { agentPage } from '../kernel/registry-calls.js';
import type { Call } from './call.js';
import type { HttpContext } from './http-context.js';
import { isWhole, readJson, readPage } from './request-reader.js';
import type { RouteHandler } from './route-handler.js';
import { answeredBefore, replay, sealFor } from './sealed-answer.js';
import { readWebhook } from './webhook-reader.js';

const createOperatorShape = checker(CreateOperator);
const registerAgentShape = checker(RegisterAgent);

async function createOperator(context: HttpContext, call: Call): Promise<void> {
  const contactHash = readJson(call, createOperatorShape)?.contact_hash;
  if (contactHash === undefined || !isWhole(call, 'contact_hash', contactHash)) return;
  if (exceedsBytes(contactHash, CONTACT_HASH_BYTES_MAX)) {
    return call.badRequest(`contact_hash must have at most ${CONTACT_HASH_BYTES_MAX} bytes`);
  }
  const once = call.idempotency();
  if (await answeredBefore(context, call, 201, once)) return;
  const { token, lookupId } = mintToken('operator');
  const credential = { lookupId, tokenHash: await context.hasher.hashToken(token) };
  const body: OperatorCreated = { operator_id: newId(), api_key: token };
  const args = { contactHash, credential, sealed: sealFor(call, body) };
  const options = askOptions(context, once);
  const answer = await context.actors.ask(operatorProtocol, body.operator_id, 'create', args, options);
  if (!answer.ok) return call.refuse(answer.fault);
  if (answer.replayed) return replay(call, 201, answer.value.sealed);
  call.json(201, body);
}

async function challenge(context: HttpContext, call: Call): Promise<void> {
  const answer = await context.actors.ask(operatorProtocol, call.callerId, 'challenge', null, askOptions(context));
  if (!answer.ok) return call.refuse(answer.fault);
  const { challengeId, type, data, expiresAt } = answer.value;
  const body: Challenge = {
    challenge_id: challengeId,
    challenge_type: type,
    challenge_data: data,
    expires_at: timestamp(expiresAt),
  };
  call.json(200, body);
}

async function registerAgent(context: HttpContext, call: Call): Promise<void> {
  const asked = readRegistration(call);
  if (asked === undefined) return;
  const { webhookUrl, ...response } = asked;
  const once = call.idempotency();
  if (await answeredBefore(context, call, 201, once)) return;
  const webhook = await readWebhook(context, call, webhookUrl);
  if (webhook === undefined) return;
  const { actors } = context;
  const tried = await actors.ask(operatorProtocol, call.callerId, 'tryResponse', response, askOptions(context));
  if (!tried.ok) return call.refuse(tried.fault);
  // Only now: whoever does not pass makes nothing be hashed.
  const { token, lookupId } = mintToken('agent');
  const credential = { lookupId, tokenHash: await context.hasher.hashToken(token) };
  const body: AgentRegistered = {
    agent_address: newAgentAddress(context.rules.addressPrefix),
    agent_token: token,
    ...(webhook !== null && { webhook_secret: webhook.secret }),
  };
  const args = {
    ...response,
    address: body.agent_address,
    order: newId(),
    credential,
    ...(webhook !== null && { webhook }),
    sealed: sealFor(call, body),
  };
  const options = askOptions(context, once);
  const answer = await actors.ask(operatorProtocol, call.callerId, 'register', args, options);
  if (!answer.ok) return call.refuse(answer.fault);
  if (answer.replayed) return replay(call, 201, answer.value.sealed);
  call.json(201, body);
}

interface Registration {
  readonly challengeId: string;
  readonly response: string;
  readonly webhookUrl: string | null;
}

/** What is asked for, or undefined when the call is answered. */
function readRegistration(call: Call): Registration | undefined {
  const body = readJson(call, registerAgentShape);
  if (body === undefined) return undefined;
  const { challenge_id: challengeId, response } = body.verification_response;
  if (exceedsBytes(challengeId, CHALLENGE_ID_BYTES_MAX) || exceedsBytes(response, RESPONSE_BYTES_MAX)) {
    call.badRequest('verification_response is longer than any answer to a challenge');
  } else if (isWhole(call, 'challenge_id', challengeId) && isWhole(call, 'response', response)) {
    return { challengeId, response, webhookUrl: body.webhook_url ?? null };
  }
  return undefined;
}

async function listAgents(context: HttpContext, call: Call): Promise<void> {
  const page = readPage(call);
  if (page === undefined) return;
  const answer = await context.actors.ask(operatorProtocol, call.callerId, 'listAgents', page, askOptions(context));
  if (!answer.ok) return call.refuse(answer.fault);
  call.json(200, agentPage(answer.value));
}

export const operatorRoutes = { createOperator, challenge, registerAgent, listAgents } satisfies Record<
  string,
  RouteHandler
>;
