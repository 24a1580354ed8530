// troupe init
//
// What a newcomer would have to do by hand: an operator, its challenge, an agent, and three calls that work.

import { createHash } from 'node:crypto';
import { userInfo } from 'node:os';
import { solveChallenge } from '../client/challenge-solver.js';
import { type Command, print, readArguments, single, UsageError } from './command.js';

const DEFAULT_URL = 'http://127.0.0.1:8080';
const REQUEST_TIMEOUT_MS = 30_000;

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly token?: string;
  readonly body?: unknown;
}

export const init: Command = async (args) => {
  const given = readArguments(args, ['url', 'contact']);
  const base = readUrl(single(given, 'url') ?? DEFAULT_URL);
  const contactHash = createHash('sha256')
    .update(single(given, 'contact') ?? userInfo().username)
    .digest('hex');

  const operator = await call(base, { method: 'POST', path: '/v1/operators', body: { contact_hash: contactHash } });
  const token = text(operator, 'api_key');
  const challenge = await call(base, { method: 'GET', path: '/v1/agents/verification-challenge', token });
  const response = solveChallenge(text(challenge, 'challenge_type'), challenge.challenge_data);
  const agent = await call(base, {
    method: 'POST',
    path: '/v1/agents',
    token,
    body: { verification_response: { challenge_id: text(challenge, 'challenge_id'), response } },
  });
  const address = text(agent, 'agent_address');
  const agentToken = text(agent, 'agent_token');

  print(`operator ${text(operator, 'operator_id')}`);
  print(`operator token ${token}`);
  print(`agent ${address}`);
  print(`agent token ${agentToken}`);
  print('The tokens are shown only this once: keep them. Three calls to try:');
  print('');
  const auth = `-H 'Authorization: Bearer ${agentToken}'`;
  const json = "-H 'Content-Type: application/json'";
  print(`curl -s -X POST ${base}/v1/messages ${auth} ${json} -d '{"to":"${address}","content":"Hello, me"}'`);
  print(`curl -s ${base}/v1/messages ${auth}`);
  print(`curl -s -X PUT ${base}/v1/state/greeting ${auth} ${json} -d '{"value":"Hello, all"}'`);
  return 0;
};

/** Scheme, host and port; a path would be a misunderstanding. */
function readUrl(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== '/') {
    throw new UsageError(`--url must be like ${DEFAULT_URL}`);
  }
  return url.origin;
}

async function call(base: string, { method, path, token, body }: Call): Promise<Record<string, unknown>> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const response = await fetch(base + path, {
    method,
    headers,
    signal,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(`${base} does not answer (${cause}). Is 'troupe serve' running there?`);
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text(answer, 'message')}`);
  return answer;
}

function text(answer: Record<string, unknown>, member: string): string {
  const value = answer[member];
  if (typeof value !== 'string') throw new Error(`the server's answer has no ${member}: is it a Troupe server?`);
  return value;
}
