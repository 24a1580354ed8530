// `troupe backup` while the server is busy, and `troupe check` on what is whole and on what is not.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Key } from '../../src/runtime/actor.js';
import { encodeValue } from '../../src/runtime/codec.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import { openLmdbWriter } from '../../src/runtime/storage/lmdb-store.js';
import { writeMetaNumber } from '../../src/runtime/storage/meta.js';
import { SCHEMA_VERSION } from '../../src/runtime/storage/migrations.js';
import { until } from '../server/expectations.js';
import { onServersOfTheirOwn } from '../server/on-both-listeners.js';
import { ServerProcess } from '../server/server-process.js';
import { type Agent, TroupeApi } from '../server/troupe-api.js';
import { runTroupe } from '../server/troupe-command.js';

const own = onServersOfTheirOwn();

own(
  'copies a store that is being written, whole: the copy checks clean and serves what was there',
  async ({ api, server }) => {
    const operator = await api.operator();
    const agent = await api.agent(operator);
    const target = join(server.home, 'copy');
    let stopped = false;
    let written = 0;
    const load = Array.from({ length: 8 }, async (_, writer) => {
      for (let i = 0; !stopped; i++) {
        await api.put(agent, `load-${writer}-${i % 20}`, `${i}`);
        await api.message(agent, agent, `${writer}:${i}`);
        written++;
      }
    });
    await until('there is load', () => written > 50);
    await api.put(agent, 'before', 'the backup');
    const before = await api.capacity(agent);
    const copied = await runTroupe(['backup', target, '--set', `data_dir=${server.dataDirectory}`]);
    const live = await runTroupe(['check', '--set', `data_dir=${server.dataDirectory}`]);
    const during = written;
    await until('the load goes on', () => written > during);
    stopped = true;
    await Promise.all(load);
    assert.deepEqual([copied.code, copied.stderr], [0, '']);
    assert.equal(copied.stdout, `copied ${server.dataDirectory} to ${target}\n`);

    assert.deepEqual([live.code, /nothing wrong found\n$/.test(live.stdout)], [0, true], live.stdout + live.stderr);
    const checked = await runTroupe(['check', target]);
    assert.equal(checked.code, 0, checked.stdout + checked.stderr);
    assert.match(checked.stdout, /nothing wrong found\n$/);
    await server.kill();
    await server.startAgain({ data_dir: target });
    assert.equal((await api.get(agent, 'before')).status, 200);
    assert.ok((await api.capacity(agent)).key_count >= before.key_count);
    assert.equal((await api.send({ path: '/v1/agents', as: operator.api_key })).status, 200);
    await api.message(agent, agent, 'goes on');
  },
);

test('a copy made under load, ten times, holds all that was acknowledged when the command was given', async () => {
  const server = await ServerProcess.start();
  const api = new TroupeApi(() => server.port);
  const copies = await ServerProcess.start();
  const copied = new TroupeApi(() => copies.port);
  let stopped = false;
  let load: Promise<void>[] = [];
  try {
    const agent = await api.agent();
    /** By writer: how many of its keys, all different, were acknowledged. */
    const acknowledged = Array.from({ length: 3 }, () => 0);
    load = acknowledged.map(async (_, writer) => {
      for (let i = 0; !stopped; i++) {
        const { status } = await api.put(agent, `${writer}-${i}`, `${i}`);
        if (status !== 200) return;
        acknowledged[writer] = i + 1;
      }
    });
    for (let round = 0; round < 10; round++) {
      const begun = [...acknowledged];
      await until('there is more', () => acknowledged.every((count, writer) => count >= begun[writer]! + 4));
      const before = [...acknowledged];
      const target = join(server.home, `copy-${round}`);
      const { code, stderr } = await runTroupe(['backup', target, '--set', `data_dir=${server.dataDirectory}`]);
      assert.equal(code, 0, stderr);
      const checked = await runTroupe(['check', target]);
      assert.deepEqual([checked.code, /nothing wrong found\n$/.test(checked.stdout)], [0, true], checked.stdout);
      await copies.kill();
      await copies.startAgain({ data_dir: target });
      assert.ok((await copied.capacity(agent)).key_count >= before.reduce((sum, count) => sum + count, 0));
      const newest = before.flatMap((count, writer) => [1, 2, 3, 4].map((back) => `${writer}-${count - back}`));
      const found = await Promise.all(newest.map((key) => copied.get(agent, key)));
      const missing = newest.filter((_, index) => found[index]!.status !== 200);
      assert.deepEqual(missing, [], `round ${round}`);
    }
  } finally {
    stopped = true;
    await Promise.all(load);
    api.close();
    copied.close();
    await copies.dispose();
    await server.dispose();
  }
});

test('a directory of an older version, which has no journal, is checked and copied as it is', async () => {
  const home = mkdtempSync(join(tmpdir(), 'troupe-test-'));
  try {
    mkdirSync(join(home, 'tables'));
    const store = openLmdbWriter(join(home, 'tables'));
    store.commit((batch) => writeMetaNumber(batch, ['schema'], 1));
    await store.close();
    const { code, stdout } = await runTroupe(['check', home]);
    assert.equal(code, 0, stdout);
    assert.equal(stdout, `journal: 0 groups are not in the tables yet\nchecked ${home}: meta 1\nnothing wrong found\n`);
    assert.deepEqual(readdirSync(home), ['tables'], 'nothing was made');
    const target = join(home, 'copy');
    assert.equal((await runTroupe(['backup', target, '--set', `data_dir=${home}`])).code, 0);
    assert.deepEqual(await runTroupe(['check', target]), { code, stdout: stdout.replace(home, target), stderr: '' });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

test('a directory of a newer version is not judged', async () => {
  const home = mkdtempSync(join(tmpdir(), 'troupe-test-'));
  try {
    mkdirSync(join(home, 'tables'));
    const store = openLmdbWriter(join(home, 'tables'));
    store.commit((batch) => writeMetaNumber(batch, ['schema'], SCHEMA_VERSION + 1));
    await store.close();
    for (const words of [
      ['check', home],
      ['check', home, '--repair', '--yes'],
    ]) {
      const { code, stdout, stderr } = await runTroupe(words);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, /schema version \d+, and this program knows/);
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

describe('a directory that is damaged', () => {
  let server: ServerProcess;
  let api: TroupeApi;
  let agent: Agent;

  before(async () => {
    server = await ServerProcess.start();
    api = new TroupeApi(() => server.port);
    agent = await api.agent();
    await api.message(agent, agent, 'one');
    await api.message(agent, agent, 'two');
    await api.put(agent, 'key', 'value');
    await server.stop();
  });
  after(async () => {
    api.close();
    await server.dispose();
  });

  /** What `check` says, with `damage` done to a copy. */
  async function checkDamaged(name: string, damage: { readonly delete?: Key; readonly put?: [Key, unknown] }) {
    const copy = join(server.home, name);
    const copied = await runTroupe(['backup', copy, '--set', `data_dir=${server.dataDirectory}`]);
    assert.equal(copied.code, 0, copied.stderr);
    const store = openLmdbWriter(join(copy, 'tables'));
    store.commit((batch) => {
      if (damage.delete !== undefined) batch.delete(encodeKey(damage.delete));
      if (damage.put !== undefined) batch.put(encodeKey(damage.put[0]), encodeValue(damage.put[1]));
    });
    await store.close();
    return runTroupe(['check', copy]);
  }

  test('is clean before anything is done to it', async () => {
    const { code, stdout } = await checkDamaged('untouched', {});
    assert.deepEqual([code, /nothing wrong found\n$/.test(stdout)], [0, true], stdout);
  });

  test('is told by name, with 1, whatever is missing or too much', async () => {
    const address = agent.agent_address;
    const lookupId = agent.agent_token.slice(8, 24);
    const damages: [name: string, damage: Parameters<typeof checkDamaged>[1], finding: RegExp][] = [
      ['no-message', { delete: ['inbox', address, 1] }, /inbox_head .*recount/],
      ['no-head', { delete: ['inbox_head', address] }, /inbox_head .*missing/],
      ['no-value', { delete: ['state', 'key'] }, /counter.*state_/],
      ['no-token', { delete: ['token', lookupId] }, /agent .*no token/],
      ['no-event', { delete: ['event', 2] }, /event .*missing/],
      ['no-agent', { delete: ['agent', address] }, /does not (exist|live)/],
      ['strange-table', { put: [['nonsense', 1], 'x'] }, /no such table/],
      ['strange-value', { put: [['agent', address], 'x'] }, /agent /],
    ];
    for (const [name, damage, finding] of damages) {
      const { code, stdout } = await checkDamaged(name, damage);
      assert.equal(code, 1, `${name}: ${stdout}`);
      assert.match(stdout, finding, name);
      assert.match(stdout, /[1-9]\d* problems found\n$/, name);
    }
  });

  test('is refused by name where there is no directory, or no store in it', async () => {
    const empty = join(server.home, 'empty');
    mkdirSync(empty);
    for (const directory of [empty, join(server.home, 'absent')]) {
      for (const words of [
        ['check', directory],
        ['backup', join(server.home, 'target'), '--set', `data_dir=${directory}`],
      ]) {
        const { code, stdout, stderr } = await runTroupe(words);
        assert.deepEqual([code, stdout], [1, ''], words.join(' '));
        assert.match(stderr, new RegExp(`^troupe: .*${directory}`));
        assert.ok(!/\n\s+at /.test(stderr), 'no stack is shown');
      }
    }
  });

  test('is not copied over what is there already', async () => {
    const full = join(server.home, 'full');
    mkdirSync(full);
    writeFileSync(join(full, 'precious'), 'mine');
    const taken = join(server.home, 'taken');
    const from = ['--set', `data_dir=${server.dataDirectory}`];
    assert.equal((await runTroupe(['backup', taken, ...from])).code, 0);
    for (const target of [full, taken, server.dataDirectory]) {
      const { code, stdout, stderr } = await runTroupe(['backup', target, ...from]);
      assert.deepEqual([code, stdout], [1, ''], target);
      assert.match(stderr, /^troupe: .*(empty|exists)/);
    }
  });
});
