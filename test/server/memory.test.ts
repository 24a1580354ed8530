// What is told of subjects, read again and deleted, over both listeners.

import assert from 'node:assert/strict';
import { RFC_3339_UTC, UUID } from './expectations.js';
import { episode, MemoryApi, memoryRefusal } from './memory-api.js';
import { onBothListeners } from './on-both-listeners.js';

const check = onBothListeners();

check('gives an episode back as it was told', async ({ api }) => {
  const memory = new MemoryApi(api);
  const told = {
    subject_id: 'told/ä 1',
    source: 'chat',
    type: 'conversation',
    payload: { messages: [{ role: 'user', content: 'Hi \u0000 "x" 😀' }], deep: [[1, 2.5, null, { __proto__: 'x' }]] },
    metadata: { a: 1 },
    session_id: 's1',
    occurred_at: '2024-02-03T04:05:06+02:00',
  };
  const kept = await memory.must<Record<string, unknown>>(201, 'POST', '/v1/episodes', told);
  assert.match(String(kept.id), UUID);
  assert.match(String(kept.created_at), RFC_3339_UTC);
  assert.equal(kept.occurred_at, '2024-02-03T02:05:06.000Z');
  assert.deepEqual(kept.provenance, {});
  const { id: _id, created_at: _at, provenance: _provenance, occurred_at: _when, ...rest } = kept;
  const { occurred_at: _told, ...asked } = told;
  assert.deepEqual(rest, JSON.parse(JSON.stringify(asked)));
  const timeline = await memory.timeline('told/ä 1');
  assert.deepEqual(timeline.episodes, [kept]);
  assert.deepEqual(timeline.memories, []);
});

check('answers a repeated idempotency key with the first episode, in a batch too', async ({ api }) => {
  const memory = new MemoryApi(api);
  const first = await memory.tell('once', 'one', { idempotency_key: 'k' });
  assert.deepEqual(await memory.tell('once', 'another', { idempotency_key: 'k' }), first);
  const batch = await memory.must<{ episodes_created: number; episodes: unknown[] }>(
    201,
    'POST',
    '/v1/episodes/batch',
    {
      episodes: [
        episode('once', 'x', { idempotency_key: 'k' }),
        episode('once', 'y', { idempotency_key: 'k2' }),
        episode('once', 'z', { idempotency_key: 'k2' }),
        episode('elsewhere', 'x', { idempotency_key: 'k' }),
      ],
    },
  );
  assert.equal(batch.episodes_created, 2);
  assert.deepEqual(batch.episodes[0], first);
  assert.deepEqual(batch.episodes[1], batch.episodes[2]);
  assert.equal((await memory.timeline('once')).episodes.length, 2);
  assert.equal((await memory.timeline('elsewhere')).episodes.length, 1);
});

check('writes nothing of a batch of which one episode is wrong', async ({ api }) => {
  const memory = new MemoryApi(api);
  const wrong = [
    episode('', 'x'),
    episode('batch', 'x', { payload: 'x' }),
    episode('batch', 'x', { session_id: 'a\u0000b' }),
    episode('batch', 'x', { occurred_at: 'yesterday' }),
    episode('batch\ud800', 'x'),
    episode('x'.repeat(257), 'x'),
  ];
  for (const [index, one] of wrong.entries()) {
    const episodes = [episode('batch', 'good'), one];
    const refused = memoryRefusal(
      await memory.send('POST', '/v1/episodes/batch', { episodes }),
      422,
      'validation_error',
    );
    assert.match(refused.details?.[0]?.field ?? '', /^episodes\[1\]\./, `${index}: ${refused.message}`);
  }
  const tooMany = Array.from({ length: 101 }, () => episode('batch', 'x'));
  memoryRefusal(await memory.send('POST', '/v1/episodes/batch', { episodes: tooMany }), 422, 'validation_error');
  memoryRefusal(await memory.send('POST', '/v1/episodes/batch', { episodes: [] }), 422, 'validation_error');
  assert.deepEqual((await memory.timeline('batch')).episodes, []);
});

check('takes ids of 256 characters of any script', async ({ api }) => {
  const memory = new MemoryApi(api).ofTenant('t'.repeat(128));
  const id = '😀'.repeat(256);
  await memory.tell(id, 'x', { session_id: id, idempotency_key: id });
  assert.equal((await memory.timeline(id)).episodes.length, 1);
  assert.equal((await memory.remove(id)).episodes_deleted, 1);
});

check('takes a batch of 100 episodes of 50 messages each', async ({ api }) => {
  const memory = new MemoryApi(api);
  const messages = Array.from({ length: 50 }, (_, n) => ({ role: 'user', content: `message ${n}` }));
  const episodes = Array.from({ length: 100 }, () => episode('talkative', '', { payload: { messages } }));
  const told = await memory.must<{ episodes_created: number }>(201, 'POST', '/v1/episodes/batch', { episodes });
  assert.equal(told.episodes_created, 100);
});

check('names every field that is wrong', async ({ api }) => {
  const memory = new MemoryApi(api);
  const answer = await memory.send('POST', '/v1/episodes', { subject_id: 7, type: '', payload: [] });
  const { details } = memoryRefusal(answer, 422, 'validation_error');
  assert.deepEqual(details?.map(({ field }) => field).sort(), ['payload', 'source', 'subject_id', 'type']);
});

check('pages a timeline, oldest first, whatever is told meanwhile', async ({ api }) => {
  const memory = new MemoryApi(api);
  for (let i = 0; i < 5; i++) {
    const episodes = Array.from({ length: 50 }, (_, n) => episode('long', `${i * 50 + n}`));
    await memory.must(201, 'POST', '/v1/episodes/batch', { episodes });
  }
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: Awaited<ReturnType<MemoryApi['timeline']>> = await memory.timeline(
      'long',
      `&limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`,
    );
    assert.ok(page.episodes.length <= 100);
    assert.equal(page.episodes_has_more, page.next_cursor !== null);
    seen.push(...page.episodes.map(({ payload }) => String(payload.text)));
    cursor = page.next_cursor;
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 250 }, (_, n) => `${n}`),
  );
  assert.equal((await memory.timeline('long')).episodes.length, 250);
  memoryRefusal(await memory.send('GET', '/v1/timeline?subject_id=long&cursor=x'), 422, 'validation_error');
  memoryRefusal(await memory.send('GET', '/v1/timeline?subject_id=long&limit=0'), 422, 'validation_error');
});

check('lists the subjects of a tenant, and of no other', async ({ api }) => {
  const mine = new MemoryApi(api).ofTenant('lister');
  const other = new MemoryApi(api).ofTenant('liste');
  for (let i = 0; i < 7; i++) await mine.tell(`s${i}`, 'x');
  await other.tell('theirs', 'x');
  type Listed = {
    subjects: { subject_id: string; episode_count: number }[];
    total: number;
    next_cursor: string | null;
  };
  const all = await mine.must<Listed>(200, 'GET', '/v1/subjects');
  assert.deepEqual(
    all.subjects.map(({ subject_id }) => subject_id),
    ['s0', 's1', 's2', 's3', 's4', 's5', 's6'],
  );
  assert.equal(all.total, 7);
  assert.equal(all.subjects[0]?.episode_count, 1);
  const second = await mine.must<Listed>(200, 'GET', '/v1/subjects?limit=3&offset=3');
  assert.deepEqual(
    second.subjects.map(({ subject_id }) => subject_id),
    ['s3', 's4', 's5'],
  );
  const next = await mine.must<Listed>(200, 'GET', `/v1/subjects?limit=3&cursor=${second.next_cursor}`);
  assert.deepEqual(
    next.subjects.map(({ subject_id }) => subject_id),
    ['s6'],
  );
  assert.equal(next.next_cursor, null);
  assert.deepEqual((await mine.must<Listed>(200, 'GET', '/v1/subjects?offset=8')).subjects, []);
});

check('deletes all of a subject at once, and lets it begin anew', async ({ api }) => {
  const memory = new MemoryApi(api);
  const episodes = Array.from({ length: 100 }, (_, n) => episode('gone', `${n}`, { idempotency_key: `k${n}` }));
  for (let i = 0; i < 3; i++) {
    await memory.must(201, 'POST', '/v1/episodes/batch', { episodes });
    await memory.tell('gone', 'one more');
    assert.deepEqual(await memory.remove('gone'), { subject_id: 'gone', episodes_deleted: 101, memories_deleted: 0 });
    assert.deepEqual((await memory.timeline('gone')).episodes, []);
  }
  assert.deepEqual(await memory.remove('gone'), { subject_id: 'gone', episodes_deleted: 0, memories_deleted: 0 });
  const again = await memory.tell('gone', 'again', { idempotency_key: 'k1' });
  assert.equal(again.payload.text, 'again', 'a key of the life before means nothing');
  assert.deepEqual((await memory.timeline('gone')).episodes, [again]);
});

check('says to anyone that it is well, and which contract it keeps', async ({ api }) => {
  const memory = new MemoryApi(api);
  for (const path of ['/healthz', '/health']) {
    assert.deepEqual(await memory.must(200, 'GET', path), { status: 'ok' });
  }
  const version = await memory.must<{ api_contract: string }>(200, 'GET', '/v1/version');
  assert.equal(version.api_contract, 'v1');
});
