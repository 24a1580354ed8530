import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { AGENT, type Asked, AT, AT_TEXT, errorOf, fault, inWorld, OTHER, ok, until, type World } from './http-world.js';

const delivered = ({ args }: Asked) => ok({ messageId: args.messageId, at: AT });
const emptyPage = ok({ messages: [], remaining: 0 });

function send(world: World, json: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return world.request('/v1/messages', { method: 'POST', as: 'agent', json, headers });
}

function batch(world: World, messages: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return world.request('/v1/messages/batch', { method: 'POST', as: 'agent', json: { messages }, headers });
}

test('a message is delivered to its recipient and answered with its id and time', () =>
  inWorld({}, async (world) => {
    world.play('agent.deliver', delivered);
    const response = await send(world, { to: OTHER, content: 'héllo', colour: 'ignored' });
    assert.equal(response.status, 202);
    const [asked] = world.asked;
    assert.equal(asked?.key, OTHER);
    assert.equal(asked?.args.from, AGENT);
    assert.equal(asked?.args.content, 'héllo');
    assert.equal(asked?.options.durability, 'durable');
    assert.deepEqual(await response.json(), {
      message_id: asked?.args.messageId,
      from: AGENT,
      to: OTHER,
      timestamp: AT_TEXT,
    });
  }));

test('a content is bounded in bytes, not in characters', () =>
  inWorld({}, async (world) => {
    world.play('agent.deliver', delivered);
    assert.equal((await send(world, { to: OTHER, content: 'é'.repeat(50) })).status, 202);
    assert.equal((await send(world, { to: OTHER, content: `${'é'.repeat(50)}x` })).status, 413);
    assert.equal((await send(world, { to: OTHER, content: 'x'.repeat(101) })).status, 413);
    assert.equal((await send(world, { to: OTHER, content: '' })).status, 400);
    assert.equal((await send(world, { to: OTHER, content: 'a\ud800b' })).status, 400);
    assert.equal(world.asked.length, 1);
  }));

test('what can be no address is 404, and no actor hears of it', () =>
  inWorld({}, async (world) => {
    for (const to of ['', 'x'.repeat(65), 'tab_A', '../../x', 'a b', '\ud800']) {
      assert.equal((await send(world, { to, content: 'x' })).status, 404, to);
    }
    assert.equal(world.asked.length, 0);
  }));

test('a full inbox is 429 with its detail and a time to retry', () =>
  inWorld({}, async (world) => {
    world.play('agent.deliver', () => fault('INBOX_FULL'));
    const response = await send(world, { to: OTHER, content: 'x' });
    assert.equal(response.status, 429);
    assert.equal(response.headers.get('retry-after'), '1');
    const { error, detail } = await errorOf(response);
    assert.deepEqual([error, detail], ['rate_limited', 'inbox_full']);
  }));

const takes: readonly (readonly [query: string, args: Record<string, unknown>])[] = [
  ['', { limit: 50, mode: { kind: 'consume' }, waitMs: 0 }],
  ['?limit=100', { limit: 100, mode: { kind: 'consume' }, waitMs: 0 }],
  ['?limit=101', { limit: 50, mode: { kind: 'consume' }, waitMs: 0 }],
  ['?limit=many&lease_s=5', { limit: 50, mode: { kind: 'consume' }, waitMs: 0 }],
  ['?mode=lease', { limit: 50, mode: { kind: 'lease', leaseMs: 60_000 }, waitMs: 0 }],
  ['?mode=lease&lease_s=3600', { limit: 50, mode: { kind: 'lease', leaseMs: 3_600_000 }, waitMs: 0 }],
  ['?mode=lease&lease_s=3601', { limit: 50, mode: { kind: 'lease', leaseMs: 60_000 }, waitMs: 0 }],
  ['?wait=30&mode=consume', { limit: 50, mode: { kind: 'consume' }, waitMs: 30_000 }],
  ['?wait=31', { limit: 50, mode: { kind: 'consume' }, waitMs: 30_000 }],
  ['?wait=long', { limit: 50, mode: { kind: 'consume' }, waitMs: 0 }],
];
for (const [query, expected] of takes) {
  test(`GET /v1/messages${query} takes as the contract says`, () =>
    inWorld({}, async (world) => {
      world.play('agent.take', () => emptyPage);
      assert.equal((await world.request(`/v1/messages${query}`, { as: 'agent' })).status, 200);
      const { waiter, ...args } = world.asked[0]?.args ?? {};
      assert.deepEqual(args, expected);
      assert.equal(typeof waiter, 'string');
      assert.equal(world.asked[0]?.options.timeoutMs, 30_000 + Number(expected.waitMs));
    }));
}

test('a mode that is none is 400 and takes nothing', () =>
  inWorld({}, async (world) => {
    for (const query of ['mode=', 'mode=peek', 'mode=%zz']) {
      assert.equal((await world.request(`/v1/messages?${query}`, { as: 'agent' })).status, 400);
    }
    assert.equal(world.asked.length, 0);
  }));

test('messages are shown with their sender, recipient and time', () =>
  inWorld({}, async (world) => {
    const message = { messageId: 'm1', from: OTHER, content: 'hi', at: AT };
    world.play('agent.take', () => ok({ messages: [message], remaining: 4 }));
    const response = await world.request('/v1/messages', { as: 'agent' });
    assert.deepEqual(await response.json(), {
      messages: [{ message_id: 'm1', from: OTHER, to: AGENT, content: 'hi', timestamp: AT_TEXT }],
      remaining: 4,
    });
  }));

test('HEAD takes no message', () =>
  inWorld({}, async (world) => {
    assert.equal((await world.request('/v1/messages', { method: 'HEAD', as: 'agent' })).status, 405);
    assert.equal(world.asked.length, 0);
  }));

test('a client that leaves while it waits ends its wait, under the name that it waited by', () =>
  inWorld({}, async (world) => {
    world.play('agent.take', () => new Promise(() => undefined));
    const socket = connect(Number(new URL(world.base).port), '127.0.0.1');
    socket.write(`GET /v1/messages?wait=30 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${world.tokens.agent}\r\n\r\n`);
    await until(() => world.asked.length === 1);
    socket.destroy();
    await until(() => world.told.length === 1);
    const { waiter } = world.asked[0]?.args ?? {};
    assert.deepEqual(world.told, [{ kind: 'agent', key: AGENT, message: 'cancelTake', args: { waiter } }]);
  }));

test('ending all long polls asks each agent to answer, and that answer reaches the client', () =>
  inWorld({}, async (world) => {
    let answer: (value: typeof emptyPage) => void = () => undefined;
    world.play('agent.take', () => new Promise((resolve) => (answer = resolve)));
    const waiting = world.request('/v1/messages?wait=30', { as: 'agent' });
    await until(() => world.asked.length === 1);
    assert.equal(world.context.longPolls.size, 1);
    world.context.longPolls.endAll();
    assert.equal(world.told.length, 1);
    answer(emptyPage);
    assert.equal((await waiting).status, 200);
    assert.equal(world.context.longPolls.size, 0);
  }));

test('a take whose token was still being hashed when the server began to stop does not wait', () => {
  let stopping = false;
  const authenticate = async () => {
    stopping = true;
    return { ok: true, principal: { role: 'agent', id: AGENT } } as const;
  };
  const authenticator = { authenticate, revoke: () => undefined };
  return inWorld({ authenticator, draining: () => stopping }, async (world) => {
    world.play('agent.take', () => emptyPage);
    assert.equal((await world.request('/v1/messages?wait=30', { as: 'agent' })).status, 200);
    assert.equal(world.asked[0]?.args.waitMs, 0);
  });
});

test('acknowledging names what was not leased', () =>
  inWorld({}, async (world) => {
    world.play('agent.ack', () => ok({ acked: 1, unknown: ['b'] }));
    const ack = (json: unknown) => world.request('/v1/messages/ack', { method: 'POST', as: 'agent', json });
    const response = await ack({ message_ids: ['a', 'b'] });
    assert.deepEqual(await response.json(), { acked: 1, unknown: ['b'] });
    assert.deepEqual(world.asked[0]?.args, { messageIds: ['a', 'b'] });
    for (const ids of [[], [1], 'a', ['x'.repeat(65)], ['\udfff'], Array(1001).fill('a')]) {
      assert.equal((await ack({ message_ids: ids })).status, 400);
    }
    assert.equal(world.asked.length, 1);
  }));

test('a batch tells what became of each item, in their order (B2)', () =>
  inWorld({}, async (world) => {
    world.play('agent.deliver', (asked) => (asked.key === OTHER ? delivered(asked) : fault('INBOX_FULL')));
    const items = [OTHER, 'nobody at all', AGENT, OTHER].map((to, i) => ({ to, content: `n${i}` }));
    const response = await batch(world, items);
    assert.equal(response.status, 200);
    const { results } = (await response.json()) as { results: Record<string, unknown>[] };
    const seen = results.map((one) => one.error ?? one.to);
    assert.deepEqual(seen, [OTHER, 'not_found', 'rate_limited', OTHER]);
    assert.equal(results[2]?.detail, 'inbox_full');
    assert.deepEqual(
      world.asked.map(({ args }) => args.content),
      ['n0', 'n2', 'n3'],
    );
  }));

test('one bad item refuses the whole batch and sends nothing', () =>
  inWorld({}, async (world) => {
    const good = { to: OTHER, content: 'x' };
    assert.equal((await batch(world, [good, { to: OTHER, content: 'x'.repeat(101) }])).status, 413);
    assert.equal((await batch(world, [good, { to: OTHER, content: '\ud800' }])).status, 400);
    assert.equal((await batch(world, [good, { to: OTHER }])).status, 400);
    assert.equal((await batch(world, [])).status, 400);
    assert.equal(world.asked.length, 0);
  }));

test('each item of a batch counts against the limit, and too many are refused whole (B1)', () =>
  inWorld({ perMinute: { message_send: 5 } }, async (world) => {
    world.play('agent.deliver', delivered);
    const items = (count: number) => Array.from({ length: count }, () => ({ to: OTHER, content: 'x' }));
    const first = await batch(world, items(3));
    assert.equal(first.headers.get('x-ratelimit-remaining'), '2');
    assert.equal((await batch(world, items(3))).status, 429);
    assert.equal(world.asked.length, 3);
  }));

test('a batch that no minute could hold is 400, not a time to retry', () =>
  inWorld({ perMinute: { message_send: 2 } }, async (world) => {
    const items = Array.from({ length: 3 }, () => ({ to: OTHER, content: 'x' }));
    assert.equal((await batch(world, items)).status, 400);
  }));

test('a repeated batch sends only what was refused before, and another body under its key is 409 (B3)', () =>
  inWorld({}, async (world) => {
    let full = true;
    world.play('agent.deliver', (asked) => (asked.key === AGENT && full ? fault('INBOX_FULL') : delivered(asked)));
    const headers = { 'idempotency-key': 'b1' };
    const items = [OTHER, AGENT].map((to) => ({ to, content: 'x' }));
    const results = async () =>
      ((await (await batch(world, items, headers)).json()) as { results: Record<string, unknown>[] }).results;
    const first = await results();
    assert.equal(first[1]?.error, 'rate_limited');
    full = false;
    const second = await results();
    assert.deepEqual(second[0], first[0]);
    assert.ok(second[1]?.message_id);
    const third = await batch(world, items, headers);
    assert.equal(third.headers.get('idempotency-replayed'), 'true');
    const other = [...items, { to: OTHER, content: 'more' }];
    const before = world.asked.length;
    assert.equal((await batch(world, other, headers)).status, 409);
    assert.equal(world.asked.length, before);
  }));
