// How much the shared state may hold, and that it knows exactly how much it holds.

import assert from 'node:assert/strict';
import { refusalOf } from './expectations.js';
import { onBothListeners } from './on-both-listeners.js';

const CAPACITY = 1000;
const check = onBothListeners({ 'state.capacity_bytes': CAPACITY });

check('counts keys and values in bytes, through every kind of change', async ({ api }) => {
  const agent = await api.agent();
  const remove = (key: string) =>
    api.must(200, { method: 'DELETE', path: `/v1/state/${encodeURIComponent(key)}`, as: agent.agent_token });
  const expect = async (used_bytes: number, key_count: number): Promise<void> => {
    assert.deepEqual(await api.capacity(agent), { used_bytes, total_bytes: CAPACITY, key_count });
  };
  await expect(0, 0);
  await api.put(agent, 'é', '€');
  await expect(5, 1);
  await api.put(agent, 'é', '');
  await expect(2, 1);
  await api.put(agent, 'key', 'value');
  await expect(10, 2);
  await api.put(agent, 'key', 'v', { 'if-match': '"stale"' });
  await expect(10, 2);
  await api.put(agent, 'key', 'longer value');
  await expect(17, 2);
  await remove('é');
  await remove('key');
  await expect(0, 0);
});

check('refuses what would not fit with 507, and still lets shrink and delete', async ({ api }) => {
  const agent = await api.agent();
  assert.equal((await api.put(agent, 'full', 'x'.repeat(996))).status, 200);
  assert.equal((await api.capacity(agent)).used_bytes, CAPACITY);
  refusalOf(await api.put(agent, 'a', ''), 507, 'store_full');
  refusalOf(await api.put(agent, 'full', 'x'.repeat(997)), 507, 'store_full');
  assert.deepEqual(await api.capacity(agent), { used_bytes: CAPACITY, total_bytes: CAPACITY, key_count: 1 });
  assert.equal((await api.put(agent, 'full', 'y'.repeat(996))).status, 200, 'what does not grow fits');
  assert.equal((await api.put(agent, 'full', 'y'.repeat(990))).status, 200);
  assert.equal((await api.put(agent, 'a', '12345')).status, 200);
  refusalOf(await api.put(agent, 'a', '123456'), 507, 'store_full');
  await api.must(200, { method: 'DELETE', path: '/v1/state/full', as: agent.agent_token });
  assert.deepEqual(await api.capacity(agent), { used_bytes: 6, total_bytes: CAPACITY, key_count: 1 });
  await api.must(200, { method: 'DELETE', path: '/v1/state/a', as: agent.agent_token });
});

check('never goes past its capacity while many write at once, and counts exactly', async ({ api }) => {
  const agent = await api.agent();
  const keys = Array.from({ length: 60 }, (_, i) => `key-${String(i).padStart(2, '0')}`);
  const answers = await Promise.all(keys.map((key) => api.put(agent, key, 'v'.repeat(44))));
  const written = keys.filter((_, i) => answers[i]?.status === 200);
  assert.equal(written.length, CAPACITY / 50);
  for (const answer of answers.filter(({ status }) => status !== 200)) refusalOf(answer, 507, 'store_full');
  assert.deepEqual(await api.capacity(agent), { used_bytes: CAPACITY, total_bytes: CAPACITY, key_count: 20 });
  await Promise.all(
    written.map((key) => api.must(200, { method: 'DELETE', path: `/v1/state/${key}`, as: agent.agent_token })),
  );
  assert.deepEqual(await api.capacity(agent), { used_bytes: 0, total_bytes: CAPACITY, key_count: 0 });
});
