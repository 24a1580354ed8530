import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InFlight } from '../../../src/transport/gate/in-flight.js';
import { UNLIMITED } from '../../../src/transport/gate/window-table.js';
import { ManualClock } from '../../runtime/manual-clock.js';
import { AGENT, AT, AT_TEXT, errorOf, fault, inWorld, OTHER, ok, until, type World } from './http-world.js';

const entry = { key: 'k', value: 'v', etag: 'e1', by: OTHER, at: AT };
const json = { 'content-type': 'application/json' };

async function expectError(response: Response, status: number, error: string): Promise<void> {
  assert.equal(response.status, status);
  const body = await errorOf(response);
  assert.equal(body.error, error);
  assert.equal(typeof body.message, 'string');
  assert.equal(response.headers.get('content-type'), 'application/json');
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  assert.ok(response.headers.get('x-request-id'));
}

test('an unknown path is 404 and a wrong method 405 with Allow, in the shape of every error', () =>
  inWorld({}, async (world) => {
    await expectError(await world.request('/v2/none'), 404, 'not_found');
    const wrong = await world.request('/v1/registry', { method: 'DELETE' });
    assert.equal(wrong.headers.get('allow'), 'GET, HEAD, OPTIONS');
    await expectError(wrong, 405, 'method_not_allowed');
  }));

test('OPTIONS is 204 with Allow and needs no token', () =>
  inWorld({}, async (world) => {
    const response = await world.request('/v1/messages', { method: 'OPTIONS' });
    assert.equal(response.status, 204);
    assert.equal(response.headers.get('allow'), 'POST, GET, OPTIONS');
    assert.ok(response.headers.get('x-request-id'));
  }));

test('every answer has a request id: the client gets its own back, or a new one', () =>
  inWorld({}, async (world) => {
    const own = await world.request('/v1/health', { headers: { 'x-request-id': 'mine-1' } });
    assert.equal(own.headers.get('x-request-id'), 'mine-1');
    const first = (await world.request('/v1/health')).headers.get('x-request-id');
    const second = (await world.request('/v1/health')).headers.get('x-request-id');
    assert.ok(first && second && first !== second);
  }));

test('no token, a broken one, an unknown one and one of another role are 401', () =>
  inWorld({}, async (world) => {
    const { agent, operator } = world.tokens;
    const unknown = `Bearer at_live_${'0'.repeat(64)}`;
    for (const authorization of ['', 'Bearer', `Basic ${agent}`, `Bearer ${agent}x`, unknown, `Bearer ${operator}`]) {
      const response = await world.request('/v1/agents/me', { headers: authorization ? { authorization } : {} });
      assert.equal(response.headers.get('www-authenticate'), 'Bearer');
      assert.equal(response.headers.get('x-ratelimit-limit'), null);
      await expectError(response, 401, 'unauthorized');
    }
    await expectError(await world.request('/v1/agents', { as: 'agent' }), 401, 'unauthorized');
    await expectError(await world.request('/admin/status', { as: 'operator' }), 401, 'unauthorized');
    assert.equal(world.asked.length, 0);
  }));

test('a token is refused before anything else is looked at (D1)', () =>
  inWorld({}, async (world) => {
    const response = await world.request('/v1/messages', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '{',
    });
    await expectError(response, 401, 'unauthorized');
  }));

async function wrongBodies(world: World): Promise<void> {
  const post = (headers: Record<string, string>, body: string | Uint8Array<ArrayBuffer>) =>
    world.request('/v1/messages', { method: 'POST', as: 'agent', headers, body });
  await expectError(await post({ 'content-type': 'text/plain' }, '{}'), 415, 'unsupported_media_type');
  await expectError(await post({ 'content-type': 'application/jsonx' }, '{}'), 415, 'unsupported_media_type');
  await expectError(await post(json, '{"to":'), 400, 'bad_request');
  await expectError(await post(json, ''), 400, 'bad_request');
  await expectError(await post(json, 'null'), 400, 'bad_request');
  await expectError(await post(json, Uint8Array.from([0x22, 0xff, 0x22])), 400, 'bad_request');
  await expectError(await post(json, JSON.stringify('x'.repeat(9000))), 413, 'value_too_large');
}

test('a wrong type, a broken and a too large body are 415, 400 and 413, with a cold token and a warm one', () =>
  inWorld({}, async (world) => {
    await wrongBodies(world);
    await wrongBodies(world);
    assert.equal(world.asked.length, 0);
  }));

test('a body that came while its token was being verified is not lost', () =>
  inWorld({}, async (world) => {
    world.play('agent.deliver', ({ args }) => ok({ messageId: args.messageId, at: AT }));
    const send = () =>
      world.request('/v1/messages', { method: 'POST', as: 'agent', json: { to: OTHER, content: 'hi' } });
    assert.deepEqual(
      await Promise.all([send(), send(), send()].map(async (sent) => (await sent).status)),
      [202, 202, 202],
    );
  }));

test('application/json may have parameters and any case', () =>
  inWorld({}, async (world) => {
    world.play('agent.deliver', () => ok({ messageId: 'm', at: AT }));
    const headers = { 'content-type': 'Application/JSON; charset=utf-8' };
    const sent = await world.request('/v1/messages', {
      method: 'POST',
      as: 'agent',
      headers,
      json: { to: OTHER, content: 'hi' },
    });
    assert.equal(sent.status, 202);
  }));

test('an authenticated answer says where the caller stands, and past the limit when to come back', () =>
  inWorld({ perMinute: { state_read: 2 }, clock: new ManualClock(1_700_000_000_250) }, async (world) => {
    world.play('state.get', () => ok(entry));
    const get = () => world.request('/v1/state/k', { as: 'agent' });
    const first = await get();
    assert.equal(first.headers.get('x-ratelimit-limit'), '2');
    assert.equal(first.headers.get('x-ratelimit-remaining'), '1');
    assert.equal(first.headers.get('x-ratelimit-reset'), '1700000061');
    await get();
    const third = await get();
    assert.equal(third.headers.get('retry-after'), '60');
    assert.equal(third.headers.get('x-ratelimit-remaining'), '0');
    await expectError(third, 429, 'rate_limited');
    assert.equal(world.asked.length, 2);
  }));

test('a call that is not counted says so by the largest limit', () =>
  inWorld({}, async (world) => {
    world.play('operator.listAgents', () => ok({ agents: [], next: null, total: 0 }));
    const response = await world.request('/v1/agents', { as: 'operator' });
    assert.equal(response.headers.get('x-ratelimit-limit'), String(UNLIMITED));
  }));

test('while draining everything but health is 503 with a time to retry', () =>
  inWorld({ draining: () => true }, async (world) => {
    assert.equal((await world.request('/v1/health')).status, 200);
    const refused = await world.request('/v1/state/k', { as: 'agent' });
    assert.equal(refused.headers.get('retry-after'), '1');
    await expectError(refused, 503, 'unavailable');
    await expectError(await world.request('/openapi.json'), 503, 'unavailable');
  }));

test('what a route throws is 500 without a word of it, and in the log with the request id (D2)', () =>
  inWorld({}, async (world) => {
    world.play('state.get', () => Promise.reject(new Error('the secret of the house')));
    const response = await world.request('/v1/state/k', { as: 'agent', headers: { 'x-request-id': 'r-7' } });
    const text = await response.clone().text();
    assert.ok(!text.includes('secret'));
    await expectError(response, 500, 'internal_error');
    const line = world.logged.find((one) => one.includes('request_failed'));
    assert.ok(line?.includes('the secret of the house') && line.includes('"r-7"'));
  }));

test('a fault of an actor is answered by its row in the table', () =>
  inWorld({}, async (world) => {
    world.play('state.get', () => fault('QUARANTINED', { reason: 'tests' }));
    const response = await world.request('/v1/state/k', { as: 'agent' });
    assert.equal(response.headers.get('retry-after'), '30');
    await expectError(response, 503, 'unavailable');
  }));

test('of two requests with one Idempotency-Key the second waits and gets the answer of the first (D3)', () => {
  const inFlight = new InFlight();
  return inWorld({ inFlight }, async (world) => {
    world.play('agent.deliver', async ({ args }) => {
      await until(() => inFlight.count === 2);
      return ok({ messageId: args.messageId, at: AT });
    });
    const headers = { 'idempotency-key': 'once' };
    const json = { to: OTHER, content: 'hi' };
    const send = () => world.request('/v1/messages', { method: 'POST', as: 'agent', headers, json });
    const answers = await Promise.all([send(), send()]);
    const [a, b] = await Promise.all(answers.map((answer) => answer.json()));
    assert.deepEqual(a, b);
    const replayed = answers.filter((answer) => answer.headers.get('idempotency-replayed') === 'true');
    assert.equal(replayed.length, 1);
    assert.equal(inFlight.count, 0);
  });
});

test('an Idempotency-Key that is too long or not visible ASCII is 400, and one with another body 409', () =>
  inWorld({}, async (world) => {
    world.play('agent.deliver', ({ args }) => ok({ messageId: args.messageId, at: AT }));
    const send = (key: string, content = 'hi') =>
      world.request('/v1/messages', {
        method: 'POST',
        as: 'agent',
        headers: { 'idempotency-key': key },
        json: { to: OTHER, content },
      });
    await expectError(await send('x'.repeat(256)), 400, 'bad_request');
    await expectError(await send('two words'), 400, 'bad_request');
    assert.equal((await send('x'.repeat(255))).status, 202);
    await expectError(await send('x'.repeat(255), 'other'), 409, 'conflict');
  }));

test('a request is one line at debug, which holds no token', () =>
  inWorld({}, async (world) => {
    world.play('agent.profile', () => ok({ address: AGENT, registeredAt: AT }));
    const response = await world.request('/v1/agents/me', { as: 'agent' });
    assert.deepEqual(await response.json(), { address: AGENT, registered_at: AT_TEXT });
    await world.request(`/v1/none/${world.tokens.agent}`);
    assert.equal(world.logged.length, 2);
    assert.match(world.logged[0] as string, /"event":"request".*"path":"\/v1\/agents\/me","status":200/);
    assert.ok(!world.logged.join('').includes(world.tokens.agent));
  }));

test('HEAD has the headers of GET and no body', () =>
  inWorld({}, async (world) => {
    world.play('state.get', () => ok(entry));
    const response = await world.request('/v1/state/k', { method: 'HEAD', as: 'agent' });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('etag'), '"e1"');
    assert.equal(await response.text(), '');
  }));
