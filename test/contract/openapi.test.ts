import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryRoutes } from '../../src/contract/memory-routes.js';
import { openApiDocument } from '../../src/contract/openapi.js';
import { components, routes } from '../../src/contract/routes.js';
import { checker } from '../../src/contract/schema.js';

/** Every row of the contract that agents are given, the WebSocket session left out, and what admins have. */
const CONTRACT = [
  'GET /v1/health',
  'POST /v1/operators',
  'GET /v1/agents/verification-challenge',
  'POST /v1/agents',
  'GET /v1/agents/me',
  'GET /v1/registry',
  'POST /v1/messages',
  'GET /v1/messages',
  'GET /v1/state/{key}',
  'PUT /v1/state/{key}',
  'DELETE /v1/state/{key}',
  'GET /v1/state',
  'GET /v1/state/_capacity',
  'POST /v1/messages/ack',
  'POST /v1/messages/batch',
  'GET /v1/agents',
  'DELETE /v1/agents/{address}',
  'POST /v1/agents/{address}/rotate-token',
  'PUT /v1/agents/{address}/webhook',
  'GET /admin/status',
  'POST /admin/workers/{n}/replace',
  'POST /admin/removals',
  'GET /openapi.json',
  'GET /metrics',
  'GET /admin/ceilings',
  'GET /observe/events',
  'GET /observe/events/sse',
  'GET /observe/state',
  'GET /observe/state/{key}',
  'GET /observe/transparency',
  'GET /observe/health',
  'POST /v1/episodes',
  'POST /v1/episodes/batch',
  'GET /v1/memories/search',
  'GET /v1/timeline',
  'GET /v1/subjects',
  'DELETE /v1/subjects/{subject_id}',
  'GET /v1/version',
  'GET /healthz',
  'GET /health',
  'GET /admin/export/{subject_id}',
  'POST /admin/import',
  'POST /v1/handoff',
  'GET /v1/subjects/{subject_id}/health',
  'GET /v1/subjects/{subject_id}/sla',
  'POST /v1/context',
  'POST /v1/memories/compile',
  'GET /v1/memories/compile/{job_id}',
  'GET /admin/jobs',
  'POST /admin/jobs/reset-stuck',
  'DELETE /admin/jobs/{job_id}',
  'POST /v1/resolutions',
  'GET /v1/resolutions',
  'GET /readyz',
  'GET /ready',
  'GET /admin/usage',
  'GET /admin/tenants',
  'GET /admin/dashboard',
  'GET /observe/agents',
  'GET /observe/agents/{address}',
  'GET /observe/network',
];

type Json = Record<string, unknown>;
const document = JSON.parse(JSON.stringify(openApiDocument('1.2.3'))) as Json & { paths: Record<string, Json> };

function resolve(reference: string): unknown {
  assert.match(reference, /^#\//);
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((value, part) => (value as Json | undefined)?.[part], document);
}

function walk(value: unknown, visit: (object: Json) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) visit(value as Json);
  for (const inner of Object.values(value)) walk(inner, visit);
}

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation: operation as Json })),
);

/** Answers that are no JSON, by operation. */
const NOT_JSON: Readonly<Record<string, string>> = { metrics: 'text/plain', observeEventsSse: 'text/event-stream' };

test('describes every call of the contract and no other', () => {
  const described = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`);
  assert.deepEqual(described.sort(), [...CONTRACT].sort());
});

test('every reference in the document leads somewhere', () => {
  let references = 0;
  walk(document, (object) => {
    if (typeof object.$ref !== 'string') return;
    references++;
    assert.notEqual(resolve(object.$ref), undefined, object.$ref);
  });
  assert.ok(references > 100);
});

test('every operation has an id of its own, a summary, a security and an answer with a schema', () => {
  const ids = new Set<unknown>();
  for (const { operation } of operations) {
    ids.add(operation.operationId);
    assert.equal(typeof operation.summary, 'string');
    assert.ok(Array.isArray(operation.security));
    const responses = operation.responses as Record<string, { description: string; content: Json }>;
    assert.ok(Object.keys(responses).some((status) => status.startsWith('2')));
    for (const [status, response] of Object.entries(responses)) {
      assert.match(status, /^[1-5]\d\d$/);
      assert.notEqual(response.description, '');
      const media = (status === '200' && NOT_JSON[operation.operationId as string]) || 'application/json';
      assert.deepEqual(Object.keys(response.content), [media]);
      const [{ schema }] = Object.values(response.content) as [{ schema: unknown }];
      assert.equal(typeof schema, 'object');
    }
  }
  assert.equal(ids.size, operations.length);
});

test('every parameter in a path is declared, and nothing else as one', () => {
  for (const { path, operation } of operations) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    const declared = (operation.parameters as Json[]).filter((one) => one.in === 'path').map((one) => one.name);
    assert.deepEqual(declared, inPath);
  }
});

test('every call with a token names its scheme, and a counted one its headers', () => {
  for (const route of Object.values(routes)) {
    const operation = document.paths[route.path]?.[route.method.toLowerCase()] as Json;
    assert.deepEqual(operation.security, route.auth === 'none' ? [] : [{ [route.auth]: [] }]);
    const responses = operation.responses as Record<string, { headers: Json }>;
    const success = responses[String(route.status)] as { headers: Json };
    assert.equal('X-RateLimit-Limit' in success.headers, route.auth !== 'none', route.path);
    assert.ok('X-Request-ID' in success.headers);
    if (route.auth !== 'none') assert.ok('401' in responses);
  }
});

test('every schema of the contract compiles', () => {
  for (const schema of Object.values(components)) checker(schema);
  for (const route of Object.values(routes)) checker(route.answer);
  for (const route of Object.values(memoryRoutes)) checker(route.answer);
});
