// The session of an agent over WebSocket: how it opens, what may be said, what is pushed. Row by row of its contract.

import assert from 'node:assert/strict';
import { SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK } from '../../src/contract/session.js';
import { RFC_3339_UTC, refusalOf, UUID, until } from './expectations.js';
import { onBothListeners } from './on-both-listeners.js';
import { type Frame, SessionClient } from './session-client.js';

const check = onBothListeners({ workers: 2 });

const UNKNOWN_TOKEN = `at_live_${'0'.repeat(64)}`;

async function badRequest(client: SessionClient): Promise<void> {
  const error = await client.next('error');
  assert.deepEqual([error.error, error.id], ['bad_request', undefined]);
  assert.equal((await client.closed).code, 4000);
}

check('refuses an upgrade without a subprotocol that it knows, and on another path', async ({ api, server }) => {
  const { agent_token: token } = await api.agent();
  refusalOf(await SessionClient.refused(server.port, { token, protocols: [] }), 400, 'bad_request');
  refusalOf(await SessionClient.refused(server.port, { token, protocols: ['troupe.v2.json'] }), 400, 'bad_request');
  refusalOf(await SessionClient.refused(server.port, { token, path: '/v1/sessions' }), 404, 'not_found');
  refusalOf(await SessionClient.refused(server.port, { token, path: '/v1/messages' }), 404, 'not_found');
});

check('takes the first subprotocol that it knows', async ({ api, server }) => {
  const { agent_token: token } = await api.agent();
  for (const [protocols, taken] of [
    [['troupe.v9', SUBPROTOCOL_MSGPACK, SUBPROTOCOL_JSON], SUBPROTOCOL_MSGPACK],
    [[SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK], SUBPROTOCOL_JSON],
  ] as const) {
    const client = await SessionClient.open(server.port, { token, protocols });
    assert.equal(client.socket.protocol, taken);
    await client.close();
  }
});

for (const protocol of [SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK]) {
  check(`welcomes, pushes, answers and acknowledges over ${protocol}`, async ({ api, server }) => {
    const [from, to] = [await api.agent(), await api.agent()];
    const id = await api.message(from, to, 'first');
    const client = await SessionClient.live(server.port, to, {}, protocol);
    const { session_id, epoch, limits, ...welcome } = client.welcome;
    assert.deepEqual(welcome, {
      type: 'welcome',
      agent: to.agent_address,
      resumed: false,
      next_seq: 1,
      window: 64,
      heartbeat_ms: 30_000,
    });
    assert.match(String(session_id), UUID);
    assert.match(String(epoch), /^\S+$/);
    assert.deepEqual(limits, {
      frame_bytes_max: 2_097_152,
      content_bytes_max: 65_536,
      value_bytes_max: 1_048_576,
      key_bytes_max: 1024,
      window_max: 1024,
      watches_max: 64,
      requests_in_flight_max: 256,
    });
    const { timestamp, ...message } = await client.next('message');
    assert.match(String(timestamp), RFC_3339_UTC);
    assert.deepEqual(message, {
      type: 'message',
      seq: 1,
      message_id: id,
      from: from.agent_address,
      content: 'first',
      redelivered: false,
    });
    const sent = await client.ask({ type: 'send', id: 7, to: to.agent_address, content: 'sëlf \u{1f300}' });
    assert.deepEqual(Object.keys(sent).sort(), ['id', 'message_id', 'timestamp', 'type']);
    assert.equal(sent.type, 'ok');
    const second = await client.next('message');
    assert.deepEqual([second.seq, second.content, second.from], [2, 'sëlf \u{1f300}', to.agent_address]);
    assert.equal(second.message_id, sent.message_id);
    client.send({ type: 'ack', seq: 2 });
    await client.settled();
    await client.close();
    assert.deepEqual(await api.take(to), { messages: [], remaining: 0 });
  });
}

check('pushes what is sent over HTTP, in order', async ({ api, server }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  const client = await SessionClient.live(server.port, to);
  for (let i = 0; i < 20; i++) await api.message(from, to, `message ${i}`);
  const messages = await client.messages(20);
  assert.deepEqual(
    messages.map(({ seq, content }) => [seq, content]),
    Array.from({ length: 20 }, (_, i) => [i + 1, `message ${i}`]),
  );
  await client.close();
});

check('authenticates by a first frame where no header can be set', async ({ api, server }) => {
  const agent = await api.agent();
  const client = await SessionClient.open(server.port);
  client.send({ type: 'auth', token: agent.agent_token });
  client.send({ type: 'hello' });
  assert.equal((await client.next('welcome')).agent, agent.agent_address);
  await client.close();
});

check('ignores a token in the URL', async ({ api, server }) => {
  const agent = await api.agent();
  const path = `/v1/session?token=${agent.agent_token}`;
  const client = await SessionClient.open(server.port, { path });
  client.send({ type: 'hello' });
  await badRequest(client);
});

check('closes with 4003 for a token that is wrong, by header or by frame, cold or warm', async ({ api, server }) => {
  const operator = await api.operator();
  for (const token of [UNKNOWN_TOKEN, 'x', operator.api_key, `at_live_${'g'.repeat(64)}`]) {
    const byHeader = await SessionClient.open(server.port, { token });
    const byFrame = await SessionClient.open(server.port);
    byFrame.send({ type: 'auth', token });
    for (const client of [byHeader, byFrame]) {
      const error = await client.next('error');
      assert.deepEqual([error.error, error.id], ['unauthorized', undefined]);
      assert.deepEqual(await client.closed, { code: 4003, reason: 'unauthorized' });
    }
  }
  const agent = await api.agent();
  const almost = `${agent.agent_token.slice(0, -1)}${agent.agent_token.endsWith('0') ? '1' : '0'}`;
  const client = await SessionClient.open(server.port, { token: almost });
  assert.equal((await client.next('error')).error, 'unauthorized');
  assert.equal((await client.closed).code, 4003);
});

check('closes with 4000 for what is out of order', async ({ api, server }) => {
  const { agent_token: token } = await api.agent();
  const noAuth = await SessionClient.open(server.port);
  noAuth.send({ type: 'ping', id: 1 });
  await badRequest(noAuth);
  const noHello = await SessionClient.open(server.port, { token });
  noHello.send({ type: 'ping', id: 1 });
  await badRequest(noHello);
  const twice = await SessionClient.live(server.port, { agent_token: token, agent_address: '' });
  twice.send({ type: 'hello' });
  await badRequest(twice);
  const authLate = await SessionClient.live(server.port, { agent_token: token, agent_address: '' });
  authLate.send({ type: 'auth', token });
  await badRequest(authLate);
});

check('closes with 4000 for what is no frame', async ({ api, server }) => {
  const agent = await api.agent();
  const broken: readonly (string | Buffer)[] = [
    'not json',
    '[]',
    'null',
    '"text"',
    '{}',
    '{"type":"none"}',
    '{"type":"toString"}',
    '{"type":7}',
    '{"type":"send","to":"a","content":"no id"}',
    '{"type":"send","id":"","to":"a","content":"empty id"}',
    '{"type":"send","id":{},"to":"a","content":"odd id"}',
    `{"type":"ping","id":"${'x'.repeat(129)}"}`,
    '{"type":"ack"}',
    '{"type":"ack","seq":-1}',
    '{"type":"ack","seq":1.5}',
    '{"type":"ack","seq":1}',
    `{"type":"ping","id":1,"more":[${'1,'.repeat(20_000)}1]}`,
    `{"type":"ping","id":1,"more":"${'x'.repeat(2 * 1024 * 1024)}"}`,
    Buffer.from('{"type":"ping","id":1}'),
  ];
  for (const frame of broken) {
    const client = await SessionClient.live(server.port, agent);
    client.socket.send(frame, { binary: typeof frame !== 'string' });
    await badRequest(client);
  }
});

check('closes with 4000 for what is no MessagePack frame', async ({ api, server }) => {
  const agent = await api.agent();
  const broken: readonly (string | Buffer)[] = [
    '{"type":"ping","id":1}',
    Buffer.from([]),
    Buffer.from([0xc1]),
    // An array, a map that is cut off, two values, a binary value, an extension, a text that is not UTF-8.
    Buffer.from([0x90]),
    Buffer.from([0x81, 0xa1]),
    Buffer.from([0x80, 0x80]),
    Buffer.from([0x81, 0xa4, ...Buffer.from('type'), 0xc4, 0x01, 0x00]),
    Buffer.from([0x81, 0xa4, ...Buffer.from('type'), 0xd4, 0x72, 0x40]),
    Buffer.from([0x82, 0xa4, ...Buffer.from('type'), 0xa4, ...Buffer.from('ping'), 0xa2, 0x69, 0x64, 0xa1, 0xff]),
    Buffer.alloc(2_000, 0x91),
    Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
  ];
  for (const frame of broken) {
    const client = await SessionClient.live(server.port, agent, {}, SUBPROTOCOL_MSGPACK);
    client.socket.send(frame, { binary: typeof frame !== 'string' });
    await badRequest(client);
  }
});

check('refuses a request of the wrong shape under its id, and goes on', async ({ api, server }) => {
  const agent = await api.agent();
  const client = await SessionClient.live(server.port, agent);
  const wrong: readonly Record<string, unknown>[] = [
    { type: 'send', to: 'a' },
    { type: 'send', to: 7, content: 'x' },
    { type: 'send', to: 'a', content: '' },
    { type: 'state.get' },
    { type: 'state.put', key: 'k' },
    { type: 'state.list', limit: 'all' },
    { type: 'state.put', key: 'k', value: 'v', if_none_match: 'x' },
    { type: 'watch' },
    { type: 'registry', cursor: 7 },
    { type: 'registry', cursor: 'not one of ours' },
    { type: 'state.list', cursor: '%' },
    { type: 'state.get', key: '' },
    { type: 'state.get', key: 'k'.repeat(1025) },
    { type: 'state.get', key: 'a\0b' },
    { type: 'state.put', key: '_capacity', value: 'v' },
    { type: 'state.put', key: 'k', value: '\ud800' },
    { type: 'state.put', key: 'k', value: 'v', if_match: '"quoted"' },
    { type: 'state.put', key: 'k', value: 'v', if_match: '*', if_none_match: '*' },
    { type: 'send', to: agent.agent_address, content: '\ud800' },
    { type: 'send', to: agent.agent_address, content: 'x', idempotency_key: 'not visible \n' },
    { type: 'watch', prefix: 'a\0b' },
    { type: 'watch', prefix: 'k'.repeat(1025) },
  ];
  for (const [id, frame] of wrong.entries()) {
    const answer = await client.ask({ ...frame, id });
    assert.deepEqual([answer.type, answer.error], ['error', 'bad_request'], JSON.stringify(frame));
    assert.equal(answer.retry_after_ms, undefined);
  }
  const tooLarge = await client.ask({ type: 'send', id: 'x', to: agent.agent_address, content: 'x'.repeat(65_537) });
  assert.equal(tooLarge.error, 'value_too_large');
  const nobody = await client.ask({ type: 'send', id: 'y', to: 'tab_nobody', content: 'x' });
  assert.equal(nobody.error, 'not_found');
  assert.equal((await client.ask({ type: 'unwatch', id: 'none' })).error, 'not_found');
  await client.settled();
  await client.close();
});

check('reads, writes, lists and deletes the shared state as over HTTP', async ({ api, server, listener }) => {
  const agent = await api.agent();
  const client = await SessionClient.live(server.port, agent);
  const key = `session ${listener}/ä`;
  const missing = await client.ask({ type: 'state.get', id: 0, key });
  assert.equal(missing.error, 'not_found');
  const put = await client.ask({ type: 'state.put', id: 1, key, value: 'one', if_none_match: '*' });
  assert.deepEqual([put.type, put.key, put.written_by], ['ok', key, agent.agent_address]);
  assert.match(String(put.written_at), RFC_3339_UTC);
  const got = await client.ask({ type: 'state.get', id: 2, key });
  const overHttp = await api.get(agent, key);
  assert.deepEqual(
    { ...JSON.parse(overHttp.text), etag: overHttp.headers.etag },
    {
      ...Object.fromEntries(Object.entries(got).filter(([name]) => name !== 'type' && name !== 'id')),
      etag: `"${got.etag}"`,
    },
  );
  assert.equal(got.etag, put.etag);
  const again = await client.ask({ type: 'state.put', id: 3, key, value: 'two', if_none_match: '*' });
  assert.deepEqual([again.error, again.detail], ['conflict', put.etag]);
  const matched = await client.ask({ type: 'state.put', id: 4, key, value: 'two', if_match: String(put.etag) });
  assert.equal(matched.type, 'ok');
  const stale = await client.ask({ type: 'state.delete', id: 5, key, if_match: String(put.etag) });
  assert.deepEqual([stale.error, stale.detail], ['conflict', matched.etag]);
  const listed = await client.ask({ type: 'state.list', id: 6, prefix: `session ${listener}/`, limit: 1 });
  assert.deepEqual([listed.keys, listed.next_cursor, listed.total], [[key], null, 1]);
  const removed = await client.ask({ type: 'state.delete', id: 7, key, if_match: '*' });
  assert.deepEqual([removed.type, removed.key, removed.deleted_by], ['ok', key, agent.agent_address]);
  const capacity = await client.ask({ type: 'state.get', id: 8, key: '_capacity' });
  assert.equal(typeof capacity.used_bytes, 'number');
  await client.close();
});

check('lists the registry, page by page', async ({ api, server }) => {
  const agent = await api.agent();
  await api.agent();
  const client = await SessionClient.live(server.port, agent);
  const seen: string[] = [];
  let cursor: unknown;
  for (let id = 0; cursor !== null; id++) {
    const page: Frame = await client.ask({ type: 'registry', id, limit: 5, ...(id === 0 ? {} : { cursor }) });
    const agents = page.agents as readonly { readonly address: string }[];
    seen.push(...agents.map(({ address }) => address));
    cursor = page.next_cursor;
    assert.ok(Number(page.total) >= 2);
  }
  assert.equal(new Set(seen).size, seen.length);
  assert.ok(seen.includes(agent.agent_address));
  await client.close();
});

check('sends once under one idempotency key, by frame and by request', async ({ api, server }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  const client = await SessionClient.live(server.port, from);
  const send = { type: 'send', to: to.agent_address, content: 'once', idempotency_key: 'k1' };
  const answers = await Promise.all([1, 2, 3].map((id) => client.ask({ ...send, id })));
  const first = String(answers[0]?.message_id);
  for (const answer of answers) assert.equal(answer.message_id, first);
  const body = { to: to.agent_address, content: 'once' };
  const headers = { 'idempotency-key': 'k1' };
  const repeated = await api.send({ method: 'POST', path: '/v1/messages', as: from.agent_token, body, headers });
  assert.equal(JSON.parse(repeated.text).message_id, first);
  assert.equal(repeated.headers['idempotency-replayed'], 'true');
  const other = await client.ask({ ...send, id: 4, content: 'another' });
  assert.equal(other.error, 'conflict');
  assert.equal((await api.take(to)).messages.length, 1);
  await client.close();
});

check('closes the older of two sessions of one agent with 4001', async ({ api, server }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  const older = await SessionClient.live(server.port, to);
  const newer = await SessionClient.live(server.port, to);
  assert.deepEqual(await older.closed, { code: 4001, reason: 'replaced' });
  assert.deepEqual(older.unread, [], 'no error is told');
  await api.message(from, to, 'to the newer');
  assert.equal((await newer.next('message')).content, 'to the newer');
  await newer.close();
});

check('closes the session of an agent that is retired with 4004', async ({ api, server }) => {
  const operator = await api.operator();
  const agent = await api.agent(operator);
  const client = await SessionClient.live(server.port, agent);
  const waiting = await SessionClient.open(server.port, { token: agent.agent_token });
  const path = `/v1/agents/${agent.agent_address}`;
  await api.must(200, { method: 'DELETE', path, as: operator.api_key });
  assert.equal((await client.closed).code, 4004);
  assert.deepEqual(client.unread, []);
  assert.equal((await waiting.closed).code, 4004);
  const late = await SessionClient.open(server.port, { token: agent.agent_token });
  assert.equal((await late.closed).code, 4003);
});

check('closes the session of a token that is rotated with 4003', async ({ api, server }) => {
  const operator = await api.operator();
  const agent = await api.agent(operator);
  const client = await SessionClient.live(server.port, agent);
  const path = `/v1/agents/${agent.agent_address}/rotate-token`;
  const rotated = await api.must<typeof agent>(200, { method: 'POST', path, as: operator.api_key, body: {} });
  assert.equal((await client.next('error')).error, 'unauthorized');
  assert.equal((await client.closed).code, 4003);
  const again = await SessionClient.live(server.port, rotated);
  await again.close();
});

check('gives back what was not acknowledged when a session ends', async ({ api, server }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  for (const content of ['a', 'b', 'c']) await api.message(from, to, content);
  const client = await SessionClient.live(server.port, to);
  await client.messages(3);
  client.send({ type: 'ack', seq: 1 });
  client.cut();
  await until('the messages are back', async () => (await api.take(to, 'mode=lease&lease_s=1')).messages.length === 2);
});

check('says where its sessions stand', async ({ api, server }) => {
  const agent = await api.agent();
  const as = await server.adminToken();
  const count = async () => (await api.must<{ sessions: number }>(200, { path: '/admin/status', as })).sessions;
  const client = await SessionClient.live(server.port, agent);
  assert.ok((await count()) >= 1);
  await client.close();
  await until('it is counted no more', async () => (await count()) === 0);
});
