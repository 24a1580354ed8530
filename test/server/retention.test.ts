// What becomes of old events while a server runs: where they are, how they are asked for, and what is found out.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVENT_TABLE } from '../../src/runtime/event-blocks.js';
import { tablesDirectory } from '../../src/runtime/storage/data-directory.js';
import { rangeOf } from '../../src/runtime/storage/keys.js';
import { openLmdbWriter } from '../../src/runtime/storage/lmdb-store.js';
import { EventWatcher, type SeenEvent } from './event-watcher.js';
import { refusalOf, until } from './expectations.js';
import { onServersOfTheirOwn, type Stage } from './on-both-listeners.js';
import { runTroupe } from './troupe-command.js';

/** Whatever is in the tables goes, as soon as it is seen. */
const ALL = { 'observe.requests_per_min': 0, 'event_log.retention_bytes': 1 };
const own = onServersOfTheirOwn(ALL);
const ownKept = onServersOfTheirOwn({ ...ALL, 'event_log.retention_bytes': 100_000 });

interface Figures {
  readonly trimmed?: number;
  readonly archived?: number;
  readonly bytes?: number;
}

interface Page {
  readonly events: readonly SeenEvent[];
  readonly next_cursor: number;
}

const archivesOf = ({ server }: Stage): string => join(server.dataDirectory, 'archive');

/** None before the first is written. */
function archiveNames(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith('.gz'))
    .sort();
}

function archivedUpTo(stage: Stage): number {
  const newest = archiveNames(archivesOf(stage)).at(-1);
  return Number(/-(\d{16})\./.exec(newest ?? '')?.[1] ?? 0);
}

async function say(stage: Stage, messages: number): Promise<void> {
  const { api } = stage;
  const agent = await api.agent();
  for (let i = 0; i < messages; i++) await api.message(agent, agent, `${i}`.padEnd(1_000, 'x'));
}

async function verified(stage: Stage): Promise<string> {
  const { code, stdout } = await runTroupe(['events', 'verify', stage.server.dataDirectory]);
  assert.equal(code, 0, stdout);
  return stdout;
}

async function exported(stage: Stage, ...words: string[]): Promise<SeenEvent[]> {
  const { stdout, stderr } = await runTroupe(['events', 'export', stage.server.dataDirectory, ...words]);
  assert.equal(stderr, '');
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as SeenEvent]));
}

own('tells where the log begins to whoever asks for what is archived', async (stage) => {
  const { api, server } = stage;
  await say(stage, 60);
  await until('all of it is archived', async () => {
    const { events } = await api.must<Page>(200, { path: '/observe/events' });
    return events.length === 0;
  });
  const { next_cursor: begins } = await api.must<Page>(200, { path: '/observe/events' });
  assert.equal(begins, 62);
  await until('the status tells of it', async () => {
    const path = '/admin/status';
    const status = await api.must<{ retention: Figures | null }>(200, { path, as: await server.adminToken() });
    const { trimmed, archived, bytes } = status.retention ?? {};
    return trimmed === 62 && archived === 62 && bytes === 0;
  });
  for (const since of [0, 1, begins - 1]) {
    const refused = refusalOf(await api.send({ path: `/observe/events?since=${since}` }), 410, 'events_archived');
    assert.match(refused.message, /begins behind since=62/);
    assert.equal(refused.detail, '62');
  }
  await api.must(200, { path: `/observe/events?since=${begins}` });
  const late = await EventWatcher.open(server.port, { query: 'since=5&type=message_sent' });
  await until('it is cut off', () => late.closing !== undefined);
  assert.deepEqual(late.others, [{ type: 'cut_off', resume_after_seq: 62, reason: 'archived' }]);
  assert.deepEqual([late.events, late.closing?.code], [[], 4008]);
  const tail = await runTroupe(['events', 'tail', '--url', server.url, '--since', '5']);
  assert.equal(tail.code, 1);
  assert.match(tail.stderr, /events up to 62 are archived: .* go on with --since 62/);
  const watcher = await EventWatcher.open(server.port, { query: `since=${begins}` });
  const agent = await api.agent();
  await api.message(agent, agent, 'one more');
  await watcher.sees(begins + 3);
  assert.deepEqual(
    watcher.events.map(({ seq }) => seq),
    [63, 64, 65],
  );
  await watcher.close();
});

ownKept('keeps the whole log, in archives and tables, while it runs, in an export and in a backup', async (stage) => {
  const { server } = stage;
  const seen = await EventWatcher.open(server.port, { query: 'since=0' });
  await say(stage, 300);
  await until('some is archived', () => archiveNames(archivesOf(stage)).length >= 2);
  await say(stage, 100);
  await seen.sees(404);
  const all = await exported(stage);
  assert.deepEqual(all, seen.events);
  assert.deepEqual(
    all.map(({ seq }) => seq),
    all.map((_, place) => place + 1),
  );
  assert.deepEqual(await exported(stage, '--since', '50', '--until', '350'), all.slice(50, 350));
  assert.match(await verified(stage), /, \d+ in \d+ archives: nothing wrong found/);
  const copy = join(server.home, 'copy');
  const backup = await runTroupe(['backup', copy, '--set', `data_dir=${server.dataDirectory}`]);
  assert.deepEqual([backup.code, backup.stderr], [0, ''], backup.stdout);
  const checked = await runTroupe(['check', copy]);
  assert.equal(checked.code, 0, checked.stdout);
  assert.match(checked.stdout, /archives: \d+ events in \d+ files/);
  const again = await runTroupe(['events', 'export', copy]);
  assert.equal(again.stdout, all.map((event) => `${JSON.stringify(event)}\n`).join(''));
  await seen.close();
  await server.stop();
  const grown = join(copy, 'archive');
  const before = archiveNames(grown).length;
  await server.startAgain({ data_dir: copy });
  await say(stage, 100);
  await until('the copy archives on', () => archiveNames(grown).length > before);
  await server.stop();
  const after = await runTroupe(['check', copy]);
  assert.equal(after.code, 0, after.stdout);
});

own('takes nothing out that the summaries have not taken in', async (stage) => {
  const { api, server } = stage;
  const agents = [await api.agent(), await api.agent()] as const;
  const [from, to] = agents;
  for (let life = 1; life <= 3; life++) {
    for (let i = 0; i < 100; i++) await api.message(from, to, 'x'.repeat(1_000));
    await until('some went', () => archivedUpTo(stage) > 50 * life);
    await server.kill();
    const { code, stdout } = await runTroupe(['check', server.dataDirectory]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^summaries: up to event \d+: /m);
    await server.startAgain();
  }
  const path = `/observe/agents/${from.agent_address}`;
  const { messages_sent } = await api.must<{ messages_sent: number }>(200, { path });
  assert.equal(messages_sent, 300);
  await until('all of it is archived', async () => {
    const { events } = await api.must<Page>(200, { path: '/observe/events' });
    return events.length === 0;
  });
  const copy = join(server.home, 'summed');
  const backup = await runTroupe(['backup', copy, '--set', `data_dir=${server.dataDirectory}`]);
  assert.equal(backup.code, 0, backup.stderr);
  await server.stop();
  for (const directory of [server.dataDirectory, copy]) {
    const { code, stdout } = await runTroupe(['check', directory]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^summaries: up to event \d+: /m);
  }
  assert.ok(!server.stderr.includes('summaries_incomplete'), server.stderr);
});

ownKept('is found out when something is missing, changed or twice', async (stage) => {
  const { server } = stage;
  await say(stage, 300);
  await until('some is archived', () => archivedUpTo(stage) > 150);
  await server.stop();
  const archives = archivesOf(stage);
  const names = archiveNames(archives);
  assert.ok(names.length >= 2, names.join());
  const problem = async (): Promise<string> => {
    const [verify, check] = await Promise.all(
      [['events', 'verify'], ['check']].map((words) => runTroupe([...words, server.dataDirectory])),
    );
    assert.deepEqual([verify!.code, check!.code], [1, 1], verify!.stdout + check!.stdout);
    return verify!.stdout;
  };
  await verified(stage);

  const aside = join(server.home, 'aside');
  renameSync(join(archives, names[0]!), aside);
  assert.match(await problem(), /events 1 to \d+ before it are missing/);
  renameSync(aside, join(archives, names[0]!));

  const last = names.at(-1)!;
  renameSync(join(archives, last), aside);
  assert.match(await problem(), /archives : events \d+ to \d+ are in no archive/);
  const refused = await runTroupe(['events', 'export', server.dataDirectory]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /event \d+ is archived, and in no archive/);
  writeFileSync(join(archives, last), 'something else');
  assert.match(await problem(), new RegExp(`${last}: .* is damaged`));
  rmSync(join(archives, last));
  renameSync(aside, join(archives, last));
  await verified(stage);

  const store = openLmdbWriter(tablesDirectory(server.dataDirectory));
  const [row] = store.range({ ...rangeOf([EVENT_TABLE]), limit: 1 });
  store.commit((batch) => batch.delete(row!.key));
  await store.close();
  assert.match(await problem(), /events are missing/);
});

own('says that it cannot archive, keeps everything where it is, and goes on when it can', async (stage) => {
  const { api, server } = stage;
  await server.stop();
  rmSync(archivesOf(stage), { recursive: true, force: true });
  const directory = join(server.home, 'elsewhere');
  writeFileSync(directory, 'a file');
  await server.startAgain({ 'event_log.archive_dir': directory });
  await say(stage, 20);
  await until('it says so', () => server.stderr.includes('retention_failing'));
  const { events } = await api.must<Page>(200, { path: '/observe/events?since=0&limit=1000' });
  assert.ok(events.length >= 22);
  rmSync(directory);
  await until('it goes on', () => server.stderr.includes('retention_goes_on'));
  assert.ok(archiveNames(directory).length > 0);
});
