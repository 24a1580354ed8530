// Reads as events, where the config says so: by request and by session, found or not, and never before it is asked for.

import assert from 'node:assert/strict';
import type { SeenEvent } from './event-watcher.js';
import { until } from './expectations.js';
import { onServersOfTheirOwn, type Stage } from './on-both-listeners.js';
import { SessionClient } from './session-client.js';
import type { Agent } from './troupe-api.js';

const settings = { 'observe.requests_per_min': 0 };
const own = onServersOfTheirOwn({ ...settings, 'event_log.reads': 'true' });
const ownUnlogged = onServersOfTheirOwn(settings);
const READS = 'type=state_read,registry_read';

async function readsOf({ api }: Stage): Promise<SeenEvent[]> {
  const { events } = await api.must<{ events: SeenEvent[] }>(200, { path: `/observe/events?limit=1000&${READS}` });
  return events;
}

/** Two reads by request, one of them in vain, and the same by a session; a page of the registry by each. */
async function readAll({ api, server }: Stage, agent: Agent): Promise<void> {
  await api.put(agent, 'k/ä', 'x');
  assert.equal((await api.get(agent, 'k/ä')).status, 200);
  assert.equal((await api.get(agent, 'absent')).status, 404);
  await api.must(200, { path: '/v1/registry', as: agent.agent_token });
  const session = await SessionClient.live(server.port, agent);
  for (const frame of [{ type: 'state.get', key: 'k/ä' }, { type: 'state.get', key: 'absent' }, { type: 'registry' }]) {
    session.send({ id: frame.type, ...frame });
    await session.any();
  }
  session.socket.close();
  await session.closed;
  // What is no read of a key, or is refused before it.
  await api.capacity(agent);
  await api.must(200, { path: '/v1/state?prefix=k', as: agent.agent_token });
  assert.equal((await api.get(agent, 'x'.repeat(2_000))).status, 400);
  assert.equal((await api.send({ path: '/v1/state/k', as: 'at_live_nobody' })).status, 401);
}

own('are events of whoever read, once each, and in their order', async (stage) => {
  const agent = await stage.api.agent();
  await readAll(stage, agent);
  await until('all are there', async () => (await readsOf(stage)).length >= 6);
  const by = agent.agent_address;
  const each = [
    { type: 'state_read', agent: by, data: { key: 'k/ä', read_by: by, found: true } },
    { type: 'state_read', agent: by, data: { key: 'absent', read_by: by, found: false } },
    { type: 'registry_read', agent: by, data: { read_by: by } },
  ];
  const logged = (await readsOf(stage)).map(({ type, agent: about, data }) => ({ type, agent: about, data }));
  assert.deepEqual(logged, [...each, ...each]);
  // What was read before a stop is an event behind it.
  for (let i = 0; i < 20; i++) await stage.api.get(agent, 'k/ä');
  await stage.server.stop();
  await stage.server.startAgain();
  assert.equal((await readsOf(stage)).length, 26);
});

ownUnlogged('are none where nobody asked for it', async (stage) => {
  const agent = await stage.api.agent();
  await readAll(stage, agent);
  await stage.server.stop();
  await stage.server.startAgain();
  assert.deepEqual(await readsOf(stage), []);
});
