// Methods that a path does not answer, and paths that are none.

import { BAD, NOT_FOUND, NOT_HTTP, type RefusalCase, WRONG_METHOD } from './case.js';
import type { RefusalWorld } from './world.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND', 'SEARCH'];

/** Written out, so that the router is not asked what it should do. */
const ALLOWED: readonly (readonly [path: string, allow: string])[] = [
  ['/v1/health', 'GET, HEAD, OPTIONS'],
  ['/openapi.json', 'GET, HEAD, OPTIONS'],
  ['/v1/operators', 'POST, OPTIONS'],
  ['/v1/agents/verification-challenge', 'GET, OPTIONS'],
  ['/v1/agents', 'POST, GET, HEAD, OPTIONS'],
  ['/v1/agents/me', 'GET, HEAD, OPTIONS'],
  ['/v1/agents/tab_00000000000000000000', 'DELETE, OPTIONS'],
  ['/v1/agents/tab_00000000000000000000/rotate-token', 'POST, OPTIONS'],
  ['/v1/agents/tab_00000000000000000000/webhook', 'PUT, OPTIONS'],
  ['/v1/registry', 'GET, HEAD, OPTIONS'],
  ['/v1/messages', 'POST, GET, OPTIONS'],
  ['/v1/messages/batch', 'POST, OPTIONS'],
  ['/v1/messages/ack', 'POST, OPTIONS'],
  ['/v1/state', 'GET, HEAD, OPTIONS'],
  ['/v1/state/_capacity', 'GET, HEAD, PUT, DELETE, OPTIONS'],
  ['/v1/state/key', 'GET, HEAD, PUT, DELETE, OPTIONS'],
  ['/v1/state/a/b', 'GET, HEAD, PUT, DELETE, OPTIONS'],
  ['/admin/status', 'GET, HEAD, OPTIONS'],
  ['/observe/events', 'GET, HEAD, OPTIONS'],
  ['/observe/state', 'GET, HEAD, OPTIONS'],
  ['/observe/state/a/b', 'GET, HEAD, OPTIONS'],
  ['/observe/health', 'GET, HEAD, OPTIONS'],
  ['/admin/workers/0/replace', 'POST, OPTIONS'],
];

const NOWHERE = [
  '/',
  '//',
  '/?',
  '/v1',
  '/v1/',
  '/v1//health',
  '//v1/health',
  '/v1/health/',
  '/v1/health//',
  '/v1/./health',
  '/v1/../v1/health',
  '/./v1/health',
  '/v1/%68ealth',
  '/v1%2Fhealth',
  '/%2e%2e/v1/health',
  '/V1/health',
  '/v1/Health',
  '/v1/health%00',
  '/v1/health;a=b',
  '/v1/health.json',
  '/v1/%',
  '/v2/health',
  '/observe',
  '/observe/',
  '/observe/events/',
  '/observe/events/1',
  '/observe/Events',
  '/v1/operators/',
  '/v1/operators/x',
  '/v1/agents/',
  '/v1/agents//',
  '/v1/agents//rotate-token',
  '/v1/agents/me/',
  '/v1/agents/a/b',
  '/v1/agents/a/b/rotate-token',
  '/v1/agents/../registry',
  '/v1/registry/',
  '/v1/messages/',
  '/v1/messages/x',
  '/v1/messages/ack/',
  '/v1/messages//ack',
  '/v1/stateful',
  '/v1/state-',
  '/admin',
  '/admin/',
  '/admin/status/',
  '/admin/workers',
  '/admin/workers//replace',
  '/admin/workers/0',
  '/admin/workers/0/replace/',
  '/admin/workers/0/1/replace',
  '/admin/../admin/status',
  '/openapi.yaml',
  '/favicon.ico',
  '/__proto__',
  '/constructor',
  '/v1/__proto__',
  '/v1/agents/__proto__/constructor',
  `/${'a'.repeat(10_000)}`,
  `/v1/${'a/'.repeat(5_000)}`,
  `/v1/${'../'.repeat(3_000)}etc/passwd`,
  `/v1/${'%2e%2e%2f'.repeat(1_000)}`,
];

/** Needs no token: whoever asks is told the same. */
export function wrongMethods(_world: RefusalWorld): readonly RefusalCase[] {
  return ALLOWED.flatMap(([path, allow]) =>
    METHODS.filter((method) => !allow.split(', ').includes(method)).map((method) => ({
      what: `${method} ${path}`,
      method,
      path,
      told: WRONG_METHOD,
      allow,
    })),
  );
}

export function wrongPaths({ agent }: RefusalWorld): readonly RefusalCase[] {
  const unknown = NOWHERE.flatMap((path) =>
    ['GET', 'POST'].map((method) => ({
      what: `${method} of nowhere, ${path.slice(0, 40)} (${path.length} characters)`,
      method,
      path,
      as: agent.agent_token,
      ...(method === 'POST' && { body: '{}' }),
      told: NOT_FOUND,
    })),
  );
  const options = ['/', '/v1/nothing', '/v1/agents/a/b'].map((path) => ({
    what: `OPTIONS of nowhere, ${path}`,
    method: 'OPTIONS',
    path,
    told: NOT_FOUND,
  }));
  return [...unknown, ...options, ...strangeMethods()];
}

/** Names that no method has, or that only one adapter takes for one (docs/listeners.md). */
function strangeMethods(): readonly RefusalCase[] {
  const path = '/v1/health';
  const unknown = ['FROB', 'GETT', 'G', 'GET1', 'G_T'].map((method) => ({
    what: `method ${method}`,
    method,
    path,
    told: BAD,
  }));
  return [
    ...unknown,
    { what: 'method get', method: 'get', path, told: { uws: [200], node: BAD } },
    { what: 'no method', method: '', path, told: BAD },
    { what: 'a space before the method', method: ' GET', path, told: { uws: NOT_HTTP, node: BAD } },
    { what: 'a method of 10,000 letters', method: 'G'.repeat(10_000), path, told: BAD },
  ];
}
