// Bounds and names that the config sets otherwise, and what lies past the bound of the hash queue.

import assert from 'node:assert/strict';
import { refusalOf } from './expectations.js';
import { onBothListeners } from './on-both-listeners.js';
import type { Answer } from './troupe-api.js';

const check = onBothListeners({
  'address.prefix': 'bot_',
  'http.body_bytes_max': 4096,
  'messaging.content_bytes_max': 100,
  'state.key_bytes_max': 10,
  'state.value_bytes_max': 50,
  // Tens of milliseconds a hash, one at a time, and one more may wait.
  'auth.argon2_memory_kib': 32_768,
  'auth.argon2_passes': 3,
  'auth.hash_queue_max': 1,
});

check('begins addresses with the configured prefix', async ({ api }) => {
  const agent = await api.agent();
  assert.match(agent.agent_address, /^bot_[a-z0-9]{20}$/);
  await api.message(agent, agent, 'to me');
});

check('holds contents, keys, values and bodies to the configured bytes', async ({ api }) => {
  const agent = await api.agent();
  const send = (content: string) =>
    api.send({
      method: 'POST',
      path: '/v1/messages',
      as: agent.agent_token,
      body: { to: agent.agent_address, content },
    });
  assert.equal((await send('é'.repeat(50))).status, 202);
  refusalOf(await send(`${'é'.repeat(50)}x`), 413, 'value_too_large');
  assert.equal((await api.put(agent, 'é'.repeat(5), 'v'.repeat(50))).status, 200);
  refusalOf(await api.put(agent, `${'é'.repeat(5)}x`, 'v'), 400, 'bad_request');
  refusalOf(await api.put(agent, 'k', 'v'.repeat(51)), 413, 'value_too_large');
  refusalOf(await send('x'.repeat(4096)), 413, 'value_too_large');
});

check(
  'refuses with 503 what would wait for a hash past the bound, and keeps serving those it knows',
  async ({ api }) => {
    const agent = await api.agent();
    await api.take(agent);
    const call = { method: 'POST', path: '/v1/operators', body: { contact_hash: 'c0ffee' } };
    const answers = await Promise.all([...Array.from({ length: 30 }, () => api.send(call)), api.get(agent, 'absent')]);
    const known = answers.pop() as Answer;
    refusalOf(known, 404, 'not_found');
    const made = answers.filter(({ status }) => status === 201);
    assert.ok(made.length >= 1 && made.length < 30, `${made.length} were made`);
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      refusalOf(answer, 503, 'unavailable');
      assert.ok(Number(answer.headers['retry-after']) >= 1);
    }
  },
);

check('hashes a token once for all who come with it at the same time', async ({ api }) => {
  const agent = await api.agent();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => api.send({ path: '/v1/agents/me', as: agent.agent_token })),
  );
  assert.deepEqual(
    answers.map(({ status }) => status),
    answers.map(() => 200),
    'two hashes would not fit into the queue beside each other',
  );
});
