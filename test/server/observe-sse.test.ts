// Streams of events as server-sent events: from the past on, live, again behind the last one, and to their end.

import assert from 'node:assert/strict';
import { EventWatcher, type SeenEvent } from './event-watcher.js';
import { refusalOf, until } from './expectations.js';
import { onBothListeners, onServersOfTheirOwn } from './on-both-listeners.js';
import { residentBytes } from './process-figures.js';
import { SseWatcher } from './sse-watcher.js';
import type { Agent, TroupeApi } from './troupe-api.js';

const settings = { 'observe.requests_per_min': 0 };
const check = onBothListeners(settings);
const VALUE_BYTES = 32 * 1024;
/** Beyond what the sockets of the system hold for those who do not read. */
const LARGE_WRITES_MAX = 2_000;
/** Of 20 streams 1 MiB and one event each, of the observer's thread, and of what the engine has not collected. */
const GROWTH_BYTES_MAX = 250 * 1024 * 1024;

async function logged(api: TroupeApi, since: number): Promise<SeenEvent[]> {
  const all: SeenEvent[] = [];
  for (;;) {
    const path = `/observe/events?limit=1000&since=${all.at(-1)?.seq ?? since}`;
    const page = await api.must<{ events: SeenEvent[]; has_more: boolean }>(200, { path });
    all.push(...page.events);
    if (!page.has_more) return all;
  }
}

const lastSeq = async (api: TroupeApi): Promise<number> => (await logged(api, 0)).at(-1)?.seq ?? 0;

async function write(api: TroupeApi, agent: Agent, key: string, value = 'x'): Promise<void> {
  assert.equal((await api.put(agent, key, value)).status, 200);
}

check('shows what happens from its opening on, and its place before anything does', async ({ api, server }) => {
  const agent = await api.agent();
  await write(api, agent, 'before');
  const before = await lastSeq(api);
  const watcher = await SseWatcher.open(server.port);
  await until('its place is told', () => watcher.lastEventId === String(before));
  assert.equal(watcher.answer.headers['access-control-allow-origin'], '*');
  assert.equal(watcher.answer.headers['cache-control'], 'no-store');
  for (let i = 0; i < 10; i++) await write(api, agent, `live-${i}`);
  await watcher.sees(before + 10);
  assert.deepEqual(watcher.events, await logged(api, before));
  await watcher.close();
});

check('goes on behind Last-Event-ID, whatever since says, without a gap or a repeat', async ({ api, server }) => {
  const agent = await api.agent();
  const before = await lastSeq(api);
  let stopped = false;
  const load = Array.from({ length: 4 }, async (_, writer) => {
    for (let i = 0; !stopped; i++) await write(api, agent, `load-${writer}-${i % 10}`, `${i}`);
  });
  const query = `since=${before}`;
  const seen: SeenEvent[] = [];
  let lastEventId: string | undefined;
  for (let time = 0; time < 10; time++) {
    const place = lastEventId === undefined ? {} : { lastEventId };
    const watcher = await SseWatcher.open(server.port, { query, ...place });
    await watcher.sees((seen.at(-1)?.seq ?? before) + 20);
    await watcher.close();
    seen.push(...watcher.events);
    lastEventId = watcher.lastEventId;
  }
  stopped = true;
  await Promise.all(load);
  const last = await SseWatcher.open(server.port, { lastEventId: lastEventId! });
  const all = await logged(api, before);
  const end = all.at(-1)!.seq;
  if (Number(lastEventId) < end) await last.sees(end);
  assert.deepEqual([...seen, ...last.events], all);
  await last.close();
});

check('refuses what is no place, type or agent, a body, and other methods', async ({ api, server }) => {
  for (const query of ['since=-1', 'since=x', 'type=A', 'agent=%ff']) {
    refusalOf(await SseWatcher.refused(server.port, { query }), 400, 'bad_request');
  }
  for (const lastEventId of ['x', '-1', '1.5', '99999999999999999']) {
    refusalOf(await SseWatcher.refused(server.port, { lastEventId }), 400, 'bad_request');
  }
  const path = '/observe/events/sse';
  const bytes = 'a body';
  assert.equal((await api.send({ method: 'GET', path, bytes, headers: { 'content-length': '6' } })).status, 400);
  refusalOf(await api.send({ method: 'POST', path, body: {} }), 405, 'method_not_allowed');
  assert.equal((await api.send({ method: 'HEAD', path })).status, 200);
});

onServersOfTheirOwn({ ...settings, 'observe.streams_max': 2 })(
  'is counted with the other streams, and its place is free when it ends',
  async ({ server }) => {
    const [one, two] = [await SseWatcher.open(server.port), await EventWatcher.open(server.port)];
    const refused = await SseWatcher.refused(server.port);
    refusalOf(refused, 503, 'unavailable');
    assert.ok(Number(refused.headers['retry-after']) >= 1);
    refusalOf(await EventWatcher.refused(server.port), 503, 'unavailable');
    await one.close();
    await until('there is a place', async () => {
      const answer = await SseWatcher.open(server.port).catch(() => undefined);
      await answer?.close();
      return answer !== undefined;
    });
    await two.close();
  },
);

onServersOfTheirOwn({ ...settings, 'observe.access': 'admin' })('is for the admin where it is', async ({ server }) => {
  const token = await server.adminToken();
  refusalOf(await SseWatcher.refused(server.port), 401, 'unauthorized');
  const nearly = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
  refusalOf(await SseWatcher.refused(server.port, { token: nearly }), 401, 'unauthorized');
  const watcher = await SseWatcher.open(server.port, { token });
  assert.equal(watcher.answer.headers['access-control-allow-origin'], undefined);
  await watcher.close();
});

onServersOfTheirOwn(settings)('ends with the server, and says where to go on', async ({ api, server }) => {
  const agent = await api.agent();
  const watcher = await SseWatcher.open(server.port, { query: 'since=0' });
  await write(api, agent, 'last');
  const last = await lastSeq(api);
  await watcher.sees(last);
  const end = server.stop();
  await watcher.ends();
  assert.equal(watcher.end, 'whole');
  assert.deepEqual(watcher.others, [
    { event: 'cut_off', data: { type: 'cut_off', resume_after_seq: last, reason: 'draining' } },
  ]);
  assert.deepEqual(await end, { code: 0, signal: null });
  await server.startAgain();
  await write(api, agent, 'later');
  const again = await SseWatcher.open(server.port, { lastEventId: watcher.lastEventId });
  await again.sees(last + 1);
  assert.deepEqual(again.seqs, [last + 1]);
  await again.close();
});

onServersOfTheirOwn(settings)(
  'cuts off who reads nothing, with memory that stays bounded, and keeps who reads',
  async ({ api, server }) => {
    const agent = await api.agent();
    const reader = await SseWatcher.open(server.port);
    const stuck: SseWatcher[] = [];
    for (let i = 0; i < 20; i++) {
      const mute = await SseWatcher.open(server.port);
      mute.answer.pause();
      stuck.push(mute);
    }
    const as = await server.adminToken();
    const streams = async (): Promise<number> =>
      (await api.must<{ streams: number }>(200, { path: '/admin/status', as })).streams;
    const before = residentBytes(server.pid) ?? 0;
    let most = before;
    const value = 'v'.repeat(VALUE_BYTES);
    let writes = 0;
    for (; writes < LARGE_WRITES_MAX; writes++) {
      await write(api, agent, 'large', value);
      if (writes % 20 !== 0) continue;
      // What the others were sent too: none is cut off for what the observer has not told yet.
      await until('the reader has what was written', () => reader.events.length > writes);
      most = Math.max(most, residentBytes(server.pid) ?? 0);
      if ((await streams()) === 1) break;
    }
    assert.ok(
      writes < LARGE_WRITES_MAX,
      `${await streams()} are left; the reader: ${reader.end} ${JSON.stringify(reader.others)}`,
    );
    await until('the reader has everything', () => reader.events.length >= writes);
    assert.equal(reader.end, undefined);
    assert.ok(most - before < GROWTH_BYTES_MAX, `it grew by ${most - before} bytes`);
    for (const mute of stuck) {
      mute.answer.resume();
      await mute.ends();
      // What it was sent has neither gap nor repeat, and it knows where to go on.
      const { seqs } = mute;
      assert.ok(seqs.every((seq, at) => at === 0 || seq === seqs[at - 1]! + 1));
      assert.equal(mute.lastEventId, String(seqs.at(-1)));
    }
    await reader.close();
  },
);
