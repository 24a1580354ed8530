// A hundred streams, half of which read nothing: agents and the other half notice nothing of it.

import assert from 'node:assert/strict';
import { EventWatcher } from './event-watcher.js';
import { until } from './expectations.js';
import { onServersOfTheirOwn } from './on-both-listeners.js';
import { residentBytes } from './process-figures.js';

const STREAMS = 100;
const VALUE_BYTES = 32 * 1024;
/** Beyond what the sockets of the system hold for those who do not read. */
const LARGE_WRITES_MAX = 2_000;
/** Of 50 streams 1 MiB and one event each, of the observer's thread, and of what the engine has not collected. */
const GROWTH_BYTES_MAX = 300 * 1024 * 1024;

const own = onServersOfTheirOwn({ 'observe.requests_per_min': 0 });

own('who reads nothing is cut off, and everybody else has everything', async ({ api, server }) => {
  const operator = await api.operator();
  const [loud, quiet] = [await api.agent(operator), await api.agent(operator)];
  const small = `agent=${quiet.agent_address}`;
  const readers: EventWatcher[] = [];
  const stuck: EventWatcher[] = [];
  for (let i = 0; i < STREAMS / 2; i++) {
    readers.push(await EventWatcher.open(server.port, { query: i < 2 ? '' : small }));
    const mute = await EventWatcher.open(server.port);
    mute.socket.pause();
    stuck.push(mute);
  }
  const before = residentBytes(server.pid);
  let most = before ?? 0;
  const value = 'v'.repeat(VALUE_BYTES);
  const status = async () => {
    const as = await server.adminToken();
    return api.must<{ streams: number }>(200, { path: '/admin/status', as });
  };
  let writes = 0;
  for (; writes < LARGE_WRITES_MAX; writes++) {
    assert.equal((await api.put(loud, 'large', value)).status, 200);
    assert.equal((await api.put(quiet, 'small', `${writes}`)).status, 200);
    // Faster than they can be shown, all streams would go back to the tables, where who reads nothing is given more time.
    const shown = 2 * (writes + 1);
    await until('who reads has seen it', () => readers.slice(0, 2).every(({ events }) => events.length === shown));
    most = Math.max(most, residentBytes(server.pid) ?? 0);
    if ((await status()).streams === STREAMS / 2) break;
  }
  assert.ok(writes < LARGE_WRITES_MAX, 'those who read nothing are cut off');
  if (before !== undefined) assert.ok(most - before < GROWTH_BYTES_MAX, `${most - before} bytes more`);
  await api.message(quiet, loud, 'the last');
  const { next_cursor: last } = await api.must<{ next_cursor: number }>(200, {
    path: '/observe/events?type=message_sent&limit=1000',
  });
  const [first] = readers[0]!.events;
  for (const [i, reader] of readers.entries()) {
    await reader.sees(last);
    const expected = readers[0]!.events.filter(({ agent }) => i < 2 || agent === quiet.agent_address);
    assert.deepEqual(
      reader.seqs,
      expected.map(({ seq }) => seq),
    );
  }
  assert.equal(readers[0]!.events.length, last - first!.seq + 1);

  // What was sent to them is whole, and tells where it goes on.
  for (const mute of stuck.slice(0, 3)) {
    mute.socket.resume();
    assert.deepEqual(await mute.closes(), { code: 4008, reason: 'slow' });
    const seen = mute.seqs.at(-1)!;
    assert.deepEqual(mute.others, [{ type: 'cut_off', resume_after_seq: seen, reason: 'slow' }]);
    assert.deepEqual(mute.seqs, readers[0]!.seqs.slice(0, mute.seqs.length));
    const again = await EventWatcher.open(server.port, { query: `since=${seen}` });
    await again.sees(last);
    assert.deepEqual(again.seqs, readers[0]!.seqs.slice(mute.seqs.length));
    await again.close();
  }
  for (const each of [...stuck, ...readers]) each.socket.terminate();
  await until('nobody is left', async () => (await status()).streams === 0);
  assert.doesNotMatch(server.stderr, /"level":"(error|warn)"/);
});
