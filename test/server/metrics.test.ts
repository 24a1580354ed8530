// GET /metrics and GET /admin/ceilings on the real server: the page is right under load, counts what was sent, tells no
// secret, and is shown to whom it may be shown.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { CeilingList } from '../../src/contract/server.js';
import { PrometheusPage } from '../transport/metrics/prometheus-page.js';
import { bodyOf, RFC_3339_UTC, refusalOf, until } from './expectations.js';
import { onBothListeners, onServersOfTheirOwn, type Stage } from './on-both-listeners.js';
import { SessionClient } from './session-client.js';
import type { Agent } from './troupe-api.js';
import { runTroupe } from './troupe-command.js';

const AGENTS = 4;
const MESSAGES = 60;
const WRITES = 30;
const SCRAPES = 20;
const PATH = '/metrics';

const check = onBothListeners({ workers: 2 });
const checkForAdmins = onBothListeners({ workers: 1, 'metrics.access': 'admin' });
const checkForAll = onBothListeners({ workers: 1, 'metrics.access': 'public' });
const checkAlone = onServersOfTheirOwn({ workers: 2 });

async function scrape({ api }: Stage): Promise<PrometheusPage> {
  const answer = await api.send({ path: PATH });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  return new PrometheusPage(answer.text);
}

/** By the main thread, of requests that this test has had the answers of: all are in the next page. */
function sent(page: PrometheusPage, route: string, status: number): number {
  return page.sum('troupe_request_seconds_count', { route, status: String(status) });
}

checkAlone('counts under load what was sent, on pages that a strict reader takes', async (stage) => {
  const { api, server } = stage;
  const operator = await api.operator();
  const agents: Agent[] = [];
  for (let i = 0; i < AGENTS; i++) agents.push(await api.agent(operator));
  let isOver = false;
  const load = Promise.all(
    agents.map(async (from, index) => {
      const to = agents[(index + 1) % AGENTS]!;
      for (let i = 0; i < MESSAGES; i++) await api.message(from, to, 'content');
      for (let i = 0; i < WRITES; i++) bodyOf(await api.put(from, `key-${index}`, `${i}`), 200);
    }),
  ).finally(() => {
    isOver = true;
  });
  let last = 0;
  for (let i = 0; i < SCRAPES || !isOver; i++) {
    const messages = (await scrape(stage)).value('troupe_messages_total');
    assert.ok(messages >= last && messages <= AGENTS * MESSAGES);
    last = messages;
  }
  await load;

  const [first, second] = agents as [Agent, Agent];
  const client = await SessionClient.live(server.port, first);
  const send = { type: 'send', id: 1, to: second.agent_address, content: 'from a session' };
  assert.equal((await client.ask(send)).type, 'ok');
  const toNobody = { type: 'send', id: 2, to: 'nobody', content: 'from a session' };
  assert.equal((await client.ask(toNobody)).error, 'not_found');
  const batch = {
    messages: [
      { to: second.agent_address, content: 'one' },
      { to: 'nobody', content: 'two' },
    ],
  };
  await api.must(200, { method: 'POST', path: '/v1/messages/batch', as: first.agent_token, body: batch });
  const once = { method: 'POST', path: '/v1/messages', as: first.agent_token, headers: { 'idempotency-key': 'k' } };
  for (let i = 0; i < 2; i++) await api.must(202, { ...once, body: { to: second.agent_address, content: 'once' } });
  refusalOf(await api.send({ path: '/v1/nothing' }), 404, 'not_found');
  refusalOf(await api.get(first, 'no-such-key'), 404, 'not_found');
  refusalOf(await api.send({ path: '/v1/messages' }), 401, 'unauthorized');

  const page = await scrape(stage);
  assert.equal(page.value('troupe_messages_total'), AGENTS * MESSAGES + 3);
  assert.equal(sent(page, 'sendMessage', 202), AGENTS * MESSAGES + 2);
  assert.equal(sent(page, 'putState', 200), AGENTS * WRITES);
  assert.equal(sent(page, 'registerAgent', 201), AGENTS);
  assert.equal(sent(page, 'session.send', 200), 1);
  assert.equal(sent(page, 'session.send', 404), 1);
  assert.equal(sent(page, 'sendBatch', 200), 1);
  assert.equal(sent(page, 'none', 404), 1);
  assert.equal(sent(page, 'takeMessages', 401), 1);
  // An item of the batch, a frame, a path and a key.
  assert.equal(page.value('troupe_refusals_total', { code: 'NOT_FOUND' }), 4);
  assert.equal(page.value('troupe_refusals_total', { code: 'UNAUTHORIZED' }), 1);
  assert.equal(page.value('troupe_sessions'), 1);
  assert.equal(page.value('troupe_dead_letters_total'), 0);
  assert.equal(page.value('troupe_worker_restarts_total'), 0);
  // Each agent and each operator was hashed for its token, and once more at its first use.
  assert.equal(page.value('troupe_hash_seconds_count'), 1 + 2 * (1 + AGENTS));
  assert.equal(page.value('troupe_hash_wait_seconds_count'), 1 + 2 * (1 + AGENTS));
  assert.ok(page.value('troupe_turn_seconds_sum', { kind: 'agent' }) > 0);
  assert.ok(page.value('troupe_mailbox_wait_seconds_count') > 0);
  assert.ok(page.value('troupe_commit_seconds_count') > 0);
  const events = page.value('troupe_event_append_seconds_count');
  assert.ok(events >= AGENTS * (MESSAGES + WRITES) && events >= page.value('troupe_commit_seconds_count') / 2);
  for (const thread of ['main', 'journal', 'applier', 'shard-0', 'shard-1']) {
    assert.ok(page.value('troupe_heap_used_bytes', { thread }) > 1_000_000, thread);
    assert.equal(page.values('troupe_event_loop_delay_seconds', { thread }).length, 3, thread);
  }
  assert.ok(page.value('process_resident_memory_bytes') > 1_000_000);
  assert.ok(page.value('troupe_resident_actors') >= AGENTS);
  await client.close();
  await until('the session is gone', async () => (await scrape(stage)).value('troupe_sessions') === 0);
});

checkAlone('has every metric that docs/metrics.md names', async (stage) => {
  const { api, server } = stage;
  const agent = await api.agent();
  await api.message(agent, agent, 'content');
  refusalOf(await api.get(agent, 'no-such-key'), 404, 'not_found');
  const client = await SessionClient.live(server.port, agent);
  const page = await scrape(stage);
  const doc = readFileSync('docs/metrics.md', 'utf8');
  const named = [...doc.matchAll(/^\| `((?:troupe|process)_\w+)` +\|/gm)].map(([, name]) => name!);
  assert.ok(named.length > 30);
  // Of mailboxes in which something waits just now, and of traces.
  const other = ['troupe_deepest_mailbox_depth', 'troupe_spans_total'];
  for (const name of named) assert.ok(page.families.has(name) || other.includes(name), name);
  for (const thread of ['main', 'journal', 'applier', 'shard-0', 'shard-1']) {
    const [external, buffers] = ['troupe_external_bytes', 'troupe_array_buffer_bytes'].map((name) =>
      page.value(name, { thread }),
    );
    assert.ok(buffers! > 0 && external! > 0, thread);
  }
  await client.close();
});

checkAlone('counts a worker that was replaced, and goes on with what it had counted', async (stage) => {
  const { api, server } = stage;
  const admin = await server.adminToken();
  const agent = await api.agent();
  await api.message(agent, agent, 'before');
  const turns = (page: PrometheusPage): number => page.sum('troupe_turn_seconds_count');
  const before = turns(await scrape(stage));
  assert.ok(before > 0);
  for (const worker of [0, 1]) {
    await api.must(200, { method: 'POST', path: `/admin/workers/${worker}/replace`, as: admin, body: {} });
  }
  const page = await scrape(stage);
  assert.equal(page.value('troupe_worker_restarts_total'), 2);
  assert.ok(turns(page) >= before);
});

check('tells no token, no hash and no content', async (stage) => {
  const { api, server } = stage;
  const admin = await server.adminToken();
  const operator = await api.operator();
  const agent = await api.agent(operator);
  await api.message(agent, agent, 'a-content-that-is-private');
  await api.put(agent, 'a-key-that-is-private', 'a-value-that-is-private');
  await api.send({ path: '/v1/a-path-that-is-private?token=x', as: agent.agent_token });
  for (const as of [undefined, admin]) {
    const { status, text } = await api.send({ path: PATH, ...(as !== undefined && { as }) });
    assert.equal(status, 200);
    for (const secret of [admin, operator.api_key, agent.agent_token]) {
      assert.ok(!text.includes(secret) && !text.includes(secret.slice(8, 40)));
    }
    assert.doesNotMatch(text, /_live_|\$argon2|private/);
  }
});

check('shows the page to the admin, and without a token only to whoever asks from here', async ({ api, server }) => {
  const admin = await server.adminToken();
  const agent = await api.agent();
  const headers = { 'x-forwarded-for': '203.0.113.9' };
  assert.equal((await api.send({ path: PATH })).status, 200);
  assert.equal((await api.send({ method: 'HEAD', path: PATH })).status, 200);
  refusalOf(await api.send({ path: PATH, headers }), 401, 'unauthorized');
  refusalOf(await api.send({ path: PATH, headers, as: agent.agent_token }), 401, 'unauthorized');
  assert.equal((await api.send({ path: PATH, headers, as: admin })).status, 200);
  refusalOf(await api.send({ method: 'POST', path: PATH, body: {} }), 405, 'method_not_allowed');
});

checkForAdmins('shows it to the admin alone where the config says so', async ({ api, server }) => {
  const agent = await api.agent();
  refusalOf(await api.send({ path: PATH }), 401, 'unauthorized');
  refusalOf(await api.send({ path: PATH, as: agent.agent_token }), 401, 'unauthorized');
  refusalOf(await api.send({ path: PATH, as: `ad_live_${'0'.repeat(64)}` }), 401, 'unauthorized');
  assert.equal((await api.send({ path: PATH, as: await server.adminToken() })).status, 200);
});

checkForAll('shows it to everybody where the config says so', async ({ api }) => {
  const answer = await api.send({ path: PATH, headers: { 'x-forwarded-for': '203.0.113.9' } });
  assert.ok(new PrometheusPage(answer.text).value('troupe_info') === 1);
});

check('tells the ceilings to the admin alone, and troupe ceilings prints them', async ({ api, server }) => {
  const path = '/admin/ceilings';
  const admin = await server.adminToken();
  refusalOf(await api.send({ path }), 401, 'unauthorized');
  const { ceilings } = await api.must<CeilingList>(200, { path, as: admin });
  const components = ceilings.map(({ component }) => component);
  assert.deepEqual(components, ['storage', 'event_log', 'authentication', 'queues', 'registry', 'webhooks', 'server']);
  for (const { state, since, value, threshold, next_step } of ceilings) {
    assert.match(since, RFC_3339_UTC);
    assert.ok(['ok', 'watch', 'act'].includes(state) && threshold > 0 && next_step !== '');
    assert.ok(value === null || value >= 0);
  }
  const words = ['ceilings', '--url', server.url];
  const printed = await runTroupe([...words, '--once', '--token', admin]);
  assert.deepEqual([printed.code, printed.stderr], [0, '']);
  assert.match(printed.stdout, /^component +measure +value +threshold +state +trend +since\n/);
  for (const component of components) assert.match(printed.stdout, new RegExp(`^${component} `, 'm'));
  // What is no terminal is not refreshed.
  const again = await runTroupe(words, { environment: { TROUPE_ADMIN_TOKEN: admin } });
  assert.equal(again.code, 0);
  const stranger = await runTroupe([...words, '--token', `ad_live_${'0'.repeat(64)}`]);
  assert.deepEqual([stranger.code, stranger.stdout], [1, '']);
  assert.match(stranger.stderr, /\/admin\/ceilings was answered 401/);
});
