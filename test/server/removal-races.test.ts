// Removals among writes, and on workers that are replaced: what was there before is gone, what came later is not.

import assert from 'node:assert/strict';
import { REDACTED } from '../../src/redaction.js';
import { EventWatcher } from './event-watcher.js';
import { until } from './expectations.js';
import { onServersOfTheirOwn } from './on-both-listeners.js';
import { allEvents, type Record, removing } from './removal-doors.js';
import { runTroupe } from './troupe-command.js';

const own = onServersOfTheirOwn({ 'observe.requests_per_min': 0, workers: 2, 'journal.segment_bytes': 262_144 });

const WRITERS = 8;
const REMOVALS = 6;

own(
  'take what was written before them and leave what comes later, while others write and look',
  async ({ api, server }) => {
    const admin = await server.adminToken();
    const agent = await api.agent();
    const watcher = await EventWatcher.open(server.port, { query: 'since=0' });
    let isOver = false;
    let written = 0;
    const writing = Array.from({ length: WRITERS }, async (_, writer) => {
      for (let i = 0; !isOver; i++) {
        assert.equal((await api.put(agent, 'busy', `value ${writer}-${i}`)).status, 200);
        written++;
      }
    });
    await until('there are values', () => written > 20);
    const records: Record[] = [];
    for (let i = 0; i < REMOVALS; i++) {
      const record = await removing(api, admin, { key: 'busy', reason: `removal ${i}` });
      records.push(record);
      const events = await allEvents(api);
      const end = events.find(({ data }) => data.removal_id === record.removal_id)?.seq ?? 0;
      const mine = events.filter(({ type, data }) => type === 'state_written' && data.key === 'busy');
      assert.ok(end > 0 && mine.some(({ seq }) => seq < end));
      for (const { seq, data } of mine) assert.equal(data.value === REDACTED, seq < end, `event ${seq} of ${end}`);
      const more = written + 20;
      await until('there are more values', () => written > more);
    }
    isOver = true;
    await Promise.all(writing);
    const last = (await allEvents(api)).at(-1)!.seq;
    await watcher.sees(last);
    assert.deepEqual(
      watcher.seqs,
      Array.from({ length: last }, (_, i) => i + 1),
      'the stream has missed nothing',
    );
    await watcher.close();
    assert.equal(new Set(records.map(({ removal_id }) => removal_id)).size, REMOVALS);
    await server.stop();
    const checked = await runTroupe(['check', server.dataDirectory]);
    assert.equal(checked.code, 0, checked.stdout);
  },
);

own('are finished though workers are replaced under them', async ({ api, server }) => {
  const admin = await server.adminToken();
  const agent = await api.agent();
  for (let round = 0; round < 4; round++) {
    const key = `moved ${round}`;
    await Promise.all(Array.from({ length: 300 }, (_, i) => api.put(agent, key, `secret value ${round}-${i}`)));
    const body = { key, reason: 'r' };
    const asked = api.send({ method: 'POST', path: '/admin/removals', as: admin, body });
    const replaced = [0, 1].map((n) =>
      api.must(200, { method: 'POST', path: `/admin/workers/${n}/replace`, as: admin, body: {} }),
    );
    const answers = await Promise.all([asked, ...replaced]);
    const { status } = answers[0] as { status: number };
    assert.ok(status === 200 || status === 503, `it was answered ${status}`);
    const record = await removing(api, admin, body);
    const events = await allEvents(api);
    assert.ok(!JSON.stringify(events).includes(`secret value ${round}`));
    const told = events.filter(({ type, data }) => type === 'content_removed' && data.key === key);
    assert.deepEqual(
      told.map(({ data }) => data.removal_id),
      [record.removal_id],
    );
  }
});
