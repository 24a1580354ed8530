// SIGTERM: what was admitted is answered and durable, what comes after it is refused, and it ends with 0.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { refusalOf, until } from './expectations.js';
import { onServersOfTheirOwn, type Stage } from './on-both-listeners.js';
import type { Answer, OpenCall, Taken } from './troupe-api.js';
import { runTroupe } from './troupe-command.js';

const ADMIN_TOKEN = `ad_live_${'5'.repeat(64)}`;

const check = onServersOfTheirOwn();

async function untilWaiting({ api, server }: Stage, asks: number): Promise<void> {
  const as = await server.adminToken();
  await until('the requests wait', async () => {
    const status = await api.must<{ asksWaiting: number }>(200, { path: '/admin/status', as });
    return status.asksWaiting === asks;
  });
}

check('answers the takes that wait, empty and for the last time, and takes no connection any more', async (stage) => {
  const { api, server } = stage;
  const agent = await api.agent();
  const calls = Array.from({ length: 3 }, () => api.open({ path: '/v1/messages?wait=20', as: agent.agent_token }));
  await untilWaiting(stage, 3);
  const startedAt = performance.now();
  const { code } = await server.stop();
  assert.equal(code, 0, server.stderr);
  assert.ok(performance.now() - startedAt < 8_000, 'it does not wait for the waits to be over');
  for (const { answer } of calls) {
    const { status, text, headers } = await answer;
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text) as Taken, { messages: [], remaining: 0 });
    assert.equal(headers.connection, 'close');
  }
  await assert.rejects(api.send({ path: '/v1/health' }), { code: 'ECONNREFUSED' });
});

/** What a client may see of a server that stops: a whole answer, or a connection that was never taken or is closed. */
type Seen = { readonly kind: 'answer'; readonly answer: Answer } | { readonly kind: 'none'; readonly code: string };

async function seen({ answer }: OpenCall): Promise<Seen> {
  try {
    return { kind: 'answer', answer: await answer };
  } catch (error) {
    return { kind: 'none', code: String((error as NodeJS.ErrnoException).code) };
  }
}

check('answers what is in flight under load, refuses what is new, and loses nothing', async ({ api, server }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  const accepted: string[] = [];
  let stopping = false;
  const senders = Array.from({ length: 16 }, async (_, sender) => {
    for (let i = 0; ; i++) {
      const body = { to: to.agent_address, content: `${sender}:${i}` };
      const beganStopping = stopping;
      const result = await seen(api.open({ method: 'POST', path: '/v1/messages', as: from.agent_token, body }));
      if (result.kind === 'none') {
        // Refused, or an idle connection that was closed: either way it was begun after the signal.
        assert.ok(stopping, `a request was dropped before the stop: ${result.code}`);
        return beganStopping ? result.code : `${result.code} in flight`;
      }
      if (result.answer.status === 202) accepted.push(JSON.parse(result.answer.text).message_id);
      else {
        refusalOf(result.answer, 503, 'unavailable');
        assert.ok(Number(result.answer.headers['retry-after']) >= 1);
        assert.ok(stopping);
        return '503';
      }
    }
  });
  await until('there is load', () => accepted.length > 200);
  stopping = true;
  server.signal('SIGTERM');
  const ends = await Promise.all(senders);
  assert.equal((await server.ended()).code, 0, server.stderr);

  await server.startAgain();
  const found = new Set<string>();
  for (let left = 1; left > 0; ) {
    const taken = await api.take(to, 'limit=100');
    left = taken.remaining;
    for (const { message_id } of taken.messages) found.add(message_id);
  }
  assert.deepEqual(
    accepted.filter((id) => !found.has(id)),
    [],
  );
  assert.ok(found.size <= accepted.length + ends.filter((end) => end.includes('in flight')).length);
});

const slowly = onServersOfTheirOwn({
  'admin.token': ADMIN_TOKEN,
  'auth.argon2_memory_kib': 65_536,
  'auth.argon2_passes': 3,
  'auth.hash_threads': 1,
});

slowly('answers requests whose token is still being hashed', async ({ api, server }) => {
  const body = { contact_hash: 'c0ffee' };
  const calls = Array.from({ length: 4 }, () => api.open({ method: 'POST', path: '/v1/operators', body }));
  await until('hashes are waiting', async () => {
    const status = await api.must<{ hashesQueued: number }>(200, { path: '/admin/status', as: ADMIN_TOKEN });
    return status.hashesQueued === 3;
  });
  assert.equal((await server.stop()).code, 0, server.stderr);
  for (const { answer } of calls) assert.equal((await answer).status, 201);
});

const impatiently = onServersOfTheirOwn({ shutdown_timeout_ms: 300 });

impatiently('ends in the time that it is given, whatever a client does', async ({ api, server }) => {
  const agent = await api.agent();
  const headers = { 'content-type': 'application/json', 'content-length': '100' };
  const stuck = api.open({
    method: 'PUT',
    path: '/v1/state/never',
    as: agent.agent_token,
    bytes: '{"value":',
    headers,
  });
  await api.must(200, { path: '/v1/agents/me', as: agent.agent_token });
  const startedAt = performance.now();
  const { code } = await server.stop();
  assert.equal(code, 0, server.stderr);
  assert.ok(performance.now() - startedAt < 3_000);
  await seen(stuck);
});

check('stops in good order when it is told to while it still starts', async ({ server }) => {
  await server.stop();
  const locks = () => readdirSync(server.dataDirectory).filter((name) => name.startsWith('lock.'));
  const before = new Set(locks());
  const starting = server.startAgain().catch(() => undefined);
  await until('it has taken its directory', () => locks().some((name) => !before.has(name)));
  server.signal('SIGTERM');
  await starting;
  assert.deepEqual(await server.ended(), { code: 0, signal: null }, server.stderr);
  assert.deepEqual((await runTroupe(['check', server.dataDirectory])).code, 0);
});

check('ends at once where nobody is connected, on SIGINT too, and tells why in its log', async ({ server }) => {
  const startedAt = performance.now();
  server.signal('SIGINT');
  assert.deepEqual(await server.ended(), { code: 0, signal: null });
  assert.ok(performance.now() - startedAt < 3_000);
  assert.match(server.stderr, /"event":"stopping","signal":"SIGINT"/);
});
