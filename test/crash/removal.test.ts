// Removals that a kill -9 meets at any of their steps: what was acknowledged is in effect, and what was begun is finished by
// the next life, once.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../fuzz/random.js';
import { allEvents, type Record, removing } from '../server/removal-doors.js';
import { ServerProcess } from '../server/server-process.js';
import { type Agent, TroupeApi } from '../server/troupe-api.js';
import { runTroupe } from '../server/troupe-command.js';

const KILLS = Number(process.env.REMOVAL_KILLS ?? 8);
const SEED = Number(process.env.REMOVAL_SEED ?? randomBytes(4).readUInt32LE());
/** More than are rewritten in one commit. */
const WRITES = 600;
/** About what a removal takes here; a kill comes somewhere in it, or shortly behind. */
const KILL_WITHIN_MS = 250;

interface Planted {
  readonly secrets: readonly string[];
  readonly body: { readonly key: string } | { readonly message_id: string };
}

async function plant(api: TroupeApi, ann: Agent, bob: Agent, round: number): Promise<Planted> {
  const secret = (): string => `secret-${randomBytes(12).toString('hex')}`;
  if (round % 3 === 2) {
    const content = secret();
    return { secrets: [content], body: { message_id: await api.message(ann, bob, content) } };
  }
  const key = `key-${round}`;
  const secrets = Array.from({ length: WRITES }, secret);
  // A few at a time: one connection would take its time.
  for (let at = 0; at < secrets.length; at += 50) {
    await Promise.all(
      secrets.slice(at, at + 50).map(async (value) => {
        assert.equal((await api.put(ann, key, value)).status, 200);
      }),
    );
  }
  return { secrets, body: { key } };
}

function filesWith(directory: string, secrets: readonly string[]): string[] {
  const journal = join(directory, 'journal');
  return readdirSync(journal)
    .filter((name) => name.endsWith('.segment'))
    .filter((name) => {
      const text = readFileSync(join(journal, name), 'latin1');
      return secrets.some((secret) => text.includes(secret));
    });
}

test(`a removal that a kill meets is in effect if it was acknowledged, and finished once if not (seed ${SEED})`, async () => {
  const random = new Random(SEED);
  const server = await ServerProcess.start({
    'observe.requests_per_min': 0,
    'journal.segment_bytes': 262_144,
    workers: 2,
  });
  const api = new TroupeApi(() => server.port);
  let acknowledged = 0;
  try {
    const admin = await server.adminToken();
    const operator = await api.operator();
    const [ann, bob] = [await api.agent(operator), await api.agent(operator)];
    for (let round = 0; round < KILLS; round++) {
      const { secrets, body } = await plant(api, ann, bob, round);
      let isAcknowledged = false;
      const asked = removing(api, admin, { ...body, reason: `round ${round}` }).then(
        (record) => {
          isAcknowledged = true;
          return record;
        },
        () => undefined,
      );
      await pause(random.below(KILL_WITHIN_MS));
      const wasAcknowledged = isAcknowledged;
      await server.kill();
      const early = await asked;
      const checked = await runTroupe(['check', server.dataDirectory]);
      assert.equal(checked.code, 0, `${checked.stdout} (round ${round})`);
      if (wasAcknowledged) {
        acknowledged++;
        assert.deepEqual(filesWith(server.dataDirectory, secrets), [], `the journal holds it (round ${round})`);
        const { stdout } = await runTroupe(['events', 'export', server.dataDirectory]);
        assert.ok(!secrets.some((secret) => stdout.includes(secret)), `it is in the log (round ${round})`);
      }
      await server.startAgain();
      const record = await removing(api, admin, { ...body, reason: 'once more' });
      if (early !== undefined) assert.deepEqual(record, early);
      const events = await allEvents(api);
      const text = JSON.stringify(events);
      assert.ok(!secrets.some((secret) => text.includes(secret)), `it is still told (round ${round})`);
      const [name, target] = Object.entries(body)[0]!;
      const told = events.filter(({ type, data }) => type === 'content_removed' && data[name] === target);
      assert.deepEqual(
        told.map(({ data }) => data.removal_id),
        [record.removal_id],
        `told once (round ${round})`,
      );
      assert.deepEqual(filesWith(server.dataDirectory, secrets), [], `the journal holds it (round ${round})`);
    }
    const { removals } = await api.must<{ removals: Record[] }>(200, { path: '/observe/transparency?limit=1000' });
    assert.equal(removals.length, KILLS);
    await server.stop();
    const checked = await runTroupe(['check', server.dataDirectory]);
    assert.equal(checked.code, 0, checked.stdout);
    console.log(`${KILLS} kills, ${acknowledged} behind the acknowledgement`);
  } finally {
    api.close();
    await server.dispose();
  }
});
