// Removals of what is archived, wholly or in part, with kills in between: no archive, backup, export or file holds it after.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { listArchives } from '../../src/archive/archive-file.js';
import { Random } from '../fuzz/random.js';
import { until } from './expectations.js';
import { onServersOfTheirOwn, type Stage } from './on-both-listeners.js';
import { assertNowhere, closedDoors, type Record, removing } from './removal-doors.js';
import { runTroupe } from './troupe-command.js';

/** Whatever is in the tables goes, as soon as it is seen. */
const own = onServersOfTheirOwn({ 'observe.requests_per_min': 0, 'event_log.retention_bytes': 1 });
const SEED = Number(process.env.REMOVAL_SEED ?? randomBytes(4).readUInt32LE());
const KILLS = 4;
const KILL_WITHIN_MS = 150;

const secret = (): string => `secret-${randomBytes(12).toString('hex')}`;

async function allArchived({ api, server }: Stage): Promise<void> {
  await until('all of it is archived', async () => {
    const page = await api.must<{ events: unknown[] }>(200, { path: '/observe/events' });
    return page.events.length === 0 && listArchives(join(server.dataDirectory, 'archive')).length > 0;
  });
}

own('reaches what is in archives alone, and leaves what was written behind it', async (stage) => {
  const { api, server } = stage;
  const admin = await server.adminToken();
  const [ann, bob] = [await api.agent(), await api.agent()];
  const contents = { sent: secret(), first: secret(), second: secret(), gone: secret() };
  const sent = await api.message(ann, bob, contents.sent);
  for (const value of [contents.first, contents.second]) await api.put(ann, 'kept', value);
  await api.put(ann, 'deleted', contents.gone);
  await api.must(200, { method: 'DELETE', path: '/v1/state/deleted', as: ann.agent_token });
  await allArchived(stage);
  const before = await closedDoors(server.dataDirectory, join(server.home, 'backup-before'));
  const archives = [...before].filter(([name]) => name.startsWith('archive')).map(([, text]) => text);
  for (const content of Object.values(contents)) assert.ok(archives.some((text) => text.includes(content)));

  const bodies = [{ message_id: sent }, { key: 'kept' }, { key: 'deleted' }];
  const records: Record[] = [];
  for (const body of bodies) records.push(await removing(api, admin, { ...body, reason: 'asked' }));
  for (const [place, body] of bodies.entries()) {
    assert.deepEqual(await removing(api, admin, { ...body, reason: 'again' }), records[place]);
  }
  const later = secret();
  await api.put(ann, 'kept', later);
  const all = Object.values(contents);
  assertNowhere(await closedDoors(server.dataDirectory, join(server.home, 'backup-live')), all);
  await server.kill();
  await server.startAgain();
  await allArchived(stage);
  await server.stop();
  const after = await closedDoors(server.dataDirectory, join(server.home, 'backup-after'));
  assertNowhere(after, all);
  assert.ok(after.get('export')?.includes(later), 'what was written later stays');
});

own(`is finished in archives by the next life, whatever a kill met (seed ${SEED})`, async (stage) => {
  const { api, server } = stage;
  const random = new Random(SEED);
  const admin = await server.adminToken();
  const ann = await api.agent();
  for (let round = 0; round < KILLS; round++) {
    const secrets = Array.from({ length: 20 }, secret);
    for (const value of secrets) await api.put(ann, `key-${round}`, value);
    if (round % 2 === 0) await allArchived(stage);
    const body = { key: `key-${round}`, reason: `round ${round}` };
    const asked = removing(api, admin, body).catch(() => undefined);
    await pause(random.below(KILL_WITHIN_MS));
    await server.kill();
    const early = await asked;
    const checked = await runTroupe(['check', server.dataDirectory]);
    assert.equal(checked.code, 0, `${checked.stdout} (round ${round})`);
    if (early !== undefined) {
      assertNowhere(await closedDoors(server.dataDirectory, join(server.home, `killed-${round}`)), secrets);
    }
    await server.startAgain();
    const record = await removing(api, admin, body);
    if (early !== undefined) assert.deepEqual(record, early);
    assertNowhere(await closedDoors(server.dataDirectory, join(server.home, `finished-${round}`)), secrets);
  }
});
