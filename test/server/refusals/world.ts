// Who and what the refusal tables speak of: callers of every kind, and ids that are somebody else's, spent or gone.

import { solveChallenge } from '../../../src/client/challenge-solver.js';
import type { Auth } from '../../../src/contract/routes.js';
import type { Stage } from '../on-both-listeners.js';
import type { Agent, Challenge, Operator, TroupeApi } from '../troupe-api.js';

export interface RefusalWorld {
  readonly operator: Operator;
  readonly agent: Agent;
  /** Another operator's. */
  readonly stranger: { readonly operator: Operator; readonly agent: Agent; readonly challenge: SolvedChallenge };
  readonly admin: string;
  /** The operator's own. Its token is no longer good, and neither is its address. */
  readonly retired: Agent;
  /** What was the token of an agent that has another now. */
  readonly rotatedToken: string;
  /** The operator's own, and already turned into an agent. */
  readonly spent: SolvedChallenge;
  /** The operator's own, and already answered wrong. */
  readonly failed: SolvedChallenge;
  /** A key of the shared state that is there. */
  readonly key: string;
}

export interface SolvedChallenge {
  readonly challenge_id: string;
  /** The right answer. */
  readonly response: string;
}

export async function refusalWorld({ api, server }: Stage): Promise<RefusalWorld> {
  const operator = await api.operator();
  const agent = await api.agent(operator);
  const other = await api.operator();
  const retired = await api.agent(operator);
  await api.must(200, { method: 'DELETE', path: `/v1/agents/${retired.agent_address}`, as: operator.api_key });
  const spent = solved(await api.challenge(operator));
  await register(api, operator, spent, 201);
  const failed = solved(await api.challenge(operator));
  await register(api, operator, { ...failed, response: 'wrong' }, 403);
  await api.must(200, { method: 'PUT', path: '/v1/state/there', as: agent.agent_token, body: { value: 'x' } });
  return {
    operator,
    agent,
    stranger: { operator: other, agent: await api.agent(other), challenge: solved(await api.challenge(other)) },
    admin: await server.adminToken(),
    retired,
    rotatedToken: await rotatedToken(api, operator),
    spent,
    failed,
    key: 'there',
  };
}

/** The token that opens the doors of this kind. */
export function tokenFor(world: RefusalWorld, auth: Auth): string | undefined {
  switch (auth) {
    case 'none':
      return undefined;
    case 'operator':
      return world.operator.api_key;
    case 'agent':
      return world.agent.agent_token;
    case 'admin':
      return world.admin;
    default:
      return auth satisfies never;
  }
}

function solved({ challenge_id, challenge_type, challenge_data }: Challenge): SolvedChallenge {
  return { challenge_id, response: solveChallenge(challenge_type, challenge_data) };
}

async function register(api: TroupeApi, by: Operator, answer: SolvedChallenge, status: number): Promise<void> {
  const body = { verification_response: answer };
  await api.must(status, { method: 'POST', path: '/v1/agents', as: by.api_key, body });
}

async function rotatedToken(api: TroupeApi, operator: Operator): Promise<string> {
  const { agent_address, agent_token } = await api.agent(operator);
  const path = `/v1/agents/${agent_address}/rotate-token`;
  await api.must(200, { method: 'POST', path, as: operator.api_key, body: {} });
  return agent_token;
}
