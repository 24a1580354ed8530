// Who is here: the registry, and what an operator does with the agents that are its own.

import assert from 'node:assert/strict';
import { RFC_3339_UTC, refusalOf, until } from './expectations.js';
import { onBothListeners } from './on-both-listeners.js';
import type { Agent, Operator, TroupeApi } from './troupe-api.js';

const check = onBothListeners();

interface Page {
  readonly agents: { readonly address: string; readonly registered_at: string }[];
  readonly next_cursor: string | null;
  readonly total: number;
}

async function allPages(api: TroupeApi, path: string, as: string, limit: number): Promise<Page['agents']> {
  const all: Page['agents'] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: Page = await api.must(200, { path: `${path}?limit=${limit}&cursor=${cursor}`, as });
    assert.ok(page.agents.length > 0 || all.length === 0, 'only a listing of nobody has an empty page');
    all.push(...page.agents);
    cursor = page.next_cursor;
  }
  return all;
}

async function agentsOf(api: TroupeApi, operator: Operator, count: number): Promise<Agent[]> {
  const agents: Agent[] = [];
  for (let i = 0; i < count; i++) agents.push(await api.agent(operator));
  return agents;
}

check('lists every agent, oldest first, in pages without gaps or repeats', async ({ api }) => {
  const operator = await api.operator();
  const agents = await agentsOf(api, operator, 7);
  const as = agents[0]!.agent_token;
  const whole = await api.must<Page>(200, { path: '/v1/registry?limit=1000', as });
  assert.equal(whole.next_cursor, null);
  assert.equal(whole.total, whole.agents.length);
  assert.deepEqual(
    whole.agents.slice(-7).map(({ address }) => address),
    agents.map(({ agent_address }) => agent_address),
  );
  for (const { registered_at } of whole.agents) assert.match(registered_at, RFC_3339_UTC);
  for (const limit of [1, 3, whole.total]) {
    assert.deepEqual(await allPages(api, '/v1/registry', as, limit), whole.agents, `limit ${limit}`);
  }
});

check('falls back to 100 for a limit that is out of range, and refuses a cursor of nowhere', async ({ api }) => {
  const { agent_token: as } = await api.agent();
  const { total } = await api.must<Page>(200, { path: '/v1/registry', as });
  for (const limit of ['0', '1001', 'x', '']) {
    const page = await api.must<Page>(200, { path: `/v1/registry?limit=${limit}`, as });
    assert.equal(page.agents.length, Math.min(100, total));
  }
  for (const cursor of ['!', '%zz', 'a', Buffer.from('x'.repeat(65)).toString('base64url')]) {
    refusalOf(await api.send({ path: `/v1/registry?cursor=${cursor}`, as }), 400, 'bad_request');
  }
});

check('lists for an operator the agents that are its own, and no others', async ({ api }) => {
  const [one, two] = [await api.operator(), await api.operator()];
  const agents = await agentsOf(api, one, 4);
  await api.agent(two);
  const page = await api.must<Page>(200, { path: '/v1/agents', as: one.api_key });
  assert.deepEqual(
    page.agents.map(({ address }) => address),
    agents.map(({ agent_address }) => agent_address),
  );
  assert.deepEqual([page.total, page.next_cursor], [4, null]);
  assert.deepEqual(await allPages(api, '/v1/agents', one.api_key, 3), page.agents);
  const nobody = await api.operator();
  assert.deepEqual(await api.must(200, { path: '/v1/agents', as: nobody.api_key }), {
    agents: [],
    next_cursor: null,
    total: 0,
  });
});

check('retires an agent: its token, address, inbox and listings end at once', async ({ api, server }) => {
  const operator = await api.operator();
  const [gone, other] = (await agentsOf(api, operator, 2)) as [Agent, Agent];
  // Used, so that it is known by heart when it must be forgotten.
  await api.message(gone, gone, 'unread');
  const total = async () => (await api.must<Page>(200, { path: '/v1/registry', as: other.agent_token })).total;
  const before = await total();
  const retire = { method: 'DELETE', path: `/v1/agents/${gone.agent_address}`, as: operator.api_key };
  assert.deepEqual(await api.must(200, retire), { address: gone.agent_address, retired: true });

  for (const path of ['/v1/agents/me', '/v1/messages', '/v1/state']) {
    refusalOf(await api.send({ path, as: gone.agent_token }), 401, 'unauthorized');
  }
  const body = { to: gone.agent_address, content: 'too late' };
  const late = await api.send({ method: 'POST', path: '/v1/messages', as: other.agent_token, body });
  refusalOf(late, 404, 'not_found');
  refusalOf(await api.send(retire), 404, 'not_found');
  assert.equal(await total(), before - 1);
  const listed = await allPages(api, '/v1/registry', other.agent_token, 1000);
  assert.ok(!listed.some(({ address }) => address === gone.agent_address));
  const owned = await api.must<Page>(200, { path: '/v1/agents', as: operator.api_key });
  assert.deepEqual([owned.total, owned.agents[0]?.address], [1, other.agent_address]);
  const status = await api.must<{ agents: number }>(200, { path: '/admin/status', as: await server.adminToken() });
  assert.equal(status.agents, before - 1);
});

check('refuses the waiting take of an agent that is retired', async ({ api, server }) => {
  const operator = await api.operator();
  const agent = await api.agent(operator);
  const admin = await server.adminToken();
  const call = api.open({ path: '/v1/messages?wait=20', as: agent.agent_token });
  await until('it waits', async () => {
    const status = await api.must<{ asksWaiting: number }>(200, { path: '/admin/status', as: admin });
    return status.asksWaiting === 1;
  });
  await api.must(200, { method: 'DELETE', path: `/v1/agents/${agent.agent_address}`, as: operator.api_key });
  refusalOf(await call.answer, 401, 'unauthorized');
});

check('gives an agent a new token, and the old one stops at once', async ({ api }) => {
  const operator = await api.operator();
  const agent = await api.agent(operator);
  await api.message(agent, agent, 'kept');
  const path = `/v1/agents/${agent.agent_address}/rotate-token`;
  const rotated = await api.must<Agent>(200, { method: 'POST', path, as: operator.api_key, body: {} });
  assert.equal(rotated.agent_address, agent.agent_address);
  assert.match(rotated.agent_token, /^at_live_[0-9a-f]{64}$/);
  refusalOf(await api.send({ path: '/v1/agents/me', as: agent.agent_token }), 401, 'unauthorized');
  assert.equal((await api.take(rotated)).messages[0]?.content, 'kept');
});

check('lets nobody but its operator touch an agent: to others it is not there', async ({ api }) => {
  const [owner, stranger] = [await api.operator(), await api.operator()];
  const agent = await api.agent(owner);
  const at = `/v1/agents/${agent.agent_address}`;
  const as = stranger.api_key;
  refusalOf(await api.send({ method: 'DELETE', path: at, as }), 404, 'not_found');
  refusalOf(await api.send({ method: 'POST', path: `${at}/rotate-token`, as, body: {} }), 404, 'not_found');
  assert.equal((await api.send({ path: '/v1/agents/me', as: agent.agent_token })).status, 200);
  for (const address of ['tab_00000000000000000000', 'nobody', 'A', 'x'.repeat(300), '%20']) {
    const path = `/v1/agents/${address}`;
    refusalOf(await api.send({ method: 'DELETE', path, as: owner.api_key }), 404, 'not_found');
  }
});
