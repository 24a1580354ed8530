// Streams of events over WebSocket: from the past on, live, and to their end.

import assert from 'node:assert/strict';
import { EventWatcher, type SeenEvent } from './event-watcher.js';
import { refusalOf, until } from './expectations.js';
import { onBothListeners, onServersOfTheirOwn } from './on-both-listeners.js';
import type { Agent, TroupeApi } from './troupe-api.js';

const settings = { 'observe.requests_per_min': 0 };
const check = onBothListeners(settings);

async function lastSeq(api: TroupeApi): Promise<number> {
  let since = 0;
  for (;;) {
    const path = `/observe/events?limit=1000&since=${since}`;
    const page = await api.must<{ next_cursor: number; has_more: boolean }>(200, { path });
    since = page.next_cursor;
    if (!page.has_more) return since;
  }
}

async function logged(api: TroupeApi, since: number): Promise<SeenEvent[]> {
  const all: SeenEvent[] = [];
  for (;;) {
    const path = `/observe/events?limit=1000&since=${all.at(-1)?.seq ?? since}`;
    const page = await api.must<{ events: SeenEvent[]; has_more: boolean }>(200, { path });
    all.push(...page.events);
    if (!page.has_more) return all;
  }
}

async function write(api: TroupeApi, agent: Agent, key: string, value = 'x'): Promise<void> {
  assert.equal((await api.put(agent, key, value)).status, 200);
}

check('shows what happens from its opening on, and nothing before', async ({ api, server }) => {
  const agent = await api.agent();
  await write(api, agent, 'before');
  const before = await lastSeq(api);
  const watcher = await EventWatcher.open(server.port);
  for (let i = 0; i < 10; i++) await write(api, agent, `live-${i}`);
  await watcher.sees(before + 10);
  assert.deepEqual(watcher.events, await logged(api, before));
  await watcher.close();
});

check('has no gap and no repeat between the past and the present, while much is written', async ({ api, server }) => {
  const agent = await api.agent();
  let stopped = false;
  const load = Array.from({ length: 8 }, async (_, writer) => {
    for (let i = 0; !stopped; i++) await write(api, agent, `load-${writer}-${i % 10}`, `${i}`);
  });
  const watchers: EventWatcher[] = [];
  const end = await lastSeq(api);
  for (let i = 0; i < 12; i++) {
    const since = Math.floor((end * i) / 12);
    const query = i % 3 === 0 ? `since=${since}` : `since=${since}&type=state_written&agent=${agent.agent_address}`;
    watchers.push(await EventWatcher.open(server.port, { query }));
  }
  const during = await lastSeq(api);
  await until('the load goes on', async () => (await lastSeq(api)) > during + 200);
  stopped = true;
  await Promise.all(load);
  const all = await logged(api, 0);
  const last = all.at(-1)!.seq;
  for (const [i, watcher] of watchers.entries()) {
    await watcher.sees(last);
    const since = Math.floor((end * i) / 12);
    const expected = all.filter(
      ({ seq, type, agent: about }) =>
        seq > since && (i % 3 === 0 || (type === 'state_written' && about === agent.agent_address)),
    );
    assert.deepEqual(watcher.events, expected, `stream ${i}`);
    await watcher.close();
  }
});

check('refuses what is no place, type or agent with 400, before the handshake', async ({ server }) => {
  for (const query of [
    'since=-1',
    'since=x',
    'since=1.5',
    'since=99999999999999999',
    'type=A',
    'type=a,,b',
    'agent=%ff',
  ]) {
    refusalOf(await EventWatcher.refused(server.port, { query }), 400, 'bad_request');
  }
});

onServersOfTheirOwn({ ...settings, 'observe.streams_max': 2 })(
  'has so many streams and no more, and a place again when one ends',
  async ({ server }) => {
    const [one, two] = [await EventWatcher.open(server.port), await EventWatcher.open(server.port)];
    const refused = await EventWatcher.refused(server.port);
    refusalOf(refused, 503, 'unavailable');
    assert.ok(Number(refused.headers['retry-after']) >= 1);
    await one.close();
    await until('there is a place', async () => {
      try {
        await (await EventWatcher.open(server.port)).close();
        return true;
      } catch {
        // Refused: the server has not seen the other one leave.
        return false;
      }
    });
    await two.close();
  },
);

onServersOfTheirOwn(settings)('ends with the server, and says where to go on', async ({ api, server }) => {
  const agent = await api.agent();
  const watcher = await EventWatcher.open(server.port, { query: 'since=0' });
  await write(api, agent, 'last');
  const last = await lastSeq(api);
  await watcher.sees(last);
  const end = server.stop();
  assert.equal((await watcher.closes()).code, 4008);
  assert.deepEqual(watcher.others, [{ type: 'cut_off', resume_after_seq: last, reason: 'draining' }]);
  assert.deepEqual(await end, { code: 0, signal: null });
  await server.startAgain();
  await write(api, agent, 'later');
  const again = await EventWatcher.open(server.port, { query: `since=${last}` });
  await again.sees(last + 1);
  assert.deepEqual(again.seqs, [last + 1]);
  await again.close();
});
