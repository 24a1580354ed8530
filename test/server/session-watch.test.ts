// Watching the shared state over a session: every later change of a key under a prefix, or the word that some may be missing.

import assert from 'node:assert/strict';
import { RFC_3339_UTC, until } from './expectations.js';
import { onBothListeners, type Stage } from './on-both-listeners.js';
import { SessionClient } from './session-client.js';
import type { Agent } from './troupe-api.js';

const check = onBothListeners({ workers: 2 });

async function put({ api }: Stage, agent: Agent, key: string, value: string): Promise<string> {
  const answer = await api.put(agent, key, value);
  assert.equal(answer.status, 200, answer.text);
  return String(answer.headers.etag).slice(1, -1);
}

async function watching(stage: Stage, agent: Agent, ...prefixes: string[]): Promise<SessionClient> {
  const client = await SessionClient.live(stage.server.port, agent);
  for (const [id, prefix] of prefixes.entries()) {
    assert.equal((await client.ask({ type: 'watch', id, prefix })).type, 'ok');
  }
  return client;
}

check('tells every later change under a prefix, by whomever and however it was made', async (stage) => {
  const { api, server, listener } = stage;
  const [watcher, writer] = [await api.agent(), await api.agent()];
  const prefix = `w1 ${listener}/`;
  await put(stage, writer, `${prefix}before`, 'v');
  const client = await watching(stage, watcher, prefix);
  const etag = await put(stage, writer, `${prefix}ä`, 'v');
  const { at, ...change } = await client.next('change');
  assert.match(String(at), RFC_3339_UTC);
  assert.deepEqual(change, {
    type: 'change',
    key: `${prefix}ä`,
    etag,
    deleted: false,
    by: writer.agent_address,
  });
  await put(stage, writer, `w1 ${listener}`, 'not under it');
  const path = `/v1/state/${encodeURIComponent(`${prefix}ä`)}`;
  await api.must(200, { method: 'DELETE', path, as: writer.agent_token });
  const removed = await client.next('change');
  assert.deepEqual([removed.key, removed.etag, removed.deleted], [`${prefix}ä`, null, true]);
  const own = await client.ask({ type: 'state.put', id: 'own', key: `${prefix}own`, value: 'v' });
  const told = await client.next('change');
  assert.deepEqual([told.key, told.etag, told.by], [`${prefix}own`, own.etag, watcher.agent_address]);
  await client.settled();
  assert.deepEqual(client.unread, []);
  const second = await SessionClient.live(server.port, writer, {}, 'troupe.v1.msgpack');
  await second.ask({ type: 'watch', id: 1, prefix: '' });
  await put(stage, writer, `${prefix}both`, 'v');
  for (const one of [client, second]) assert.equal((await one.next('change')).key, `${prefix}both`);
  await client.close();
  await second.close();
});

check('tells one change once, whatever matches, and nothing after unwatch', async (stage) => {
  const { api, listener } = stage;
  const agent = await api.agent();
  const prefix = `w2 ${listener}/`;
  const client = await watching(stage, agent, prefix, `${prefix}a`, `${prefix}a`);
  await put(stage, agent, `${prefix}a`, '1');
  await put(stage, agent, `${prefix}b`, '2');
  assert.equal((await client.next('change')).key, `${prefix}a`);
  assert.equal((await client.next('change')).key, `${prefix}b`);
  await client.ask({ type: 'unwatch', id: 0 });
  await client.ask({ type: 'unwatch', id: 1 });
  await put(stage, agent, `${prefix}b`, '3');
  await put(stage, agent, `${prefix}a`, '4');
  assert.equal((await client.next('change')).key, `${prefix}a`);
  await client.ask({ type: 'unwatch', id: 2 });
  await put(stage, agent, `${prefix}a`, '5');
  const again = await client.ask({ type: 'watch', id: 2, prefix: `${prefix}a` });
  assert.equal(again.type, 'ok');
  await put(stage, agent, `${prefix}a`, '6');
  await client.next('change');
  await client.settled();
  assert.deepEqual(client.unread, []);
  await client.close();
});

check('has at most 64 watches, each under an id of its own', async (stage) => {
  const { api } = stage;
  const client = await watching(stage, await api.agent());
  for (let id = 0; id < 64; id++) assert.equal((await client.ask({ type: 'watch', id, prefix: `p${id}` })).type, 'ok');
  assert.equal((await client.ask({ type: 'watch', id: 3, prefix: 'x' })).error, 'bad_request');
  const over = await client.ask({ type: 'watch', id: 64, prefix: 'x' });
  assert.deepEqual([over.error, Number(over.retry_after_ms) > 0], ['rate_limited', true]);
  await client.ask({ type: 'unwatch', id: 3 });
  assert.equal((await client.ask({ type: 'watch', id: 64, prefix: 'x' })).type, 'ok');
  await client.close();
});

check('ends the watches whose changes may be missing when a worker is replaced', async (stage) => {
  const { api, server, listener } = stage;
  const as = await server.adminToken();
  const agent = await api.agent();
  const prefix = `w4 ${listener}/`;
  const client = await watching(stage, agent, prefix, '');
  const other = await watching(stage, await api.agent(), prefix);
  await api.must(200, { method: 'POST', path: '/admin/workers/0/replace', as, body: {} });
  const ends = [await client.next('error'), await client.next('error'), await other.next('error')];
  for (const end of ends) {
    assert.deepEqual([end.error, end.watch_ended, Number(end.retry_after_ms) > 0], ['unavailable', true, true]);
  }
  assert.deepEqual([ends[0]?.id, ends[1]?.id], [0, 1]);
  // Watched again, it is as it was, for both.
  for (const one of [client, other]) {
    await until('it is watched again', async () => {
      const answer = await one.ask({ type: 'watch', id: 0, prefix });
      return answer.type === 'ok';
    });
  }
  for (let i = 0; i < 50; i++) {
    await put(stage, agent, `${prefix}${i}`, 'v');
    for (const one of [client, other]) assert.equal((await one.next('change')).key, `${prefix}${i}`);
  }
  await client.close();
  await other.close();
});

/** More than the system keeps for a socket, by far: the server keeps back what can wait. */
async function fill({ api, server }: Stage, client: SessionClient): Promise<void> {
  const as = await server.adminToken();
  const status = () => api.must<{ asksWaiting: number }>(200, { path: '/admin/status', as });
  // The system takes more after a while: so it is filled up again.
  for (let round = 0; round < 4; round++) {
    for (let id = 0; id < 16; id++) client.send({ type: 'state.get', id: `fill ${id}`, key: 'large' });
    await until('all were sent', () => client.socket.bufferedAmount === 0);
    // The first answer comes behind the turn of the loop in which the server reads what was sent.
    await status();
    await until('all were answered', async () => (await status()).asksWaiting === 0);
  }
}

/** Writes keys by a session that reads; what fills up another is done before each part of it. */
async function write(
  writer: SessionClient,
  keys: readonly string[],
  value: string,
  fillUp: () => Promise<void>,
): Promise<Map<string, unknown>> {
  const etags = new Map<string, unknown>();
  for (let at = 0; at < keys.length; at += 200) {
    await fillUp();
    const some = keys.slice(at, at + 200);
    const written = await Promise.all(
      some.map((key) => writer.ask({ type: 'state.put', id: `${key} ${value}`, key, value })),
    );
    for (const answer of written) etags.set(String(answer.key), answer.etag);
  }
  return etags;
}

check('tells a slow watcher the latest change of each key, and ends its watches past 1024 keys', async (stage) => {
  const { api, server, listener } = stage;
  const [slow, quick] = [await api.agent(), await api.agent()];
  await put(stage, slow, 'large', 'x'.repeat(900_000));
  const prefix = `w5 ${listener}/`;
  const client = await watching(stage, slow, prefix);
  const reader = await watching(stage, quick, prefix);
  const writer = await SessionClient.live(server.port, await api.agent());
  const changes = () => client.unread.filter(({ type }) => type === 'change');

  const fillUp = () => fill(stage, client);
  client.socket.pause();
  const keys = Array.from({ length: 100 }, (_, i) => `${prefix}${i}`);
  for (const value of ['1', '2', '3']) await write(writer, keys, value, fillUp);
  const last = await write(writer, keys, '4', fillUp);
  client.socket.resume();
  const latest = () => new Map(changes().map(({ key, etag }) => [String(key), etag]));
  await until('the latest of each came', () => keys.every((key) => latest().get(key) === last.get(key)));
  assert.ok(changes().length < 3 * keys.length, 'not every one of them');
  await until('who reads is told all', () => reader.unread.length === 4 * keys.length);

  client.socket.pause();
  const told = changes().length;
  const many = Array.from({ length: 2_000 }, (_, i) => `${prefix}many ${i}`);
  await write(writer, many, '1', fillUp);
  client.socket.resume();
  const ended = () => client.unread.find(({ watch_ended }) => watch_ended === true);
  await until('its watch ends', () => ended() !== undefined);
  assert.deepEqual([ended()?.id, ended()?.error], [0, 'unavailable']);
  await client.settled();
  assert.ok(changes().length - told < many.length, 'what may be incomplete is not told');
  await until('who reads is told all', () => reader.unread.length === 4 * keys.length + many.length);
  assert.equal((await client.ask({ type: 'watch', id: 0, prefix })).type, 'ok');
  for (const one of [client, reader, writer]) await one.close();
});
