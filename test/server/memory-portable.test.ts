// A subject as one document, and out of one, over both listeners.

import assert from 'node:assert/strict';
import { checksumOf, type PortableData } from '../../src/actors/subject/portable.js';
import { episode, MemoryApi, memoryRefusal } from './memory-api.js';
import { onBothListeners, type Stage } from './on-both-listeners.js';

const check = onBothListeners();

interface Document extends PortableData {
  readonly subject_id: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly checksum: string;
}

async function adminOf({ api, server }: Stage): Promise<MemoryApi> {
  return new MemoryApi(api, { authorization: `Bearer ${await server.adminToken()}` });
}

async function tellOf(memory: MemoryApi, subject: string): Promise<void> {
  const episodes = ['I work at Acme.', 'I live in Oslo \u2028 "here".', 'Half a pair: \ud800'].map((content, n) =>
    episode(subject, '', {
      payload: { messages: [{ role: 'user', content }], b: 1.5e300, a: { z: null, ä: [true] } },
      session_id: `s${n}`,
    }),
  );
  await memory.must(201, 'POST', '/v1/episodes/batch', { episodes });
  await memory.must(200, 'POST', '/v1/memories/compile', { subject_id: subject });
  const resolution = { subject_id: subject, session_id: 's0', status: 'resolved', resolution_summary: 'done' };
  await memory.must(200, 'POST', '/v1/resolutions', resolution);
  await memory.must(201, 'POST', '/v1/episodes', episode(subject, 'not compiled yet'));
}

check('gives a subject back out of its document, record by record', async (stage) => {
  const memory = new MemoryApi(stage.api);
  const admin = await adminOf(stage);
  await tellOf(memory, 'port');
  const document = await admin.must<Document>(200, 'GET', '/admin/export/port');
  assert.equal(document.checksum, checksumOf(document));
  assert.deepEqual(document.counts, {
    episodes: document.episodes.length,
    memories: document.memories.length,
    resolutions: document.resolutions.length,
  });
  const before = await memory.timeline('port');
  const resolutions = await memory.must(200, 'GET', '/v1/resolutions?subject_id=port');
  memoryRefusal(await admin.send('POST', '/admin/import', document), 409, 'conflict');
  await memory.remove('port');
  assert.deepEqual(await admin.must(200, 'POST', '/admin/import', document), {
    subject_id: 'port',
    episodes_imported: 4,
    memories_imported: before.memories.length,
    resolutions_imported: 1,
  });
  assert.deepEqual(await memory.timeline('port'), { ...before, next_cursor: null });
  assert.deepEqual(await memory.must(200, 'GET', '/v1/resolutions?subject_id=port'), resolutions);
  const again = await admin.must<Document>(200, 'GET', '/admin/export/port');
  assert.equal(again.checksum, document.checksum);
  type Compiled = { memories: { source_episode_ids: string[] }[] };
  const compiled = await memory.must<Compiled>(200, 'POST', '/v1/memories/compile', { subject_id: 'port' });
  const fresh = before.episodes.at(-1)!.id;
  assert.ok(compiled.memories.length > 0);
  assert.ok(compiled.memories.every(({ source_episode_ids }) => source_episode_ids.includes(fresh)));
});

check('imports under another id and tenant, with new ids that fit together', async (stage) => {
  const memory = new MemoryApi(stage.api);
  const admin = await adminOf(stage);
  await tellOf(memory, 'original');
  const document = await admin.must<Document>(200, 'GET', '/admin/export/original');
  const there = memory.ofTenant('elsewhere');
  await admin.ofTenant('elsewhere').must(200, 'POST', '/admin/import?subject_id=a%2Fcopy&remap_ids=true', document);
  const [copy, original] = [await there.timeline('a/copy'), await memory.timeline('original')];
  assert.equal(copy.episodes.length, original.episodes.length);
  const ids = new Set(copy.episodes.map(({ id }) => id));
  for (const { id } of original.episodes) assert.ok(!ids.has(id));
  for (const { source_episode_ids } of copy.memories) assert.ok(source_episode_ids.every((id) => ids.has(id)));
  assert.ok(copy.episodes.every(({ subject_id }) => subject_id === 'a/copy'));
  assert.deepEqual((await memory.timeline('a/copy')).episodes, []);
});

check('takes nothing of a document that is wrong anywhere', async (stage) => {
  const memory = new MemoryApi(stage.api);
  const admin = await adminOf(stage);
  await tellOf(memory, 'source');
  const document = await admin.must<Document>(200, 'GET', '/admin/export/source');
  const [first, ...others] = document.episodes;
  const wrong: unknown[] = [
    [],
    {},
    { ...document, format_version: '2.0' },
    { ...document, checksum: '0'.repeat(64) },
    { ...document, episodes: others },
    { ...document, episodes: [{ ...first, source: 'changed' }, ...others] },
    { ...document, episodes: [{ ...first, created_at: 'never' }, ...others] },
    { ...document, memories: 'none' },
    { ...document, counts: { episodes: 1 } },
  ];
  for (const body of wrong) {
    const answer = await admin.send('POST', '/admin/import?subject_id=wrong', body);
    const { details } = memoryRefusal(answer, 422, 'validation_error');
    assert.ok((details?.length ?? 0) > 0);
  }
  assert.deepEqual((await memory.timeline('wrong')).episodes, []);
  memoryRefusal(await admin.send('GET', '/admin/export/wrong'), 404, 'not_found');
  assert.equal((await memory.send('GET', '/admin/export/source')).status, 401);
  assert.equal((await memory.send('POST', '/admin/import', document)).status, 401);
});

check('carries megabytes out and in again', async (stage) => {
  const memory = new MemoryApi(stage.api);
  const admin = await adminOf(stage);
  const text = 'x'.repeat(1_000_000);
  for (let i = 0; i < 6; i++) await memory.tell('large', `${i} ${text}`);
  const document = await admin.must<Document>(200, 'GET', '/admin/export/large');
  await admin.must(200, 'POST', '/admin/import?subject_id=large2', document);
  assert.deepEqual(
    (await memory.timeline('large2')).episodes.map(({ id }) => id),
    document.episodes.map(({ id }) => id),
  );
});

check('keeps what is nested as deep as a body can be, or refuses it', async ({ api }) => {
  const memory = new MemoryApi(api);
  for (const depth of [100, 254, 255, 3_000, 8_000]) {
    const bytes = `{"subject_id":"deep","source":"t","type":"n","payload":{"d":${'['.repeat(depth)}${']'.repeat(depth)}}}`;
    const answer = await api.send({
      method: 'POST',
      path: '/v1/episodes',
      bytes,
      headers: { 'content-type': 'application/json' },
    });
    if (depth < 255) assert.equal(answer.status, 201, answer.text);
    else memoryRefusal(answer, 422, 'validation_error');
  }
  await memory.must(200, 'POST', '/v1/memories/compile', { subject_id: 'deep' });
  await memory.must(200, 'POST', '/v1/context', { subject_id: 'deep', task: 'x' });
  assert.equal((await memory.send('GET', '/v1/timeline?subject_id=deep')).status, 200);
});
