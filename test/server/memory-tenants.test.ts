// Whose data it is: tenants, keys, agents and the admin, over both listeners.

import assert from 'node:assert/strict';
import { type MemoryRouteName, memoryRoutes } from '../../src/contract/memory-routes.js';
import { episode, MemoryApi, memoryRefusal } from './memory-api.js';
import { onBothListeners, type Stage } from './on-both-listeners.js';

const ACME = 'key-of-acme-0123456789';
const ANY = 'key-of-any-0123456789';
const OTHER = 'key-of-other-0123456789';

const check = onBothListeners({
  'memory.api_keys': JSON.stringify([`${ACME}@acme`, ANY, `${OTHER}@other`]),
  'memory.require_tenant': 'true',
});

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

/** A request for each route that is about a subject, as whoever may make it would. */
function asksAbout(subject: string, jobId: string): Partial<Record<MemoryRouteName, Asked>> {
  const id = encodeURIComponent(subject);
  const asks: Partial<Record<string, Asked>> = {
    createEpisode: { method: 'POST', path: '/v1/episodes', body: episode(subject, 'x') },
    createEpisodes: { method: 'POST', path: '/v1/episodes/batch', body: { episodes: [episode(subject, 'x')] } },
    compile: { method: 'POST', path: '/v1/memories/compile', body: { subject_id: subject } },
    compileJob: { method: 'GET', path: `/v1/memories/compile/${jobId}` },
    searchMemories: { method: 'GET', path: `/v1/memories/search?subject_id=${id}` },
    context: { method: 'POST', path: '/v1/context', body: { subject_id: subject, task: 'secret' } },
    timeline: { method: 'GET', path: `/v1/timeline?subject_id=${id}` },
    listSubjects: { method: 'GET', path: '/v1/subjects' },
    deleteSubject: { method: 'DELETE', path: `/v1/subjects/${id}` },
    setResolution: { method: 'POST', path: '/v1/resolutions', body: { subject_id: subject, session_id: 's' } },
    listResolutions: { method: 'GET', path: `/v1/resolutions?subject_id=${id}` },
    handoff: {
      method: 'POST',
      path: '/v1/handoff',
      body: { subject_id: subject, session_id: 's', reason: 'escalation' },
    },
    health: { method: 'GET', path: `/v1/subjects/${id}/health` },
    sla: { method: 'GET', path: `/v1/subjects/${id}/sla` },
  };
  const ofKeys = Object.entries(memoryRoutes).filter(([, { access }]) => access === 'key');
  for (const [name] of ofKeys) assert.ok(Object.hasOwn(asks, name), `${name} is asked too`);
  const known = Object.entries(asks).filter(([name]) => Object.hasOwn(memoryRoutes, name));
  return Object.fromEntries(known) as Partial<Record<MemoryRouteName, Asked>>;
}

const withKey = ({ api }: Stage, key: string, tenant?: string) =>
  new MemoryApi(api, { 'x-api-key': key, ...(tenant !== undefined && { 'x-tenant-id': tenant }) });

check('answers about what is another tenant’s as about what is not there, at every route', async (stage) => {
  const acme = withKey(stage, ACME);
  const secret = await acme.tell('alice', 'the secret of alice', { session_id: 's', idempotency_key: 'k' });
  await acme.must(200, 'POST', '/v1/resolutions', { subject_id: 'alice', session_id: 's', status: 'open' });
  const callers = {
    'another tenant’s own key': withKey(stage, OTHER),
    'any key, as another tenant': withKey(stage, ANY, 'third'),
    'any key, as a tenant whose name begins the same': withKey(stage, ANY, 'acm'),
    'any key, as a tenant with a slash': withKey(stage, ANY, 'acme/alice'),
  };
  for (const [who, caller] of Object.entries(callers)) {
    for (const [name, ask] of Object.entries(asksAbout('alice', secret.id))) {
      const guessed = await caller.send(ask.method, ask.path, ask.body);
      const [absent] = Object.entries(asksAbout('nobody', '00000000-0000-7000-8000-000000000000')).filter(
        ([each]) => each === name,
      );
      const unknown = await caller.send(absent![1].method, absent![1].path, absent![1].body);
      const shape = (text: string) =>
        text
          .replaceAll('nobody', 'alice')
          .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'id')
          .replace(/"\d{4}-[^"]*Z"/g, 'time')
          .replace(/"request_id":"[^"]*"/, '');
      if (name !== 'listSubjects') assert.equal(shape(guessed.text), shape(unknown.text), `${name} as ${who}`);
      assert.equal(guessed.status, unknown.status, `${name} as ${who}`);
      assert.ok(!guessed.text.includes('secret of'), `${name} as ${who}: ${guessed.text}`);
      assert.ok(!guessed.text.includes(secret.id), `${name} as ${who}: ${guessed.text}`);
      await caller.remove('alice');
      await caller.remove('nobody');
    }
  }
  assert.deepEqual((await acme.timeline('alice')).episodes, [secret], 'nobody else changed or deleted anything');
  assert.deepEqual(await acme.tell('alice', 'again', { idempotency_key: 'k' }), secret);
  await acme.remove('alice');
});

check('lets nobody in without a key, or with one that is none, and binds a key to its tenant', async (stage) => {
  const nobody = new MemoryApi(stage.api, { 'x-tenant-id': 'acme' });
  for (const [name, { method, path, body }] of Object.entries(asksAbout('alice', 'x'))) {
    memoryRefusal(await nobody.send(method, path, body), 401, 'missing_api_key');
    for (const key of ['x', '', ACME.slice(0, -1), `${ACME}@acme`, `${ACME}x`, ACME.toUpperCase()]) {
      const answer = await nobody.as({ 'x-api-key': key }).send(method, path, body);
      assert.ok([401, 403].includes(answer.status), `${name} with the key ${key}: ${answer.status}`);
    }
    memoryRefusal(await withKey(stage, ACME, 'other').send(method, path, body), 403, 'invalid_api_key');
    memoryRefusal(await withKey(stage, ANY).send(method, path, body), 400, 'missing_tenant');
    memoryRefusal(await withKey(stage, ANY, 'a b').send(method, path, body), 422, 'validation_error');
    memoryRefusal(await withKey(stage, ANY, 'x'.repeat(129)).send(method, path, body), 422, 'validation_error');
  }
});

check('gives an agent its own subject, and no other', async (stage) => {
  const { api } = stage;
  const [agent, stranger] = [await api.agent(), await api.agent()];
  const mine = new MemoryApi(api, { authorization: `Bearer ${agent.agent_token}` });
  const own = await mine.tell(agent.agent_address, 'mine');
  assert.deepEqual((await mine.timeline(agent.agent_address)).episodes, [own]);
  for (const [name, { method, path, body }] of Object.entries(asksAbout(stranger.agent_address, 'x'))) {
    const answer = await mine.send(method, path, body);
    assert.equal(answer.status, 404, `${name}: ${answer.text}`);
  }
  memoryRefusal(await mine.ofTenant('acme').send('GET', '/v1/timeline?subject_id=x'), 403, 'invalid_api_key');
  const wrong = new MemoryApi(api, { authorization: `Bearer at_live_${'0'.repeat(64)}` });
  memoryRefusal(await wrong.send('GET', `/v1/timeline?subject_id=${agent.agent_address}`), 401, 'missing_api_key');
  assert.equal((await mine.remove(agent.agent_address)).episodes_deleted, 1);
});

check('tells the admin, and nobody else, what each tenant has', async (stage) => {
  const acme = withKey(stage, ANY, 'counted');
  const first = await acme.tell('a', 'x');
  const second = await acme.tell('b', 'y');
  const admin = new MemoryApi(stage.api, { authorization: `Bearer ${await stage.server.adminToken()}` });
  const expected = {
    tenant_id: 'counted',
    subjects: 2,
    episodes: 2,
    memories: 0,
    bytes: Buffer.byteLength(JSON.stringify(first)) + Buffer.byteLength(JSON.stringify(second)),
    compiles: 0,
    contexts: 0,
  };
  assert.deepEqual(await admin.ofTenant('counted').must(200, 'GET', '/admin/usage'), expected);
  type Tenants = { tenants: { tenant_id: string | null }[]; next_cursor: string | null };
  const seen: unknown[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${cursor}`;
    const page: Tenants = await admin.must(200, 'GET', `/admin/tenants?limit=1${query}`);
    seen.push(...page.tenants);
    cursor = page.next_cursor;
  } while (cursor !== null);
  assert.ok(seen.some((one) => JSON.stringify(one) === JSON.stringify(expected)));
  const dashboard = await admin.must<{ tenants: number; episodes: number }>(200, 'GET', '/admin/dashboard');
  assert.equal(dashboard.tenants, seen.length);
  assert.ok(dashboard.episodes >= 2);
  for (const path of ['/admin/usage', '/admin/tenants', '/admin/dashboard']) {
    assert.equal((await acme.send('GET', path)).status, 401);
    assert.equal((await new MemoryApi(stage.api).send('GET', path)).status, 401);
  }
  await acme.remove('a');
  await acme.remove('b');
  assert.equal((await admin.ofTenant('counted').must<{ bytes: number }>(200, 'GET', '/admin/usage')).bytes, 0);
});

check('says whether its store answers, to anyone', async ({ api }) => {
  const anyone = new MemoryApi(api);
  for (const path of ['/readyz', '/ready']) {
    const ready = await anyone.must<{ status: string; dependencies: { name: string; status: string }[] }>(
      200,
      'GET',
      path,
    );
    assert.equal(ready.status, 'ready');
    assert.deepEqual(
      ready.dependencies.map(({ name, status }) => [name, status]),
      [['store', 'ok']],
    );
  }
});
