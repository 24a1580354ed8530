// Agents that have webhooks, of one operator.

import type { Settings } from './server-process.js';
import type { Agent, Operator, TroupeApi } from './troupe-api.js';

export interface HookedAgent extends Agent {
  readonly webhook_secret: string;
}

/** Receivers of the test's own, and no patience. */
export const IMPATIENT: Settings = {
  'webhooks.allow_private': 'true',
  'webhooks.retry_after_ms': 10,
  'webhooks.timeout_ms': 1_000,
  'webhooks.circuit_open_ms': 60_000,
};

export async function hookedAgent(api: TroupeApi, operator: Operator, url: string): Promise<HookedAgent> {
  const { challenge_id } = await api.challenge(operator);
  const verification_response = { challenge_id, response: 'any' };
  const body = { verification_response, webhook_url: url };
  return api.must(201, { method: 'POST', path: '/v1/agents', as: operator.api_key, body });
}

export interface WebhookSet {
  readonly agent_address: string;
  readonly webhook_url: string | null;
  readonly webhook_secret?: string;
}

export function pointWebhook(
  api: TroupeApi,
  operator: Operator,
  agent: Agent,
  url: string | null,
  status = 200,
): Promise<WebhookSet> {
  const path = `/v1/agents/${agent.agent_address}/webhook`;
  return api.must(status, { method: 'PUT', path, as: operator.api_key, body: { webhook_url: url } });
}
