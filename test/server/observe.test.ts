// The event log and the shared state, as those see them who only look.

import assert from 'node:assert/strict';
import type { SeenEvent } from './event-watcher.js';
import { RFC_3339_UTC, refusalOf } from './expectations.js';
import { onBothListeners } from './on-both-listeners.js';
import type { Agent, TroupeApi } from './troupe-api.js';

const check = onBothListeners({ 'observe.requests_per_min': 0 });

interface EventPage {
  readonly events: readonly SeenEvent[];
  readonly next_cursor: number;
  readonly has_more: boolean;
}
interface KeyPage {
  readonly keys: readonly {
    readonly key: string;
    readonly last_modified_by: string;
    readonly last_modified_at: string;
    readonly value_length: number;
  }[];
  readonly next_cursor: string | null;
  readonly total: number;
}

async function allEvents(api: TroupeApi, query = '', limit = 1000): Promise<SeenEvent[]> {
  const all: SeenEvent[] = [];
  for (let since = 0; ; ) {
    const path = `/observe/events?limit=${limit}&since=${since}&${query}`;
    const page = await api.must<EventPage>(200, { path });
    assert.ok(page.events.length <= limit);
    all.push(...page.events);
    if (!page.has_more) return all;
    since = page.next_cursor;
  }
}

async function twoAgents(api: TroupeApi): Promise<[Agent, Agent]> {
  const operator = await api.operator();
  return [await api.agent(operator), await api.agent(operator)];
}

check('tells every accepted action as one event, at once, in one order without gaps', async ({ api }) => {
  const [ann, bob] = await twoAgents(api);
  const { next_cursor: before } = await api.must<EventPage>(200, { path: '/observe/events?since=0&limit=1000' });
  const id = await api.message(ann, bob, 'hello');
  await api.take(bob);
  await api.put(ann, 'greeting', 'hällo');
  await api.must(200, { method: 'DELETE', path: '/v1/state/greeting', as: ann.agent_token });
  const { events, has_more } = await api.must<EventPage>(200, { path: `/observe/events?since=${before}` });
  const [a, b] = [ann.agent_address, bob.agent_address];
  assert.deepEqual(
    events.map(({ type, agent, data }) => ({ type, agent, data })),
    [
      { type: 'message_sent', agent: a, data: { message_id: id, from: a, to: b, content: 'hello', content_length: 5 } },
      { type: 'message_delivered', agent: b, data: { message_id: id, to: b, delivery_method: 'pull' } },
      { type: 'state_written', agent: a, data: { key: 'greeting', value: 'hällo', value_length: 6, written_by: a } },
      { type: 'state_deleted', agent: a, data: { key: 'greeting', deleted_by: a } },
    ],
  );
  assert.equal(has_more, false);
  for (const { ts } of events) assert.match(ts, RFC_3339_UTC);
  const all = await allEvents(api);
  assert.deepEqual(
    all.map(({ seq }) => seq),
    all.map((_, place) => place + 1),
  );
});

check('finds by type and by agent, in pages of any size, and tells no secret', async ({ api, server }) => {
  const [ann, bob] = await twoAgents(api);
  for (let i = 0; i < 20; i++) await api.message(i % 3 === 0 ? bob : ann, bob, `message ${i}`);
  for (let i = 0; i < 5; i++) await api.put(ann, `found-${i}`, 'x');
  const all = await allEvents(api);
  const filters: [query: string, matches: (event: SeenEvent) => boolean][] = [
    [`agent=${ann.agent_address}`, ({ agent }) => agent === ann.agent_address],
    ['type=state_written', ({ type }) => type === 'state_written'],
    ['type=state_written,agent_registered', ({ type }) => ['state_written', 'agent_registered'].includes(type)],
    [
      `type=message_sent&agent=${bob.agent_address}`,
      ({ type, agent }) => type === 'message_sent' && agent === bob.agent_address,
    ],
    ['type=never_seen', () => false],
    ['agent=nobody', () => false],
  ];
  for (const [query, matches] of filters) {
    for (const limit of [1, 3, 1000]) assert.deepEqual(await allEvents(api, query, limit), all.filter(matches), query);
  }
  const text = JSON.stringify(all);
  assert.doesNotMatch(text, /_live_|argon2|webhook_url/);
  assert.ok(!text.includes((await server.adminToken()).slice(8)));
});

check('bounds a page by its bytes, and leads on', async ({ api }) => {
  const agent = await api.agent();
  const value = 'v'.repeat(700_000);
  for (let i = 0; i < 4; i++) assert.equal((await api.put(agent, `large-${i}`, value)).status, 200);
  const query = `type=state_written&agent=${agent.agent_address}`;
  const first = await api.must<EventPage>(200, { path: `/observe/events?limit=1000&${query}` });
  assert.deepEqual([first.events.length, first.has_more], [2, true]);
  assert.equal((await allEvents(api, query)).length, 4);
});

check('lists keys without their values, and shows one entry with it', async ({ api }) => {
  const [ann, bob] = await twoAgents(api);
  for (const name of ['b', 'a', 'c', 'é']) await api.put(name === 'a' ? bob : ann, `seen/${name}`, `${name}${name}`);
  const page = await api.must<KeyPage>(200, { path: '/observe/state?prefix=seen%2F' });
  assert.deepEqual(
    page.keys.map(({ key, last_modified_by, value_length }) => [key, last_modified_by, value_length]),
    [
      ['seen/a', bob.agent_address, 2],
      ['seen/b', ann.agent_address, 2],
      ['seen/c', ann.agent_address, 2],
      ['seen/é', ann.agent_address, 4],
    ],
  );
  assert.deepEqual([page.next_cursor, page.total], [null, 4]);
  for (const each of page.keys) assert.match(each.last_modified_at, RFC_3339_UTC);
  const paged: KeyPage['keys'][number][] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const path = `/observe/state?prefix=seen%2F&limit=1&cursor=${cursor}`;
    const next: KeyPage = await api.must(200, { path });
    assert.equal(next.total, 4);
    paged.push(...next.keys);
    cursor = next.next_cursor;
  }
  assert.deepEqual(paged, page.keys);
  const whole = await api.must<KeyPage>(200, { path: '/observe/state?limit=1000' });
  assert.equal(whole.total, (await api.capacity(ann)).key_count);
  assert.equal(whole.keys.length, whole.total);

  const entry = await api.must(200, { path: '/observe/state/seen%2F%C3%A9' });
  assert.deepEqual(entry, { ...page.keys[3], value: 'éé' });
  refusalOf(await api.send({ path: '/observe/state/absent' }), 404, 'not_found');
});

check('says that it is well', async ({ api }) => {
  const health = await api.must<object>(200, { path: '/observe/health' });
  assert.deepEqual(health, await api.must(200, { path: '/v1/health' }));
});

check('lets pages of every origin look, where everybody may', async ({ api }) => {
  const headers = { origin: 'https://example.com' };
  for (const [path, status] of [
    ['/observe/events', 200],
    ['/observe/health', 200],
    ['/observe/state/absent', 404],
    ['/observe/events?since=x', 400],
  ] as const) {
    const answer = await api.send({ path, headers });
    assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [status, '*'], path);
    assert.ok(answer.headers['x-request-id']);
  }
  const preflight = await api.send({ method: 'OPTIONS', path: '/observe/events', headers });
  assert.deepEqual([preflight.status, preflight.headers['access-control-allow-origin']], [204, '*']);
  assert.equal(preflight.headers['access-control-allow-methods'], 'GET, HEAD, OPTIONS');
  for (const path of ['/v1/health', '/v1/state', '/admin/status']) {
    for (const method of ['GET', 'OPTIONS']) {
      const answer = await api.send({ method, path, headers });
      assert.equal(answer.headers['access-control-allow-origin'], undefined, path);
    }
  }
});

check('answers HEAD as GET without its body', async ({ api }) => {
  const path = '/observe/events?limit=2';
  const [get, head] = [await api.send({ path }), await api.send({ method: 'HEAD', path })];
  assert.deepEqual([head.status, head.text], [200, '']);
  assert.equal(head.headers['content-length'], get.headers['content-length']);
});
