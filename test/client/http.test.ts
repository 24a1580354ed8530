// Calls over HTTP: that each route has its call, what is sent again and what is not, and what errors say (http-call.ts).

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { HttpClient } from '../../src/client/node.js';
import { type Route, type RouteName, routes } from '../../src/contract/routes.js';
import { BASE, type Say, script } from './http-script.js';
import { failure } from './on-a-script.js';

const DONE: Say = { status: 200, body: { done: true } };
const BUSY: Say = { status: 503, body: { error: 'unavailable', message: 'busy' } };
const COUNTED_OUT: Say = {
  status: 429,
  body: { error: 'rate_limited', message: 'full', detail: 'inbox_full' },
  headers: { 'Retry-After': '1' },
};

/** Back-offs without a random part, and so without a length, but for what the server asks for. */
function withoutBackoff(name: string, run: () => Promise<void>): void {
  test(name, async () => {
    const random = mock.method(Math, 'random', () => 0);
    try {
      await run();
    } finally {
      random.mock.restore();
    }
  });
}

test('has a call for every route, with the method, the token and the headers that it needs', async () => {
  const { http, asked } = script(DONE);
  const [operator, agent, admin] = [http.operator('o'), http.agent('a'), http.admin('m')];
  const calls: Readonly<Record<Exclude<RouteName, 'metrics' | `observe${string}`>, () => Promise<unknown>>> = {
    health: () => http.health(),
    openapi: () => http.openapi(),
    createOperator: () => http.createOperator('hash'),
    challenge: () => operator.challenge(),
    registerAgent: () => operator.registerAgent('id', 'response'),
    listAgents: () => operator.listAgents({ limit: 2, cursor: 'c d' }),
    retireAgent: () => operator.retireAgent('address'),
    rotateToken: () => operator.rotateToken('address'),
    setWebhook: () => operator.setWebhook('address', null),
    me: () => agent.me(),
    registry: () => agent.registry(),
    sendMessage: () => agent.sendMessage('to', 'content'),
    sendBatch: () => agent.sendBatch([{ to: 'to', content: 'content' }]),
    takeMessages: () => agent.takeMessages({ mode: 'lease', lease_s: 3, wait: 4, limit: 5 }),
    ackMessages: () => agent.ackMessages(['id']),
    capacity: () => agent.capacity(),
    listState: () => agent.listState('a&b'),
    getState: () => agent.getState('key'),
    putState: () => agent.putState('key', 'value'),
    deleteState: () => agent.deleteState('key'),
    status: () => admin.status(),
    ceilings: () => admin.ceilings(),
    removeContent: () => admin.removeContent({ key: 'key', reason: 'why' }),
    replaceWorker: () => admin.replaceWorker(0),
  };
  const tokens = { none: null, operator: 'Bearer o', agent: 'Bearer a', admin: 'Bearer m' };
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
    // A page for Prometheus, which reads it by itself; and what is for those who only look.
    if (!(name in calls)) {
      assert.match(name, /^(metrics|observe)/);
      continue;
    }
    await calls[name as keyof typeof calls]();
    const { method, path, headers, body } = asked.at(-1)!;
    const pattern = new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, '[^/]+')}(\\?.*)?$`);
    assert.match(path, pattern, name);
    assert.equal(method, route.method, name);
    assert.equal(headers.get('authorization'), tokens[route.auth], name);
    const writes = method === 'POST' || method === 'PUT';
    assert.equal(headers.has('idempotency-key'), writes, name);
    assert.equal(headers.get('content-type'), body === undefined ? null : 'application/json', name);
    assert.equal(body !== undefined, writes, name);
  }
  const paths = asked.map(({ path }) => path);
  assert.ok(paths.includes('/v1/agents?cursor=c+d&limit=2'));
  assert.ok(paths.includes('/v1/messages?limit=5&mode=lease&lease_s=3&wait=4'));
  assert.ok(paths.includes('/v1/state?prefix=a%26b'));
});

withoutBackoff('sends a write again with the same key until it is done (H1)', async () => {
  const { http, asked } = script('lost', BUSY, { status: 502, text: '<html>' }, DONE);
  await http.agent('token').sendMessage('to', 'content');
  assert.equal(asked.length, 4);
  assert.equal(new Set(asked.map(({ headers }) => headers.get('idempotency-key'))).size, 1);
  await http.agent('token').sendMessage('to', 'content', { idempotencyKey: 'mine' });
  assert.equal(asked.at(-1)?.headers.get('idempotency-key'), 'mine');
});

withoutBackoff('sends what is neither a read nor has a key once, unless it was counted out (H2)', async () => {
  const calls = [
    (http: HttpClient) => http.agent('token').deleteState('key'),
    (http: HttpClient) => http.agent('token').takeMessages(),
    (http: HttpClient) => http.operator('token').retireAgent('address'),
  ];
  for (const call of calls) {
    const lost = script('lost', DONE);
    await failure(call(lost.http), 'outcome_unknown');
    const busy = script(BUSY, DONE);
    await failure(call(busy.http), 'unavailable');
    assert.deepEqual([lost.asked.length, busy.asked.length], [1, 1]);
  }
  const { http, asked } = script(COUNTED_OUT, DONE);
  const askedAt = performance.now();
  await http.agent('token').deleteState('key');
  assert.equal(asked.length, 2);
  assert.ok(performance.now() - askedAt >= 999, 'it waits as long as it is told to');
});

withoutBackoff('reads again, and takes again what is only leased', async () => {
  const reads = [
    (http: HttpClient) => http.agent('token').getState('key'),
    (http: HttpClient) => http.agent('token').takeMessages({ mode: 'lease' }),
  ];
  for (const read of reads) {
    const { http, asked } = script('lost', BUSY, DONE);
    await read(http);
    assert.equal(asked.length, 3);
  }
});

test('hands on a refusal that asks for more time than there is (H3)', async () => {
  const { http, asked } = script(COUNTED_OUT);
  const error = await failure(http.agent('token').sendMessage('to', 'content', { timeoutMs: 500 }), 'rate_limited');
  assert.deepEqual([error.status, error.retryAfterMs, error.detail, error.message], [429, 1000, 'inbox_full', 'full']);
  assert.equal(asked.length, 1);
});

test('ends by its deadline and by its signal', async () => {
  const { http, asked } = script('silent');
  await failure(http.health({ timeoutMs: 20 }), 'timeout');
  const stop = new AbortController();
  const waiting = http.health({ signal: stop.signal });
  stop.abort('enough');
  assert.equal((await failure(waiting, 'aborted')).cause, 'enough');
  await failure(http.health({ signal: stop.signal }), 'aborted');
  assert.equal(asked.length, 2);
});

test('tells refusals, and answers that are none', async () => {
  const missing = script({ status: 404, body: { error: 'not_found', message: 'There is no such key.' } });
  const error = await failure(missing.http.agent('token').getState('key'), 'not_found');
  assert.deepEqual([error.status, error.message, error.retryAfterMs], [404, 'There is no such key.', undefined]);
  await failure(script({ status: 200, text: 'hello' }).http.health(), 'bad_answer');
  await failure(script({ status: 404, text: '<html>' }).http.health(), 'bad_answer');
});

test('puts quotes around etags, and takes them off', async () => {
  const { http, asked } = script({ status: 200, body: { value: 'v' }, headers: { ETag: '"abc"' } });
  const agent = http.agent('token');
  assert.equal((await agent.getState('a/b ü')).etag, 'abc');
  assert.equal(asked.at(-1)?.path, '/v1/state/a%2Fb%20%C3%BC');
  assert.equal((await agent.putState('key', 'v', { ifMatch: 'abc' })).etag, 'abc');
  assert.equal(asked.at(-1)?.headers.get('if-match'), '"abc"');
  await agent.putState('key', 'v', { ifAbsent: true });
  assert.equal(asked.at(-1)?.headers.get('if-none-match'), '*');
  await agent.deleteState('key', { ifMatch: '*' });
  assert.equal(asked.at(-1)?.headers.get('if-match'), '*');
});

test('refuses keys that no URL can carry, and URLs with more in them than a server', async () => {
  const { http } = script(DONE);
  for (const key of ['.', '..']) await failure(http.agent('token').putState(key, 'value'), 'bad_request');
  assert.throws(() => new HttpClient(`${BASE}?token=secret`), { code: 'bad_request' });
});
