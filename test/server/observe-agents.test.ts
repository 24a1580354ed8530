// What every agent has done and who speaks to whom, as those see it who only look: held to what a naive reading of the
// event log counts.

import assert from 'node:assert/strict';
import type { SeenEvent } from './event-watcher.js';
import { refusalOf } from './expectations.js';
import { onBothListeners } from './on-both-listeners.js';
import { type AgentPage, allAgents, allEdges, allPeers, type Network, type WithPeers } from './summary-pages.js';
import type { Agent, TroupeApi } from './troupe-api.js';

const check = onBothListeners({ 'observe.requests_per_min': 0 });

async function agents(api: TroupeApi, count: number): Promise<Agent[]> {
  const operator = await api.operator();
  const all: Agent[] = [];
  for (let i = 0; i < count; i++) all.push(await api.agent(operator));
  return all;
}

async function allEvents(api: TroupeApi): Promise<SeenEvent[]> {
  const all: SeenEvent[] = [];
  for (let since = 0; ; ) {
    const path = `/observe/events?limit=1000&since=${since}`;
    const page = await api.must<{ events: SeenEvent[]; next_cursor: number; has_more: boolean }>(200, { path });
    all.push(...page.events);
    if (!page.has_more) return all;
    since = page.next_cursor;
  }
}

check('sums up what each agent has done, at once', async ({ api }) => {
  const [ann, bob, eve] = (await agents(api, 3)) as [Agent, Agent, Agent];
  for (let i = 0; i < 3; i++) await api.message(ann, bob, `to bob ${i}`);
  await api.message(bob, ann, 'back');
  await api.message(eve, eve, 'note to self');
  await api.put(ann, 'summed', 'a');
  await api.put(ann, 'summed', 'b');
  const one = await api.must<WithPeers>(200, { path: `/observe/agents/${ann.agent_address}` });
  const { registered_at, last_active, ...rest } = one;
  assert.deepEqual(rest, {
    address: ann.agent_address,
    retired_at: null,
    messages_sent: 3,
    messages_received: 1,
    state_writes: 2,
    peers: [{ address: bob.agent_address, messages_sent: 3, messages_received: 1 }],
    peers_total: 1,
    next_cursor: null,
  });
  const { agents: registry } = await api.must<{ agents: { address: string; registered_at: string }[] }>(200, {
    path: '/v1/registry?limit=1000',
    as: ann.agent_token,
  });
  assert.equal(registered_at, registry.find(({ address }) => address === ann.agent_address)?.registered_at);
  assert.ok(last_active >= registered_at);
  const self = await api.must<WithPeers>(200, { path: `/observe/agents/${eve.agent_address}` });
  assert.deepEqual(self.peers, [{ address: eve.agent_address, messages_sent: 1, messages_received: 1 }]);
  // Each call has what was acknowledged just before it.
  for (let i = 2; i < 12; i++) {
    await api.message(ann, eve, 'one more');
    const { messages_sent } = await api.must<WithPeers>(200, { path: `/observe/agents/${ann.agent_address}` });
    assert.equal(messages_sent, 2 + i);
  }
});

check('agrees with a recount of the event log, in pages of any size', async ({ api }) => {
  const all = await agents(api, 6);
  for (const [place, from] of all.entries()) {
    for (let i = 0; i <= place * 3; i++) await api.message(from, all[(place * i + 1) % all.length]!, 'x');
    if (place % 2 === 0) await api.put(from, `recounted-${place}`, 'x');
  }
  await api.take(all[0]!);
  const events = await allEvents(api);
  const sent = events.filter(({ type }) => type === 'message_sent');
  const edges = new Map<string, number>();
  for (const { data } of sent) {
    const ends = `${String(data.from)} ${String(data.to)}`;
    edges.set(ends, (edges.get(ends) ?? 0) + 1);
  }
  const ranked = [...edges].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const registered = events.filter(({ type }) => type === 'agent_registered');
  for (const limit of [1, 4, 1000]) {
    const listed = await allAgents(api, limit);
    assert.deepEqual(
      listed.map(({ address, registered_at }) => [address, registered_at]),
      registered.map(({ agent, ts }) => [agent, ts]),
    );
    for (const each of listed) {
      const mine = events.filter(({ agent }) => agent === each.address);
      const count = (type: string) => mine.filter((event) => event.type === type).length;
      assert.deepEqual(
        [each.messages_sent, each.messages_received, each.state_writes, each.last_active],
        [
          count('message_sent'),
          sent.filter(({ data }) => data.to === each.address).length,
          count('state_written'),
          mine.filter(({ type }) => type !== 'agent_retired').at(-1)?.ts,
        ],
      );
    }
    const network = await allEdges(api, limit);
    assert.deepEqual(
      network.edges.map(({ from, to, count }) => [`${from} ${to}`, count]),
      ranked,
    );
    for (const node of network.nodes) {
      const { address, messages_sent, messages_received } = listed.find(({ address }) => address === node.address)!;
      assert.deepEqual(node, { address, messages_sent, messages_received });
    }
    const { agent_address } = all[4]!;
    const peers = await allPeers(api, agent_address, limit);
    const weights = peers.map(({ messages_sent, messages_received }) => messages_sent + messages_received);
    assert.deepEqual(
      weights,
      [...weights].sort((a, b) => b - a),
    );
    for (const { address, messages_sent, messages_received } of peers) {
      assert.equal(messages_sent, edges.get(`${agent_address} ${address}`) ?? 0);
      assert.equal(messages_received, edges.get(`${address} ${agent_address}`) ?? 0);
    }
  }
});

check('keeps what a retired agent did, and says that it is', async ({ api }) => {
  const operator = await api.operator();
  const [gone, left] = [await api.agent(operator), await api.agent(operator)];
  await api.message(gone, left, 'farewell');
  await api.must(200, { method: 'DELETE', path: `/v1/agents/${gone.agent_address}`, as: operator.api_key });
  const seen = await api.must<WithPeers>(200, { path: `/observe/agents/${gone.agent_address}` });
  assert.deepEqual([seen.messages_sent, seen.peers.length], [1, 1]);
  assert.ok(seen.retired_at !== null && seen.retired_at >= seen.last_active);
});

check('shows the ends of the edges of a page, each once', async ({ api }) => {
  const [hub, ...others] = (await agents(api, 4)) as [Agent, ...Agent[]];
  for (const other of others) for (let i = 0; i < 60; i++) await api.message(other, hub, 'to the middle');
  const page = await api.must<Network>(200, { path: '/observe/network?limit=3' });
  assert.deepEqual(new Set(page.nodes.map(({ address }) => address)).size, page.nodes.length);
  assert.deepEqual(
    new Set(page.nodes.map(({ address }) => address)),
    new Set(page.edges.flatMap(({ from, to }) => [from, to])),
  );
  assert.ok(page.next_cursor !== null);
  assert.ok(page.total > 3);
});

check('knows nobody who was never registered, and gives pages of nothing behind the last', async ({ api }) => {
  const agent = await api.agent();
  for (const address of ['tab_00000000000000000000', 'nobody', 'A', '%20', 'x'.repeat(65)]) {
    refusalOf(await api.send({ path: `/observe/agents/${address}` }), 404, 'not_found');
  }
  const cursor = (text: string) => Buffer.from(text).toString('base64url');
  const beyond = await api.must<AgentPage>(200, { path: `/observe/agents?cursor=${cursor('9007199254740991')}` });
  assert.deepEqual([beyond.agents, beyond.next_cursor], [[], null]);
  assert.ok(beyond.total > 0);
  const path = `/observe/agents/${agent.agent_address}?cursor=${cursor(`1 ${agent.agent_address}`)}`;
  assert.deepEqual((await api.must<WithPeers>(200, { path })).peers, []);
  const last = `/observe/network?cursor=${cursor('1 zzz zzz')}`;
  assert.deepEqual((await api.must<Network>(200, { path: last })).edges, []);
});

check('answers many who ask at once while agents speak', async ({ api }) => {
  const [ann, bob] = (await agents(api, 2)) as [Agent, Agent];
  const asked = Array.from({ length: 40 }, async (_, i) => {
    await api.message(ann, bob, 'x');
    const path = i % 2 === 0 ? `/observe/agents/${ann.agent_address}` : '/observe/network?limit=1';
    return api.must<object>(200, { path });
  });
  await Promise.all(asked);
  const seen = await api.must<WithPeers>(200, { path: `/observe/agents/${bob.agent_address}` });
  assert.deepEqual([seen.messages_received, seen.last_active], [40, seen.registered_at]);
});
