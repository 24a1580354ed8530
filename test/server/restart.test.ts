// kill -9, and the next life on the same directory: all that was acknowledged is there (G7).

import assert from 'node:assert/strict';
import { refusalOf, until } from './expectations.js';
import { onServersOfTheirOwn } from './on-both-listeners.js';
import { runTroupe } from './troupe-command.js';

const check = onServersOfTheirOwn();

check('keeps tokens, messages, leases and state through a kill -9', async ({ api, server }) => {
  const operator = await api.operator();
  const [one, two, gone] = [await api.agent(operator), await api.agent(operator), await api.agent(operator)];
  for (const content of ['a', 'b', 'c', 'd']) await api.message(one, two, content);
  const leased = await api.take(two, 'mode=lease&limit=1&lease_s=3600');
  const short = await api.take(two, 'mode=lease&limit=1&lease_s=1');
  const shortEnds = Date.now() + 1000;
  const consumed = await api.take(two, 'limit=1');
  const etag = (await api.put(one, 'kept', 'value')).headers.etag;
  await api.must(200, { method: 'DELETE', path: `/v1/agents/${gone.agent_address}`, as: operator.api_key });
  const rotatePath = `/v1/agents/${one.agent_address}/rotate-token`;
  const renewed = await api.must<typeof one>(200, { method: 'POST', path: rotatePath, as: operator.api_key, body: {} });
  const capacity = await api.capacity(two);
  const admin = await server.adminToken();

  await server.kill();
  await server.startAgain();

  assert.equal((await api.send({ path: '/admin/status', as: admin })).status, 200);
  assert.equal((await api.send({ path: '/v1/agents', as: operator.api_key })).status, 200);
  refusalOf(await api.send({ path: '/v1/agents/me', as: one.agent_token }), 401, 'unauthorized');
  refusalOf(await api.send({ path: '/v1/agents/me', as: gone.agent_token }), 401, 'unauthorized');
  const kept = await api.get(renewed, 'kept');
  assert.equal(kept.headers.etag, etag);
  assert.deepEqual(await api.capacity(two), capacity);

  assert.deepEqual(
    [leased, short, consumed].map(({ messages }) => messages[0]?.content),
    ['a', 'b', 'c'],
  );
  await until('the short lease is over', () => Date.now() > shortEnds);
  const { messages } = await api.take(two);
  assert.deepEqual(
    messages.map(({ content }) => content),
    ['b', 'd'],
    'leased, lapsed, consumed, untouched',
  );
  const body = { message_ids: leased.messages.map(({ message_id }) => message_id) };
  const acked = await api.must<{ acked: number }>(200, {
    method: 'POST',
    path: '/v1/messages/ack',
    as: two.agent_token,
    body,
  });
  assert.equal(acked.acked, 1);
});

check('loses nothing acknowledged when it is killed under load, and checks clean', async ({ api, server }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  const acknowledged: string[] = [];
  let running = true;
  const senders = Array.from({ length: 8 }, async (_, sender) => {
    for (let i = 0; running; i++) {
      const id = await api.message(from, to, `${sender}:${i}`).catch(() => undefined);
      if (id === undefined) return;
      acknowledged.push(id);
    }
  });
  await until('there is something to lose', () => acknowledged.length > 300);
  await server.kill();
  running = false;
  await Promise.all(senders);

  const checked = await runTroupe(['check', server.dataDirectory]);
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
  await server.startAgain();
  const found: string[] = [];
  const bySender = new Map<string, number>();
  for (let left = 1; left > 0; ) {
    const taken = await api.take(to, 'limit=100');
    left = taken.remaining;
    for (const { message_id, content } of taken.messages) {
      found.push(message_id);
      const [sender, index] = content.split(':') as [string, string];
      assert.equal(Number(index), bySender.get(sender) ?? 0, `out of order: ${content}`);
      bySender.set(sender, Number(index) + 1);
    }
  }
  assert.equal(new Set(found).size, found.length, 'none is there twice');
  const lost = acknowledged.filter((id) => !found.includes(id));
  assert.deepEqual(lost, []);
  assert.ok(found.length <= acknowledged.length + 8, 'at most one of each sender is there unacknowledged');
});
