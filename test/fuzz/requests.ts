// Good requests for every route, as parts that can be put together wrongly.

import type { Random } from './random.js';

export interface FuzzRequest {
  method: string;
  /** Path and query. */
  target: string;
  version: string;
  headers: [name: string, value: string][];
  /** The text of a JSON body; undefined sends none. */
  json: string | undefined;
  /** Sizes of the chunks of a chunked body; undefined counts it. */
  chunks: number[] | undefined;
  /** Added to what Content-Length should say. */
  lengthError: number;
}

/** Whose requests they are. */
export interface Cast {
  readonly operatorToken: string;
  readonly adminToken: string;
  readonly agents: readonly { readonly agent_address: string; readonly agent_token: string }[];
  /** Another operator's. */
  readonly strangerAddress: string;
}

type Make = (random: Random, cast: Cast) => Pick<FuzzRequest, 'method' | 'target'> & { as?: string; json?: unknown };

const KEYS = ['plan', 'a/b', '%C3%A9%20', '%F0%9F%98%80', '..', '__proto__', 'x'.repeat(1024)];
const TEXTS = ['', 'x', 'hello', 'é€\u{1f600}', '\0\u0001', 'x'.repeat(5_000), '"\\/\b\f\n\r\t'];
const NO_WORKER = '9999';

const agent = (random: Random, { agents }: Cast) => random.pick(agents);

const MAKERS: readonly Make[] = [
  () => ({ method: 'GET', target: '/v1/health' }),
  () => ({ method: 'GET', target: '/openapi.json' }),
  (random) => ({ method: 'POST', target: '/v1/operators', json: { contact_hash: `c${random.below(1000)}` } }),
  (_random, cast) => ({ method: 'GET', target: '/v1/agents/verification-challenge', as: cast.operatorToken }),
  (random, cast) => ({
    method: 'POST',
    target: '/v1/agents',
    as: cast.operatorToken,
    json: { verification_response: { challenge_id: `${random.below(1e9)}`, response: random.pick(TEXTS) } },
  }),
  (random, cast) => ({ method: 'GET', target: `/v1/agents?limit=${random.below(20)}`, as: cast.operatorToken }),
  (_random, cast) => ({ method: 'DELETE', target: `/v1/agents/${cast.strangerAddress}`, as: cast.operatorToken }),
  (_random, cast) => ({
    method: 'POST',
    target: `/v1/agents/${cast.strangerAddress}/rotate-token`,
    as: cast.operatorToken,
    json: {},
  }),
  (_random, cast) => ({
    method: 'PUT',
    target: `/v1/agents/${cast.strangerAddress}/webhook`,
    as: cast.operatorToken,
    json: { webhook_url: null },
  }),
  (random, cast) => ({ method: 'GET', target: '/v1/agents/me', as: agent(random, cast).agent_token }),
  (random, cast) => ({ method: 'HEAD', target: '/v1/agents/me', as: agent(random, cast).agent_token }),
  (random, cast) => ({
    method: 'GET',
    target: `/v1/registry?limit=${random.below(5)}&cursor=MDE5`,
    as: agent(random, cast).agent_token,
  }),
  sendMessage,
  sendMessage,
  (random, cast) => ({
    method: 'POST',
    target: '/v1/messages/batch',
    as: agent(random, cast).agent_token,
    json: { messages: Array.from({ length: 1 + random.below(3) }, () => sendMessage(random, cast).json) },
  }),
  (random, cast) => ({
    method: 'GET',
    target: `/v1/messages?limit=${1 + random.below(100)}${random.pick(['', '&mode=lease&lease_s=1', '&wait=0'])}`,
    as: agent(random, cast).agent_token,
  }),
  (random, cast) => ({
    method: 'POST',
    target: '/v1/messages/ack',
    as: agent(random, cast).agent_token,
    json: { message_ids: ['01900000-0000-7000-8000-000000000000', random.pick(TEXTS).slice(0, 10)] },
  }),
  (random, cast) => ({ method: 'GET', target: '/v1/state/_capacity', as: agent(random, cast).agent_token }),
  (random, cast) => ({
    method: 'GET',
    target: `/v1/state?prefix=${random.pick(['', 'p', '%C3', 'a/'])}&limit=${random.below(9)}&cursor=cGxhbg`,
    as: agent(random, cast).agent_token,
  }),
  (random, cast) => ({
    method: 'PUT',
    target: `/v1/state/${random.pick(KEYS)}`,
    as: agent(random, cast).agent_token,
    json: { value: random.pick(TEXTS) },
  }),
  (random, cast) => ({
    method: random.pick(['GET', 'HEAD', 'DELETE']),
    target: `/v1/state/${random.pick(KEYS)}`,
    as: agent(random, cast).agent_token,
  }),
  (_random, cast) => ({ method: 'GET', target: '/admin/status', as: cast.adminToken }),
  (_random, cast) => ({
    method: 'POST',
    target: `/admin/workers/${NO_WORKER}/replace`,
    as: cast.operatorToken,
    json: null,
  }),
  (random) => ({ method: 'OPTIONS', target: random.pick(['/v1/messages', '/v1/state/x', '/v1/health']) }),
];

function sendMessage(random: Random, cast: Cast): ReturnType<Make> {
  const content = random.pick(TEXTS) || 'x';
  const to = agent(random, cast).agent_address;
  return { method: 'POST', target: '/v1/messages', as: agent(random, cast).agent_token, json: { to, content } };
}

/** A good request. `id` is its X-Request-ID, which its answer gives back. */
export function goodRequest(random: Random, cast: Cast, id: string): FuzzRequest {
  const { method, target, as, json } = random.pick(MAKERS)(random, cast);
  const headers: FuzzRequest['headers'] = [
    ['Host', 'x'],
    ['X-Request-ID', id],
  ];
  if (as !== undefined) headers.push(['Authorization', `Bearer ${as}`]);
  if (json !== undefined) headers.push(['Content-Type', 'application/json']);
  if (json !== undefined && random.oneIn(8)) headers.push(['Idempotency-Key', `k${random.below(50)}`]);
  if (method === 'PUT' && random.oneIn(8))
    headers.push(
      random.pick([
        ['If-Match', '*'],
        ['If-None-Match', '*'],
      ]),
    );
  const text = json === undefined ? undefined : JSON.stringify(json);
  const chunks = text !== undefined && random.oneIn(6) ? [random.below(text.length + 1), text.length] : undefined;
  return { method, target, version: 'HTTP/1.1', headers, json: text, chunks, lengthError: 0 };
}

/** The bytes of a request, however wrong it is. A text is sent as UTF-8, the rest a byte for each character. */
export function bytesOf(request: FuzzRequest): Buffer {
  const { method, target, version, headers, json, chunks, lengthError } = request;
  const content = json === undefined ? undefined : Buffer.from(json);
  const all = [...headers];
  if (content !== undefined && chunks !== undefined) all.push(['Transfer-Encoding', 'chunked']);
  else if (content !== undefined) all.push(['Content-Length', String(content.length + lengthError)]);
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = Buffer.from(`${method} ${target} ${version}\r\n${lines}\r\n`, 'latin1');
  if (content === undefined) return head;
  return Buffer.concat([head, ...(chunks === undefined ? [content] : chunked(content, chunks))]);
}

function chunked(content: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const size of [...sizes, content.length]) {
    const piece = content.subarray(at, at + size);
    at += piece.length;
    if (piece.length > 0) pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return [...pieces, Buffer.from('0\r\n\r\n')];
}
