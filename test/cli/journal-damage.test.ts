// A journal that ends in a half written group, and one that is damaged in the middle: what the commands say, what a server
// does, and what a repair leaves. The server is real, and was killed with groups in its journal that are not in its tables.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { journalDirectory, tablesDirectory } from '../../src/runtime/storage/data-directory.js';
import type { Group } from '../../src/runtime/storage/group-reader.js';
import { surveyJournal } from '../../src/runtime/storage/journal-survey.js';
import { openLmdbReader } from '../../src/runtime/storage/lmdb-store.js';
import { readMetaNumber } from '../../src/runtime/storage/meta.js';
import { ReadOnlyDisk } from '../../src/runtime/storage/read-only-disk.js';
import { ServerProcess } from '../server/server-process.js';
import { type Agent, TroupeApi } from '../server/troupe-api.js';
import { runTroupe } from '../server/troupe-command.js';

const WRITES_PER_LIFE = 20;
/** Lives after which a server should have been killed early enough. */
const LIVES_MAX = 20;
const UNAPPLIED_MIN = 8;

describe('a journal that is damaged', () => {
  let server: ServerProcess;
  let api: TroupeApi;
  let agent: Agent;
  /** Keys that were acknowledged, in this order. */
  const written: string[] = [];

  before(async () => {
    server = await ServerProcess.start();
    api = new TroupeApi(() => server.port);
    agent = await api.agent();
  });
  after(async () => {
    api.close();
    await server.dispose();
  });

  /** Writes one key after the other and kills the server, until enough groups are not in the tables. */
  async function killBehind(): Promise<readonly Group[]> {
    for (let life = 0; life < LIVES_MAX; life++) {
      for (let i = 0; i < WRITES_PER_LIFE; i++) {
        const key = `key-${written.length}-`;
        assert.equal((await api.put(agent, key, 'value')).status, 200);
        written.push(key);
      }
      await server.kill();
      const groups = await unapplied();
      if (groups.length >= UNAPPLIED_MIN) return groups;
      await server.startAgain();
    }
    throw new Error('no server was killed with enough groups that are not in the tables');
  }

  /** The groups that are not in the tables, in order. */
  async function unapplied(): Promise<readonly Group[]> {
    const tables = openLmdbReader(tablesDirectory(server.dataDirectory));
    const applied = readMetaNumber(tables, ['applied']) ?? 0;
    await tables.close();
    const { groups } = surveyJournal(new ReadOnlyDisk(journalDirectory(server.dataDirectory)), applied);
    return [...groups.values()].sort((a, b) => a.number - b.number);
  }

  /** Turns the last byte of a group; returns the segment that it lies in. */
  function damage({ records }: Group): string {
    const directory = journalDirectory(server.dataDirectory);
    for (const name of readdirSync(directory)) {
      const path = join(directory, name);
      const bytes = readFileSync(path);
      const at = bytes.indexOf(records);
      if (at === -1) continue;
      bytes[at + records.length - 1]! ^= 1;
      writeFileSync(path, bytes);
      return name;
    }
    throw new Error('the group is in no segment');
  }

  /** The place in `written` of what a group holds. */
  function placeOf({ records }: Group): number {
    return Number(/key-(\d+)-/.exec(records.toString('latin1'))?.[1]);
  }

  /** The bytes of all files, but for the table of readers, which every process that opens the tables writes. */
  function allFiles(): Map<string, string> {
    const entries = readdirSync(server.dataDirectory, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && entry.name !== 'lock.mdb');
    return new Map(
      files.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name), 'latin1')]),
    );
  }

  const check = (...options: string[]) => runTroupe(['check', server.dataDirectory, ...options]);

  async function isThere(key: string): Promise<boolean> {
    return (await api.get(agent, key)).status === 200;
  }

  test('in its last group is checked as if that was never written, counts the others, and a server starts on it', async () => {
    const groups = await killBehind();
    const last = groups.at(-1)!;
    damage(last);
    const { code, stdout } = await check();
    assert.equal(code, 0, stdout);
    const said = `journal: ${groups.length - 1} groups are not in the tables yet: the next start applies what is there; `;
    assert.ok(stdout.includes(`${said}group ${last.number} is not whole, and was not acknowledged\n`), stdout);
    assert.match(stdout, new RegExp(`, state ${written.length - 1},`));
    assert.match(stdout, /nothing wrong found\n$/);
    const repaired = await check('--repair', '--yes');
    assert.deepEqual(
      [repaired.code, /there is nothing to repair\n$/.test(repaired.stdout)],
      [0, true],
      repaired.stdout,
    );
    await server.startAgain();
    assert.deepEqual([await isThere(written.at(-2)!), await isThere(written.at(-1)!)], [true, false]);
    written.pop();
  });

  test('in the middle is refused, named and not copied, and repaired only when that is agreed to', async () => {
    const groups = await killBehind();
    const hit = groups[Math.floor(groups.length / 2)]!;
    const lost = placeOf(hit);
    assert.ok(lost > 0 && lost < written.length - 1);
    const segment = damage(hit);
    const place = new RegExp(
      `The journal is damaged: segment ${segment}, byte \\d+, where group ${hit.number} should be`,
    );
    await assert.rejects(server.startAgain(), place);

    const checked = await check();
    assert.equal(checked.code, 1);
    assert.match(checked.stdout, place);
    assert.match(checked.stdout, /\n1 problems found\n$/);
    const copied = await runTroupe(['backup', join(server.home, 'copy'), '--set', `data_dir=${server.dataDirectory}`]);
    assert.equal(copied.code, 1);
    assert.match(copied.stderr, place);

    const untouched = allFiles();
    const planned = await check('--repair');
    assert.equal(planned.code, 1);
    assert.match(planned.stdout, place);
    const last = groups.at(-1)!.number;
    const whole = last - hit.number;
    assert.ok(planned.stdout.includes(`is lost: groups ${hit.number} to ${last} (${whole + 1}) (${whole} of them`));
    assert.match(planned.stdout, /nothing was changed: give --yes too, and it is done\n$/);
    assert.deepEqual(allFiles(), untouched);

    const repaired = await check('--repair', '--yes');
    assert.equal(repaired.code, 0, repaired.stdout + repaired.stderr);
    assert.equal(repaired.stdout.split('\n')[2], planned.stdout.split('\n')[2], 'it did what it had said');
    const aside = /journal\/damaged-\S+/.exec(repaired.stdout)![0];
    for (const name of readdirSync(join(server.dataDirectory, aside))) {
      const before = untouched.get(join(journalDirectory(server.dataDirectory), name));
      assert.equal(readFileSync(join(server.dataDirectory, aside, name), 'latin1'), before, `${name} is another`);
    }

    await server.startAgain();
    for (const key of written.slice(0, lost)) assert.ok(await isThere(key), `${key} was written before the damage`);
    for (const key of written.slice(lost)) assert.ok(!(await isThere(key)), `${key} was written behind the damage`);
    assert.equal((await api.put(agent, 'goes on', 'value')).status, 200);
    const running = await check('--repair');
    assert.deepEqual([running.code, running.stdout], [1, '']);
    assert.match(running.stderr, /is in use by process \d+/);
    await server.stop();
    const clean = await check();
    assert.deepEqual([clean.code, /nothing wrong found\n$/.test(clean.stdout)], [0, true], clean.stdout);
  });
});
