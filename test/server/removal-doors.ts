// Every door of a server through which a content could be seen, knocked at one after the other.
//
// Owns:     the list of doors, and what each of them shows.
// Does not: know what was removed: a test looks for it in what it is given.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { listArchives } from '../../src/archive/archive-file.js';
import { EventWatcher, type SeenEvent } from './event-watcher.js';
import { until } from './expectations.js';
import type { ServerProcess } from './server-process.js';
import { SessionClient } from './session-client.js';
import type { Agent, Message, TroupeApi } from './troupe-api.js';
import { runTroupe } from './troupe-command.js';

export interface Record {
  readonly removal_id: string;
  readonly ts: string;
  readonly action: string;
  readonly key?: string;
  readonly message_id?: string;
  readonly reason: string;
  readonly performed_by: string;
  readonly content_hash: string;
}

/** What was seen behind each door, by its name. */
export type Seen = Map<string, string>;

export interface House {
  readonly server: ServerProcess;
  readonly api: TroupeApi;
  readonly admin: string;
  readonly reader: Agent;
  /** Messages in the inbox of the reader. */
  readonly held: number;
  /** Keys of the shared state that are looked at one by one. */
  readonly keys: readonly string[];
}

export async function allEvents(api: TroupeApi, query = ''): Promise<SeenEvent[]> {
  const all: SeenEvent[] = [];
  for (let since = 0; ; ) {
    const page = await api.must<{ events: SeenEvent[]; next_cursor: number; has_more: boolean }>(200, {
      path: `/observe/events?limit=1000&since=${since}&${query}`,
    });
    all.push(...page.events);
    if (!page.has_more) return all;
    since = page.next_cursor;
  }
}

export function removing(api: TroupeApi, admin: string, body: object): Promise<Record> {
  return api.must(200, { method: 'POST', path: '/admin/removals', as: admin, body });
}

/** The doors of a server that runs; takes no message out of an inbox for good. */
export async function openDoors(house: House): Promise<Seen> {
  const { api, server, admin, reader, keys } = house;
  const seen: Seen = new Map();
  const paths = [
    ...['', 'type=message_sent', 'type=state_written', `agent=${reader.agent_address}`].map(
      (query) => `/observe/events?limit=1000&${query}`,
    ),
    ...['/observe/state?limit=1000', '/observe/transparency', '/observe/health'],
    ...keys.map((key) => `/observe/state/${encodeURIComponent(key)}`),
  ];
  for (const path of paths) seen.set(path, (await api.send({ path })).text);
  for (const path of ['/admin/status', '/admin/ceilings', '/metrics', '/v1/health', '/openapi.json']) {
    seen.set(path, (await api.send({ path, as: admin })).text);
  }
  for (const path of ['/v1/state', '/v1/registry', '/v1/agents/me', '/v1/state/_capacity']) {
    seen.set(path, (await api.send({ path, as: reader.agent_token })).text);
  }
  for (const key of keys) seen.set(`state ${key}`, (await api.get(reader, key)).text);
  seen.set('stream of the past', await streamed(house));
  seen.set('session', await inSession(house));
  seen.set('lease', await leased(house));
  seen.set('log', server.stderr + server.stdout);
  return seen;
}

/** All events by a stream that begins at the first. */
async function streamed({ api, server }: House): Promise<string> {
  const events = await allEvents(api);
  const watcher = await EventWatcher.open(server.port, { query: 'since=0' });
  await watcher.sees(events.at(-1)?.seq ?? 0);
  await watcher.close();
  return JSON.stringify(watcher.events);
}

/** What a session is pushed and answered; nothing is acknowledged. */
async function inSession({ server, reader, keys, held }: House): Promise<string> {
  const client = await SessionClient.live(server.port, reader, { window: 1024 });
  await client.messages(held);
  for (const key of keys) await client.ask({ type: 'state.get', id: key, key });
  await client.ask({ type: 'ping', id: 'last' });
  await client.settled();
  const said = JSON.stringify(client.frames);
  client.socket.close();
  await client.closed;
  return said;
}

/** What is lent for a second; the session before may not have let go of it yet. */
async function leased({ api, reader, held }: House): Promise<string> {
  const taken = new Map<string, Message>();
  await until('the messages are lent', async () => {
    const { messages } = await api.take(reader, 'mode=lease&lease_s=1&limit=100');
    for (const message of messages) taken.set(message.message_id, message);
    return taken.size === held;
  });
  return JSON.stringify([...taken.values()]);
}

/** What can be read of a data directory, whether its server runs or not. */
export async function closedDoors(directory: string, aside: string): Promise<Seen> {
  const seen: Seen = new Map();
  const exported = await runTroupe(['events', 'export', directory]);
  assert.equal(exported.code, 0, exported.stderr);
  seen.set('export', exported.stdout);
  const checked = await runTroupe(['check', directory]);
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
  seen.set('check', checked.stdout);
  const copied = await runTroupe(['backup', aside, '--set', `data_dir=${directory}`]);
  assert.equal(copied.code, 0, copied.stderr);
  for (const name of readdirSync(aside, { recursive: true, encoding: 'utf8' })) {
    if (/\.(mdb|segment)$/.test(name)) seen.set(`backup ${name}`, readFileSync(join(aside, name), 'latin1'));
  }
  for (const name of readdirSync(join(directory, 'journal'))) {
    if (name.endsWith('.segment'))
      seen.set(`journal ${name}`, readFileSync(join(directory, 'journal', name), 'latin1'));
  }
  for (const room of [directory, aside]) {
    for (const { path, first } of listArchives(join(room, 'archive'))) {
      seen.set(`archive ${first} in ${room}`, gunzipSync(readFileSync(path)).toString('latin1'));
    }
  }
  return seen;
}

/** Fails with the doors behind which a content is still to be seen. */
export function assertNowhere(seen: Seen, contents: readonly string[]): void {
  const behind = [...seen].filter(([, text]) => contents.some((content) => text.includes(content)));
  assert.deepEqual(
    behind.map(([name]) => name),
    [],
    'it is still to be seen',
  );
}
