// Memories out of episodes, now or as a job, over both listeners.

import assert from 'node:assert/strict';
import { UUID, until } from './expectations.js';
import { episode, MemoryApi, type MemoryOf, memoryRefusal } from './memory-api.js';
import { onBothListeners, onServersOfTheirOwn } from './on-both-listeners.js';

const check = onBothListeners();
const checkAlone = onServersOfTheirOwn({ 'memory.kind_ttl_days': '{"episode_summary":1}' });

interface Compiled {
  readonly subject_id: string;
  readonly memories_created: number;
  readonly memories: readonly MemoryOf[];
}
interface Job {
  readonly job_id: string;
  readonly status: string;
  readonly subject_id: string;
  readonly memories_created?: number;
  readonly memories?: readonly MemoryOf[];
}

const compile = (memory: MemoryApi, subject: string) =>
  memory.must<Compiled>(200, 'POST', '/v1/memories/compile', { subject_id: subject });
const startJob = (memory: MemoryApi, subject: string) =>
  memory.must<Job>(202, 'POST', '/v1/memories/compile', { subject_id: subject, async: true });
const jobOf = (memory: MemoryApi, id: string) => memory.must<Job>(200, 'GET', `/v1/memories/compile/${id}`);
const said = (subject: string, content: string) =>
  episode(subject, '', { payload: { messages: [{ role: 'user', content }] } });

check('compiles what was told since, once, with the episodes that each memory comes from', async ({ api }) => {
  const memory = new MemoryApi(api);
  const first = await memory.must<{ id: string }>(201, 'POST', '/v1/episodes', said('c', 'I work at Acme Corp.'));
  const compiled = await compile(memory, 'c');
  assert.equal(compiled.memories_created, compiled.memories.length);
  assert.ok(compiled.memories.length >= 2);
  assert.ok(compiled.memories.some(({ kind }) => kind === 'episode_summary'));
  assert.ok(compiled.memories.some(({ kind, content }) => kind === 'profile_fact' && content.includes('Acme')));
  for (const one of compiled.memories) assert.deepEqual(one.source_episode_ids, [first.id]);
  assert.deepEqual(await compile(memory, 'c'), { subject_id: 'c', memories_created: 0, memories: [] });
  assert.deepEqual((await memory.timeline('c')).memories, compiled.memories);
  await memory.must(201, 'POST', '/v1/episodes', said('c', 'I work at Globex now.'));
  const second = await compile(memory, 'c');
  assert.ok(second.memories.some(({ content }) => content.includes('Globex')));
  const { memories } = await memory.timeline('c');
  const acme = memories.find(({ kind, content }) => kind === 'profile_fact' && content.includes('Acme'));
  assert.equal(acme?.status, 'superseded');
  assert.notEqual(acme?.valid_to, null);
  const found = await memory.must<{ memories: MemoryOf[] }>(
    200,
    'GET',
    '/v1/memories/search?subject_id=c&kind=profile_fact',
  );
  assert.ok(found.memories.every(({ status, content }) => status === 'active' && !content.includes('Acme')));
  const removed = await memory.remove('c');
  assert.equal(removed.memories_deleted, memories.length);
  assert.deepEqual(await compile(memory, 'c'), { subject_id: 'c', memories_created: 0, memories: [] });
});

check('does a job behind the answer, and tells how it went', async ({ api }) => {
  const memory = new MemoryApi(api);
  for (let i = 0; i < 3; i++) {
    const episodes = Array.from({ length: 70 }, (_, n) => said('j', `I like the colour number ${i * 70 + n}.`));
    await memory.must(201, 'POST', '/v1/episodes/batch', { episodes });
  }
  const started = await startJob(memory, 'j');
  assert.match(started.job_id, UUID);
  assert.deepEqual(started, { job_id: started.job_id, status: 'pending', subject_id: 'j' });
  await until('the job is done', async () => (await jobOf(memory, started.job_id)).status === 'completed');
  const done = await jobOf(memory, started.job_id);
  const { memories } = await memory.timeline('j');
  assert.equal(done.memories_created, memories.length);
  assert.deepEqual(done.memories, memories);
  assert.equal(memories.filter(({ kind }) => kind === 'episode_summary').length, 210);
  const again = await startJob(memory, 'j');
  await until('the second job is done', async () => (await jobOf(memory, again.job_id)).status === 'completed');
  assert.equal((await jobOf(memory, again.job_id)).memories_created, 0);
  memoryRefusal(await memory.ofTenant('x').send('GET', `/v1/memories/compile/${started.job_id}`), 404, 'not_found');
  for (const id of ['x', '%', 'x'.repeat(5000), '00000000-0000-7000-8000-000000000000']) {
    memoryRefusal(await memory.send('GET', `/v1/memories/compile/${id}`), 404, 'not_found');
  }
  await memory.remove('j');
  memoryRefusal(await memory.send('GET', `/v1/memories/compile/${started.job_id}`), 404, 'not_found');
});

check('answers everyone who compiles the same subject at once, and makes each memory once', async ({ api }) => {
  const memory = new MemoryApi(api);
  for (let i = 0; i < 20; i++) await memory.must(201, 'POST', '/v1/episodes', said('crowd', `My pet is number ${i}.`));
  const all = await Promise.all(Array.from({ length: 10 }, () => compile(memory, 'crowd')));
  const { memories } = await memory.timeline('crowd');
  assert.equal(
    all.reduce((sum, { memories_created }) => sum + memories_created, 0),
    memories.length,
  );
  assert.equal(memories.filter(({ kind }) => kind === 'episode_summary').length, 20);
});

check('shows the admin the jobs, by status, subject and tenant, and lets one be deleted', async ({ api, server }) => {
  const memory = new MemoryApi(api).ofTenant('jobs');
  const admin = new MemoryApi(api, { authorization: `Bearer ${await server.adminToken()}` });
  await memory.must(201, 'POST', '/v1/episodes', said('a', 'I live in Oslo.'));
  const [a, b] = [await startJob(memory, 'a'), await startJob(memory, 'b')];
  await until('both are done', async () => {
    const jobs = await Promise.all([jobOf(memory, a.job_id), jobOf(memory, b.job_id)]);
    return jobs.every(({ status }) => status === 'completed');
  });
  type Listed = { jobs: { job_id: string; tenant_id: string; subject_id: string }[]; next_cursor: string | null };
  const list = (query = '') => admin.ofTenant('jobs').must<Listed>(200, 'GET', `/admin/jobs${query}`);
  assert.deepEqual(
    (await list()).jobs.map(({ job_id }) => job_id),
    [a.job_id, b.job_id],
  );
  const page = await list('?limit=1');
  assert.equal((await list(`?limit=1&cursor=${page.next_cursor}`)).jobs[0]?.job_id, b.job_id);
  assert.deepEqual((await list('?status=failed')).jobs, []);
  assert.equal((await list('?subject_id=b&status=completed')).jobs.length, 1);
  assert.ok((await admin.must<Listed>(200, 'GET', '/admin/jobs')).jobs.length >= 2);
  assert.deepEqual(await admin.must(200, 'POST', '/admin/jobs/reset-stuck', {}), { reset: 0 });
  memoryRefusal(await admin.send('DELETE', `/admin/jobs/${a.job_id}`), 404, 'not_found');
  await admin.ofTenant('jobs').must(200, 'DELETE', `/admin/jobs/${a.job_id}`);
  memoryRefusal(await memory.send('GET', `/v1/memories/compile/${a.job_id}`), 404, 'not_found');
  assert.equal((await list()).jobs.length, 1);
});

checkAlone('stamps the end of kinds that have one, and shows it', async ({ api }) => {
  const memory = new MemoryApi(api);
  await memory.must(201, 'POST', '/v1/episodes', said('ttl', 'I live in Oslo.'));
  const { memories } = await compile(memory, 'ttl');
  for (const { kind, valid_to } of memories) {
    assert.equal(valid_to === null, kind !== 'episode_summary', `${kind} ends at ${valid_to}`);
  }
});
