// The bounds of sessions: limits that are shared with HTTP, readers that do not read, more sessions than there may be, and
// more cold tokens than can be hashed.

import assert from 'node:assert/strict';
import { refusalOf, until } from './expectations.js';
import { onBothListeners, onServersOfTheirOwn, type Stage } from './on-both-listeners.js';
import { residentBytes } from './process-figures.js';
import { type Frame, SessionClient } from './session-client.js';
import type { Agent } from './troupe-api.js';

const limited = onBothListeners({ 'limits.message_send_per_min': 3, 'limits.state_read_per_min': 3 });

limited('counts frames and requests in one bucket, and goes on past the limit', async ({ api, server }) => {
  const agent = await api.agent();
  const client = await SessionClient.live(server.port, agent);
  const frame = { type: 'send', to: agent.agent_address, content: 'x' };
  assert.equal((await client.ask({ ...frame, id: 1 })).type, 'ok');
  await api.message(agent, agent, 'x');
  assert.equal((await client.ask({ ...frame, id: 2 })).type, 'ok');
  const over = await client.ask({ ...frame, id: 3 });
  assert.equal(over.error, 'rate_limited');
  assert.ok(Number(over.retry_after_ms) > 0 && Number(over.retry_after_ms) <= 60_000);
  const body = { to: agent.agent_address, content: 'x' };
  const request = await api.send({ method: 'POST', path: '/v1/messages', as: agent.agent_token, body });
  refusalOf(request, 429, 'rate_limited');
  // Another class; a watch is counted as a read.
  assert.equal((await client.ask({ type: 'state.get', id: 4, key: 'none' })).error, 'not_found');
  assert.equal((await client.ask({ type: 'watch', id: 5, prefix: 'a' })).type, 'ok');
  assert.equal((await client.ask({ type: 'state.list', id: 6 })).type, 'ok');
  assert.equal((await client.ask({ type: 'watch', id: 7, prefix: 'b' })).error, 'rate_limited');
  assert.equal((await client.ask({ type: 'unwatch', id: 5 })).type, 'ok');
  await client.settled();
  await client.close();
});

const check = onBothListeners({ workers: 1 });

check('refuses the request past 256 in flight, and answers all', async ({ api, server }) => {
  const agent = await api.agent();
  const client = await SessionClient.live(server.port, agent);
  const ids = Array.from({ length: 1_000 }, (_, id) => id);
  const answers = ids.map((id) => client.answer(id));
  client.socket.setMaxListeners(0);
  for (const id of ids) client.send({ type: 'state.put', id, key: `k${id}`, value: 'v' });
  const kinds = (await Promise.all(answers)).map(({ type, error, retry_after_ms }) => {
    assert.ok(type === 'ok' || Number(retry_after_ms) > 0);
    return type === 'ok' ? 'ok' : error;
  });
  assert.ok(kinds.filter((kind) => kind === 'ok').length >= 256);
  assert.deepEqual(new Set(kinds).size <= 2 && !kinds.some((kind) => kind !== 'ok' && kind !== 'rate_limited'), true);
  await client.close();
});

check('holds back pushes for a client that does not read, without loss and without memory', async (stage) => {
  const { api, server } = stage;
  const [from, to, other] = [await api.agent(), await api.agent(), await api.agent()];
  const content = 'x'.repeat(60_000);
  const client = await SessionClient.live(server.port, to, { window: 1024 });
  const otherClient = await SessionClient.live(server.port, other);
  const before = residentBytes(server.pid) ?? 0;
  client.socket.pause();
  const COUNT = 200;
  for (let i = 0; i < COUNT; i += 10) {
    await Promise.all(Array.from({ length: 10 }, () => api.message(from, to, content)));
  }
  const grown = (residentBytes(server.pid) ?? 0) - before;
  assert.ok(grown < 150 * 1024 * 1024, `the server grew by ${grown} bytes`);
  // Others are served as ever.
  await api.message(from, other, 'hello');
  assert.equal((await otherClient.next('message')).content, 'hello');
  client.socket.resume();
  for (let seq = 1; seq <= COUNT; seq++) {
    const message = await client.next('message');
    assert.equal(message.seq, seq);
    client.send({ type: 'ack', seq });
  }
  await client.close();
  await otherClient.close();
});

check('refuses requests of a client that does not read, and cuts one that goes on', async ({ api, server }) => {
  const agent = await api.agent();
  assert.equal((await api.put(agent, 'large', 'x'.repeat(900_000))).status, 200);
  const client = await SessionClient.live(server.port, agent);
  client.socket.pause();
  const as = await server.adminToken();
  for (let id = 0; id < 100; id++) client.send({ type: 'state.get', id, key: 'large' });
  // 90 MB are asked for: far more than the system keeps for a socket.
  await until('all were sent', () => client.socket.bufferedAmount === 0);
  const asksWaiting = async () =>
    (await api.must<{ asksWaiting: number }>(200, { path: '/admin/status', as })).asksWaiting;
  // The first answer comes behind the turn of the loop in which the server reads what was sent.
  await asksWaiting();
  await until('all were answered', async () => (await asksWaiting()) === 0);
  client.socket.resume();
  const answers: Frame[] = [];
  for (let id = 0; id < 100; id++) answers.push(await client.answer(id));
  for (const answer of answers) {
    if (answer.type === 'ok') assert.equal(String(answer.value).length, 900_000);
    else assert.deepEqual([answer.error, Number(answer.retry_after_ms) > 0], ['unavailable', true]);
  }
  assert.ok(answers.filter(({ type }) => type === 'ok').length < 50, 'most were refused');

  client.socket.pause();
  const filler = { type: 'ping', id: 'x'.repeat(128), more: 'y'.repeat(10) };
  const sending = setInterval(() => {
    for (let i = 0; i < 2_000; i++) client.send(filler);
  }, 1);
  try {
    await until('it is cut off', () => client.socket.readyState !== client.socket.OPEN || isCut(client));
  } finally {
    clearInterval(sending);
  }
  client.cut();
  await client.closed;
});

/** A paused socket does not tell that it was reset; what cannot be written any more does. */
function isCut(client: SessionClient): boolean {
  const { _socket: socket } = client.socket as unknown as { _socket: { readonly destroyed: boolean } };
  return socket.destroyed;
}

const few = onServersOfTheirOwn({ 'sessions.max': 3 });

few('closes the session past the bound with 4029 and a time to retry', async ({ api, server }) => {
  const agents = [await api.agent(), await api.agent(), await api.agent(), await api.agent()] as const;
  const clients: SessionClient[] = [];
  for (const agent of agents.slice(0, 3)) clients.push(await SessionClient.live(server.port, agent));
  const tooMany = await SessionClient.open(server.port, { token: agents[3].agent_token });
  const error = await tooMany.next('error');
  assert.deepEqual([error.error, error.id, Number(error.retry_after_ms) > 0], ['unavailable', undefined, true]);
  assert.deepEqual(await tooMany.closed, { code: 4029, reason: 'too many sessions' });
  await clients[0]?.close();
  await until('there is room again', async () => {
    const client = await SessionClient.open(server.port, { token: agents[3].agent_token });
    client.send({ type: 'hello' });
    const isLive = await client.next('welcome').then(
      () => true,
      () => false,
    );
    if (isLive) await client.close();
    return isLive;
  });
});

const slowHashes = onServersOfTheirOwn({
  'auth.hash_queue_max': 2,
  'auth.argon2_memory_kib': 8_192,
  'auth.argon2_passes': 3,
});

async function comeBack({ server }: Stage, agent: Agent): Promise<number> {
  for (let tries = 1; ; tries++) {
    const client = await SessionClient.open(server.port, { token: agent.agent_token });
    client.send({ type: 'hello' });
    const first = await client.any();
    if (first.type === 'welcome') {
      await client.close();
      return tries;
    }
    assert.deepEqual([first.error, Number(first.retry_after_ms) > 0], ['unavailable', true]);
    assert.equal((await client.closed).code, 4029);
  }
}

slowHashes('tells a storm of cold tokens when to come back, and lets all in', async (stage) => {
  const { api, server } = stage;
  const operator = await api.operator();
  const agents: Agent[] = [];
  for (let i = 0; i < 24; i++) agents.push(await api.agent(operator));
  await server.stop();
  await server.startAgain();
  const tries = await Promise.all(agents.map((agent) => comeBack(stage, agent)));
  assert.ok(Math.max(...tries) > 1, 'some were refused at first');
});
