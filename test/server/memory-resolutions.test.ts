// How sessions stand, as it is told, over both listeners.

import assert from 'node:assert/strict';
import { UUID } from './expectations.js';
import { MemoryApi, memoryRefusal } from './memory-api.js';
import { onBothListeners } from './on-both-listeners.js';

const check = onBothListeners();

interface Resolution {
  readonly id: string;
  readonly session_id: string;
  readonly status: string;
  readonly resolution_summary: string | null;
  readonly resolved_at: string | null;
  readonly metadata: object;
  readonly created_at: string;
}

check('keeps one resolution for each session, and its place', async ({ api }) => {
  const memory = new MemoryApi(api);
  const set = (session: string, more: object = {}) =>
    memory.must<Resolution>(200, 'POST', '/v1/resolutions', { subject_id: 'r', session_id: session, ...more });
  const first = await set('s1', { metadata: { a: 1 } });
  assert.match(first.id, UUID);
  assert.deepEqual([first.status, first.resolution_summary, first.resolved_at], ['open', null, null]);
  await set('s2', { status: 'unresolved' });
  const resolved = await set('s1', { status: 'resolved', resolution_summary: 'refunded' });
  assert.equal(resolved.id, first.id);
  assert.equal(resolved.created_at, first.created_at);
  assert.ok(resolved.resolved_at !== null && resolved.resolved_at >= first.created_at);
  assert.deepEqual(resolved.metadata, { a: 1 });
  const list = (query: string) => memory.must<Resolution[]>(200, 'GET', `/v1/resolutions?subject_id=r${query}`);
  assert.deepEqual(
    (await list('')).map(({ session_id, status }) => [session_id, status]),
    [
      ['s1', 'resolved'],
      ['s2', 'unresolved'],
    ],
  );
  assert.deepEqual(
    (await list('&status=unresolved')).map(({ session_id }) => session_id),
    ['s2'],
  );
  assert.deepEqual(
    (await list('&limit=1&offset=1')).map(({ session_id }) => session_id),
    ['s2'],
  );
  assert.equal((await set('s1', { status: 'open' })).resolved_at, null);
  await memory.remove('r');
  assert.deepEqual(await list(''), []);
});

check('refuses what is no resolution', async ({ api }) => {
  const memory = new MemoryApi(api);
  const wrong = [
    {},
    { subject_id: 'r2' },
    { subject_id: 'r2', session_id: '' },
    { subject_id: 'r2', session_id: 's', status: 'done' },
    { subject_id: 'r2', session_id: 's', metadata: [] },
    { subject_id: 'r2', session_id: 'x'.repeat(257) },
    { subject_id: 'r2', session_id: 'a\u0000' },
    { subject_id: 'r2', session_id: 's', resolution_summary: 'x'.repeat(4001) },
  ];
  for (const body of wrong) {
    memoryRefusal(await memory.send('POST', '/v1/resolutions', body), 422, 'validation_error');
  }
  memoryRefusal(await memory.send('GET', '/v1/resolutions'), 422, 'validation_error');
  memoryRefusal(await memory.send('GET', '/v1/resolutions?subject_id=r2&status=x'), 422, 'validation_error');
  assert.deepEqual(await memory.must(200, 'GET', '/v1/resolutions?subject_id=r2'), []);
});
