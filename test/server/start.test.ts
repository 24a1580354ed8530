// Starting: what is printed, and what is refused, in words that help.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openLmdbWriter } from '../../src/runtime/storage/lmdb-store.js';
import { writeMetaNumber } from '../../src/runtime/storage/meta.js';
import { SCHEMA_VERSION } from '../../src/runtime/storage/migrations.js';
import { LISTENERS, onBothListeners } from './on-both-listeners.js';
import { ServerProcess, type Settings } from './server-process.js';
import { type CommandEnd, runTroupe } from './troupe-command.js';

const check = onBothListeners();
const CONFIGURED_TOKEN = `ad_live_${'5'.repeat(64)}`;

/** A start that must fail. */
async function refusedStart(settings: Settings): Promise<CommandEnd> {
  const sets = Object.entries({ 'http.port': 0, ...settings }).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  return runTroupe(['serve', ...sets]);
}

check('refuses a second server on the same directory, and goes on with the first', async ({ api, server }) => {
  const { code, stdout, stderr } = await refusedStart({ data_dir: server.dataDirectory });
  assert.equal(code, 1);
  assert.equal(stdout, '');
  const said = `troupe: The data directory ${server.dataDirectory} is in use by process ${server.pid}.`;
  assert.ok(stderr.startsWith(said), stderr);
  await api.must(200, { path: '/v1/health' });
});

check('refuses a port that is taken', async ({ listener, server }) => {
  const other = join(server.home, 'other');
  const { code, stderr } = await refusedStart({ 'http.port': server.port, 'http.listener': listener, data_dir: other });
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`^troupe: .*${server.port}: another program has the port`));
});

check('prints its address, its directory and, in its first life only, the admin token', async ({ api, server }) => {
  const token = await server.adminToken();
  assert.match(server.stdout, /^troupe is listening on http:\/\/127\.0\.0\.1:\d+\n/);
  assert.ok(server.stdout.includes(`\ndata directory ${server.dataDirectory}\n`));
  await server.stop();
  assert.match(server.stdout, /shown only this once/);
  await server.startAgain();
  assert.equal((await api.send({ path: '/admin/status', as: token })).status, 200);
  await server.stop();
  assert.ok(!/ad_live_/.test(server.stdout + server.stderr), 'it is printed once in the life of a directory');
});

check('takes a configured admin token in the place of the printed one, and never shows it', async ({ api, server }) => {
  const statusFor = async (as: string) => (await api.send({ path: '/admin/status', as })).status;
  await server.stop();
  await server.startAgain({ 'admin.token': CONFIGURED_TOKEN });
  assert.equal(await statusFor(CONFIGURED_TOKEN), 200);
  assert.equal(await statusFor(`ad_live_${'6'.repeat(64)}`), 401);
  await server.stop();
  assert.ok(!/ad_live_/.test(server.stdout + server.stderr));
  await server.startAgain();
  assert.equal(await statusFor(CONFIGURED_TOKEN), 401);
});

describe('what cannot be started', () => {
  let server: ServerProcess;

  before(async () => {
    server = await ServerProcess.start();
    await server.stop();
  });
  after(() => server.dispose());

  test('an address that others reach, without an admin token or keys of the memory API', async () => {
    for (const host of ['0.0.0.0', '::']) {
      const { code, stderr } = await refusedStart({ 'http.host': host });
      assert.equal(code, 2);
      assert.match(stderr, /http\.host: .*admin\.token/);
      assert.match(stderr, /memory\.api_keys: /);
    }
  });

  test('an address that is not of this machine', async () => {
    const settings = {
      'http.host': '192.0.2.1',
      'admin.token': CONFIGURED_TOKEN,
      'memory.api_keys': `["${'k'.repeat(16)}"]`,
      data_dir: server.dataDirectory,
    };
    for (const listener of LISTENERS) {
      const { code, stderr } = await refusedStart({ ...settings, 'http.listener': listener });
      assert.equal(code, 1);
      assert.match(stderr, /^troupe: .*192\.0\.2\.1/);
      assert.ok(!stderr.includes('ad_live_5'), 'no secret is in the message');
    }
  });

  test('a directory whose place is taken by a file, or whose tables are no tables', async () => {
    const file = join(server.home, 'file');
    writeFileSync(file, 'not a directory');
    const occupied = await refusedStart({ data_dir: file });
    assert.deepEqual([occupied.code, occupied.stdout], [1, '']);
    assert.match(occupied.stderr, /^troupe: The data directory .*file is not a directory/);
    const foreign = join(server.home, 'foreign');
    mkdirSync(join(foreign, 'tables'), { recursive: true });
    writeFileSync(join(foreign, 'tables', 'data.mdb'), 'this is no LMDB file'.repeat(1000));
    const unreadable = await refusedStart({ data_dir: foreign });
    assert.deepEqual([unreadable.code, unreadable.stdout], [1, '']);
    assert.match(unreadable.stderr, /^troupe: .*data\.mdb/);
  });

  test('a directory of a newer schema', async () => {
    const store = openLmdbWriter(join(server.dataDirectory, 'tables'));
    store.commit((batch) => writeMetaNumber(batch, ['schema'], SCHEMA_VERSION + 1));
    await store.close();
    const { code, stderr } = await refusedStart({ data_dir: server.dataDirectory });
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^troupe: .*schema version ${SCHEMA_VERSION + 1}.*up to ${SCHEMA_VERSION}`));
  });
});
