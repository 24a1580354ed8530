// A disk that takes no more: writes are refused, reads go on, nothing acknowledged is lost, and when there is space again
// writes work without a restart.
//
// Two disks are filled. A file size limit on the running server (prlimit) makes every write past it fail, on any Linux and
// for any user. A small file system of memory (tmpfs) gets full as a disk does; it needs the right to mount. Where
// neither can be had, the test says so and is skipped.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { refusalOf, until } from '../server/expectations.js';
import { ServerProcess } from '../server/server-process.js';
import { type Agent, type Answer, TroupeApi } from '../server/troupe-api.js';
import { runTroupe } from '../server/troupe-command.js';

const MIB = 1024 * 1024;
const DISK_MIB = 96;
/** What is left of it when it is filled: less than a segment of the journal. */
const LEFT_MIB = 12;
const WRITERS = 4;
/** As much as a disk of this test can ever hold: whoever gets past it was never refused. */
const WRITES_MAX = 4000;

interface Disk {
  /** The data directory lies on it. */
  readonly dataDirectory: string;
  fill(): void;
  makeRoom(): void;
}

/** Values that the server said it has, under keys of one writer. */
type Acknowledged = Map<string, string>;

async function survives(server: ServerProcess, disk: Disk): Promise<void> {
  const api = new TroupeApi(() => server.port);
  try {
    const agent = await api.agent();
    const kept: Acknowledged = new Map();
    for (let i = 0; i < 50; i++) await mustWrite(api, agent, `early-${i}`, `value ${i}`, kept);
    for (let i = 0; i < 20; i++) await api.message(agent, agent, `early ${i}`);
    disk.fill();
    const refusals = await writeUntilRefused(api, agent, kept);
    for (const refused of refusals) {
      refusalOf(refused, 503, 'unavailable');
      assert.ok(Number(refused.headers['retry-after']) >= 1, 'a refused write says when to try again');
    }
    await check(api, agent, kept);
    const body = { to: agent.agent_address, content: 'm'.repeat(60_000) };
    const send = () => api.send({ method: 'POST', path: '/v1/messages', as: agent.agent_token, body });
    await until('a message is refused too', async () => (await send()).status === 503);
    await deleteOne(api, agent, kept);
    await check(api, agent, kept);

    disk.makeRoom();
    await until('writes work again', async () => (await api.put(agent, 'late', 'x')).status === 200);
    kept.set('late', 'x');
    for (let i = 0; i < 20; i++) await mustWrite(api, agent, `late-${i}`, 'v'.repeat(10_000), kept);
    await api.message(agent, agent, 'late');
    await check(api, agent, kept);
    assert.equal((await server.stop()).code, 0);
    await server.startAgain();
    await check(api, agent, kept);
    const { key_count } = await api.capacity(agent);
    assert.equal(key_count, kept.size, 'what was refused is not counted');
  } finally {
    api.close();
  }
  assert.equal((await server.stop()).code, 0);
  const report = await runTroupe(['check', disk.dataDirectory]);
  assert.equal(report.code, 0, report.stdout + report.stderr);
}

async function mustWrite(api: TroupeApi, agent: Agent, key: string, value: string, kept: Acknowledged): Promise<void> {
  const answer = await api.put(agent, key, value);
  assert.equal(answer.status, 200, answer.text);
  kept.set(key, value);
}

/** Several write at once, each until it was refused. */
async function writeUntilRefused(api: TroupeApi, agent: Agent, kept: Acknowledged): Promise<Answer[]> {
  const refusals: Answer[] = [];
  const write = async (writer: number): Promise<void> => {
    for (let i = 0; i < WRITES_MAX; i++) {
      const [key, value] = [`full-${writer}-${i}`, `${i} `.padEnd(50_000, 'v')];
      const answer = await api.put(agent, key, value);
      if (answer.status === 200) {
        kept.set(key, value);
      } else {
        refusals.push(answer);
        return;
      }
    }
    assert.fail('the disk was never full');
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  return refusals;
}

/** Everything that was acknowledged is there. */
async function check(api: TroupeApi, agent: Agent, kept: Acknowledged): Promise<void> {
  for (const [key, value] of kept) {
    const answer = await api.get(agent, key);
    assert.equal(answer.status, 200, `${key}: ${answer.text}`);
    assert.equal((JSON.parse(answer.text) as { value: string }).value, value, key);
  }
}

/** A delete works, or it is refused and nothing is gone. */
async function deleteOne(api: TroupeApi, agent: Agent, kept: Acknowledged): Promise<void> {
  const key = 'early-0';
  const answer = await api.send({ method: 'DELETE', path: `/v1/state/${key}`, as: agent.agent_token });
  if (answer.status === 200) kept.delete(key);
  else refusalOf(answer, 503, 'unavailable');
}

const noLimit = canRun('prlimit', '--version') ? false : 'there is no prlimit here';

test('a file that may not grow refuses writes until it may, and nothing else', { skip: noLimit }, async () => {
  const server = await ServerProcess.start();
  const limit = (bytes: string) => {
    const { status, stderr } = spawnSync('prlimit', ['--pid', String(server.pid), `--fsize=${bytes}`]);
    assert.equal(status, 0, String(stderr));
  };
  try {
    await survives(server, {
      dataDirectory: server.dataDirectory,
      // The limit at hand, and none above it: the other one would only be lowered once.
      fill: () => limit(`${statSync(join(server.dataDirectory, 'tables', 'data.mdb')).size + 4 * MIB}:unlimited`),
      makeRoom: () => limit('unlimited:unlimited'),
    });
  } finally {
    await server.dispose();
  }
});

const noMount = mayMount() ? false : 'this user may not mount a file system';

test('a full file system refuses writes until there is space, and nothing else', { skip: noMount }, async () => {
  const mounted = mountSmallDisk();
  assert.ok(mounted !== undefined, 'a file system could be mounted a moment ago');
  const ballast = join(mounted.path, 'ballast');
  try {
    const dataDirectory = join(mounted.path, 'data');
    const server = await ServerProcess.start({ data_dir: dataDirectory });
    try {
      await survives(server, {
        dataDirectory,
        fill: () => {
          const { bavail, bsize } = statfsSync(mounted.path);
          writeFileSync(ballast, Buffer.alloc(bavail * bsize - LEFT_MIB * MIB));
        },
        makeRoom: () => writeFileSync(ballast, ''),
      });
    } finally {
      await server.dispose();
    }
  } finally {
    mounted.unmount();
  }
});

interface Mounted {
  readonly path: string;
  unmount(): void;
}

/** A file system of its own, or undefined where this user may not have one. */
function mountSmallDisk(): Mounted | undefined {
  const path = mkdtempSync(join(tmpdir(), 'troupe-disk-'));
  const options = ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'troupe-test', path];
  if (!canRun('mount', ...options)) {
    rmdirSync(path);
    return undefined;
  }
  const unmount = (): void => {
    process.off('exit', unmount);
    // Lazily: a server that was just killed may hold it for a moment.
    spawnSync('umount', ['--lazy', path]);
    rmdirSync(path);
  };
  process.once('exit', unmount);
  return { path, unmount };
}

function mayMount(): boolean {
  const mounted = mountSmallDisk();
  mounted?.unmount();
  return mounted !== undefined;
}

function canRun(command: string, ...words: string[]): boolean {
  return spawnSync(command, words, { stdio: 'ignore' }).status === 0;
}
