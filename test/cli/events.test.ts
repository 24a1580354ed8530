// `troupe events`: what it follows, exports and verifies, while the server runs and when it does not.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { EVENT_TYPE_TABLE } from '../../src/runtime/event-index.js';
import { tablesDirectory } from '../../src/runtime/storage/data-directory.js';
import { decodeKey, rangeOf } from '../../src/runtime/storage/keys.js';
import { openLmdbWriter } from '../../src/runtime/storage/lmdb-store.js';
import type { SeenEvent } from '../server/event-watcher.js';
import { until } from '../server/expectations.js';
import { onServersOfTheirOwn, type Stage } from '../server/on-both-listeners.js';
import { environmentWith, mainFile, runTroupe } from '../server/troupe-command.js';

const settings = { 'observe.requests_per_min': 0 };
const own = onServersOfTheirOwn(settings);
/** The tables follow only when somebody waits for them. */
const ownLagging = onServersOfTheirOwn({ ...settings, 'journal.apply_after_ms': 60_000 });

async function logged({ api }: Stage): Promise<SeenEvent[]> {
  const page = await api.must<{ events: SeenEvent[]; has_more: boolean }>(200, { path: '/observe/events?limit=1000' });
  assert.equal(page.has_more, false);
  return page.events;
}

async function exported(stage: Stage, ...words: string[]): Promise<SeenEvent[]> {
  const { code, stdout, stderr } = await runTroupe(['events', 'export', stage.server.dataDirectory, ...words]);
  assert.deepEqual([code, stderr], [0, '']);
  return eventsIn(stdout);
}

function eventsIn(stdout: string): SeenEvent[] {
  assert.ok(stdout === '' || stdout.endsWith('\n'));
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as SeenEvent]));
}

/** A command that goes on until it is ended. */
class Following {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | null>;

  constructor(words: readonly string[]) {
    const options = { cwd: tmpdir(), env: environmentWith(), stdio: ['ignore', 'pipe', 'pipe'] as const };
    this.child = spawn(process.execPath, [mainFile, 'events', 'tail', ...words], {
      ...options,
      stdio: [...options.stdio],
    });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
  }

  get events(): SeenEvent[] {
    return eventsIn(this.stdout.slice(0, this.stdout.lastIndexOf('\n') + 1));
  }
}

ownLagging('exports what is durable, in the tables or not, and any part of it', async (stage) => {
  const { api, server } = stage;
  const agent = await api.agent();
  for (let i = 0; i < 30; i++) await api.message(agent, agent, `first ${i}`);
  const before = await logged(stage);
  for (let i = 0; i < 30; i++) await api.message(agent, agent, `then ${i}`);
  // Not by way of the observer, which would have the tables brought up.
  const running = await exported(stage);
  assert.equal(running.length, before.length + 30);
  assert.deepEqual(await logged(stage), running);
  const all = running;
  assert.deepEqual(await exported(stage, '--since', '10', '--until', '20'), all.slice(10, 20));
  assert.deepEqual(await exported(stage, '--since', String(all.length - 1)), all.slice(-1));
  assert.deepEqual(await exported(stage, '--since', String(all.length + 5)), []);
  await server.kill();
  assert.deepEqual(await exported(stage), all);
  await server.startAgain();
  await server.stop();
  assert.deepEqual(await exported(stage, '--until', '15'), all.slice(0, 15));
});

own('verifies the log while it is written and when it is not, and says what is wrong', async ({ api, server }) => {
  const agent = await api.agent();
  for (let i = 0; i < 20; i++) await api.message(agent, agent, `${i}`);
  const verify = () => runTroupe(['events', 'verify', server.dataDirectory]);
  const running = await verify();
  assert.deepEqual([running.code, running.stderr], [0, '']);
  assert.match(running.stdout, /^verified \d+ events in .*: nothing wrong found$/m);
  await server.stop();
  assert.equal((await verify()).code, 0);
  const store = openLmdbWriter(tablesDirectory(server.dataDirectory));
  const [row] = store.range({ ...rangeOf([EVENT_TYPE_TABLE, 'message_sent']), limit: 1 });
  assert.equal(decodeKey(row!.key)[1], 'message_sent');
  store.commit((batch) => batch.delete(row!.key));
  await store.close();
  const wrong = await verify();
  assert.equal(wrong.code, 1);
  assert.match(wrong.stdout, /event_type .*it files \d+ events/);
  assert.match(wrong.stdout, /1 problems found/);
});

own('follows a running server, with and without its past, and says where it stopped', async (stage) => {
  const { api, server } = stage;
  const [ann, bob] = [await api.agent(), await api.agent()];
  await api.message(ann, bob, 'before');
  const whole = new Following(['--url', server.url, '--since', '0']);
  const part = new Following(['--url', server.url, '--type', 'message_sent', '--agent', bob.agent_address]);
  const status = async () =>
    api.must<{ streams: number }>(200, { path: '/admin/status', as: await server.adminToken() });
  await until('both follow', async () => (await status()).streams === 2);
  await api.message(ann, bob, 'from ann');
  await api.message(bob, ann, 'from bob');
  const all = await logged(stage);
  await until('both have it', () => whole.events.length === all.length && part.events.length === 1);
  assert.deepEqual(whole.events, all);
  assert.deepEqual(part.events, all.slice(-1));
  await server.stop();
  assert.deepEqual([await whole.ended, await part.ended], [1, 1]);
  assert.match(whole.stderr, new RegExp(`stops; go on with --since ${all.length}\n$`));
});

onServersOfTheirOwn({ ...settings, 'observe.access': 'admin' })(
  'follows as the admin, where only that may',
  async (stage) => {
    const { api, server } = stage;
    await api.agent();
    const refused = await runTroupe(['events', 'tail', '--url', server.url]);
    assert.deepEqual([refused.code, refused.stdout], [1, '']);
    assert.match(refused.stderr, /was answered 401: .*admin token/);
    const following = new Following(['--url', server.url, '--since', '0', '--token', await server.adminToken()]);
    await until('it has the past', () => following.events.length === 2);
    following.child.kill();
    await following.ended;
  },
);
