// Who may look, how often, and what is told of observation where nobody may.

import assert from 'node:assert/strict';
import { EventWatcher } from './event-watcher.js';
import { bodyOf, refusalOf } from './expectations.js';
import { onServersOfTheirOwn } from './on-both-listeners.js';

const PATHS = ['/observe/events', '/observe/state', '/observe/state/key', '/observe/health'];
const WRONG = `ad_live_${'0'.repeat(64)}`;

onServersOfTheirOwn({ 'observe.access': 'off' })('is no route where it is off', async ({ api, server }) => {
  const as = await server.adminToken();
  for (const path of PATHS) {
    const answer = await api.send({ path, as, headers: { origin: 'https://example.com' } });
    refusalOf(answer, 404, 'not_found');
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
  }
  refusalOf(await EventWatcher.refused(server.port, { token: as }), 404, 'not_found');
});

onServersOfTheirOwn({ 'observe.access': 'admin' })('is for the admin alone where it is', async ({ api, server }) => {
  const as = await server.adminToken();
  const agent = await api.agent();
  await api.put(agent, 'key', 'value');
  for (const path of PATHS) {
    for (const token of [undefined, WRONG, agent.agent_token]) {
      const answer = await api.send({ path, ...(token === undefined ? {} : { as: token }) });
      refusalOf(answer, 401, 'unauthorized');
      assert.equal(answer.headers['access-control-allow-origin'], undefined);
    }
    bodyOf(await api.send({ path, as }), 200);
  }
  for (const token of [undefined, WRONG, agent.agent_token]) {
    const refused = await EventWatcher.refused(server.port, token === undefined ? {} : { token });
    refusalOf(refused, 401, 'unauthorized');
  }
  const watcher = await EventWatcher.open(server.port, { query: 'since=0', token: as });
  await watcher.sees(3);
  await watcher.close();
  // A token whose hash must be computed is judged behind the handshake: its beginning is right.
  const nearly = `${as.slice(0, -1)}${as.endsWith('0') ? '1' : '0'}`;
  const stranger = await EventWatcher.open(server.port, { query: 'since=0', token: nearly });
  assert.equal((await stranger.closes()).code, 4003);
  assert.deepEqual(stranger.events, []);
});

onServersOfTheirOwn({ 'observe.requests_per_min': 5 })(
  'counts every look of one place, streams too, and says when to come back',
  async ({ api, server }) => {
    const watcher = await EventWatcher.open(server.port);
    for (let left = 3; left >= 0; left--) {
      const answer = await api.send({ path: PATHS[left]! });
      assert.equal(answer.headers['x-ratelimit-remaining'], String(left));
      assert.equal(answer.headers['x-ratelimit-limit'], '5');
    }
    const refused = [await api.send({ path: '/observe/health' }), await EventWatcher.refused(server.port)];
    for (const answer of refused) {
      refusalOf(answer, 429, 'rate_limited');
      assert.ok(Number(answer.headers['retry-after']) >= 1);
    }
    assert.equal((await api.send({ path: '/v1/health' })).status, 200, 'nothing else is counted with it');
    await watcher.close();
  },
);

onServersOfTheirOwn({ 'http.trusted_proxies': '["127.0.0.1"]' })(
  'is for the admin where proxies may bring others to a loopback address, and nobody says more',
  async ({ api, server }) => {
    refusalOf(await api.send({ path: '/observe/events' }), 401, 'unauthorized');
    bodyOf(await api.send({ path: '/observe/events', as: await server.adminToken() }), 200);
  },
);
