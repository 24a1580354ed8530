// Readers that stop reading while their messages wait: what the server keeps for each is bounded, however many wait, and
// others hardly notice. When they read on, nothing is missing.
//
//   SESSION_WAITING=100000 npm run test:pressure -- session-stalled      the full size
//
// The memory is the server's own, before the readers stop and while they stand still. One socket is too little to be seen
// in that of a whole process, so there are READERS of them; the first has all the messages waiting, and the others more
// than a window of them. They have all read a window before, and left: so what reading costs a heap once is there before.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { loadRequest } from '../../bench/harness/load-client.js';
import { until } from '../server/expectations.js';
import { LISTENERS } from '../server/on-both-listeners.js';
import { ServerProcess } from '../server/server-process.js';
import { type Agent, TroupeApi } from '../server/troupe-api.js';
import { FloodWorld, type JudgedWaits, type Waits } from './flood-world.js';
import { residentMib } from './resident.js';
import { collectGarbage, INSPECTED } from './session-garbage.js';
import { SessionReader, WINDOW } from './session-reader.js';

const WAITING = Number(process.env.SESSION_WAITING ?? 10_000);
const READERS = 24;
const BATCH = 100;
/** A window of them is what one session may be pushed: 1 MiB and a little, or six times as much on the wire. */
const CASES = [
  { kind: 'plain text', content: 'x'.repeat(1_000), eachMibMax: 2 },
  // More than the kernel takes. Beside the socket, with its 2 MiB, the agent holds what it pushed, and the session those
  // pages of it that the socket does not take: of each at most 1 MiB.
  { kind: 'text that JSON escapes', content: '\u0001'.repeat(1_000), eachMibMax: 4 },
] as const;

const SETTINGS = {
  'messaging.inbox_messages_max': 10 * WAITING,
  'messaging.inbox_bytes_max': 1_073_741_824,
  'auth.cache_ttl_ms': 600_000,
};

async function fill(api: TroupeApi, agent: Agent, count: number, content: string): Promise<void> {
  const messages = Array.from({ length: BATCH }, () => ({ to: agent.agent_address, content }));
  for (let sent = 0; sent < count; sent += BATCH) {
    const answer = await api.send({
      method: 'POST',
      path: '/v1/messages/batch',
      as: agent.agent_token,
      body: { messages },
    });
    assert.ok(answer.status < 300, answer.text);
  }
}

/** What the process keeps. */
async function keptMib(server: ServerProcess): Promise<number> {
  await collectGarbage(server);
  return residentMib(server.pid);
}

/** Everything that may be pushed was handed to the sockets: the agent answers behind it. */
async function allPushed(api: TroupeApi, agents: readonly Agent[]): Promise<void> {
  for (const agent of agents) assert.deepEqual((await api.take(agent)).messages, [], 'the session is the only way out');
}

/** What standing still costs the server, in MiB. */
async function standStill(server: ServerProcess, api: TroupeApi, content: string): Promise<[number, number]> {
  const agents: Agent[] = [];
  const operator = await api.operator();
  while (agents.length < READERS) agents.push(await api.agent(operator));
  const waitingFor = (place: number) => (place === 0 ? WAITING : 2 * WINDOW);
  for (const [place, agent] of agents.entries()) await fill(api, agent, waitingFor(place), content);

  const open = (stops: boolean) => Promise.all(agents.map((agent) => SessionReader.open(server.port, agent, stops)));
  const warm = await open(false);
  await Promise.all(warm.map((reader) => reader.read(WINDOW / 2, false)));
  for (const reader of warm) reader.close();
  const admin = await server.adminToken();
  await until('the first sessions are gone', async () => {
    const status = await api.must<{ sessions: number }>(200, { path: '/admin/status', as: admin });
    return status.sessions === 0;
  });

  const beforeMib = await keptMib(server);
  const readers = await open(true);
  await allPushed(api, agents);
  const grownMib = (await keptMib(server)) - beforeMib;
  await Promise.all(readers.map((reader, place) => reader.read(waitingFor(place), true)));
  for (const reader of readers) reader.close();
  return [beforeMib, grownMib];
}

for (const listener of LISTENERS) {
  for (const { kind, content, eachMibMax } of CASES) {
    test(`readers of ${kind} that stop cost ${eachMibMax} MiB each at most, and lose nothing (${listener})`, async () => {
      const server = await ServerProcess.start({ ...SETTINGS, 'http.listener': listener }, INSPECTED);
      const api = new TroupeApi(() => server.port);
      try {
        const [beforeMib, grownMib] = await standStill(server, api, content);
        console.log(
          `${listener}, ${kind}: ${READERS} readers stand still, ${WAITING} messages wait for the first: ` +
            `${beforeMib.toFixed(1)} MiB before, ${(grownMib / READERS).toFixed(2)} MiB more for each`,
        );
        assert.ok(grownMib <= READERS * eachMibMax, `the server grew by ${grownMib.toFixed(1)} MiB`);
      } finally {
        api.close();
        await server.dispose();
      }
    });
  }
}

const PER_SECOND = 500;
const CONNECTIONS = 8;
/** As in floods.test.ts. */
const FLOOR_MS = 10;
const BUSY_MS = 15;
const isShort = ({ quietP99Ms, floodedP99Ms }: Waits) => floodedP99Ms <= Math.max(2 * quietP99Ms, FLOOR_MS);
const isWithinBound = ({ least, median }: JudgedWaits) => isShort(least) || isShort(median);

for (const listener of LISTENERS) {
  describe(`a reader that stopped (${listener})`, { timeout: 300_000 }, () => {
    let world: FloodWorld;

    before(async () => {
      world = await FloodWorld.open({ ...SETTINGS, 'http.listener': listener });
    });
    after(() => world.close());

    test('costs the others nothing but a little time while more messages come for it', async () => {
      const agent = await world.api.agent();
      await fill(world.api, agent, WAITING, CASES[0].content);
      const reader = await SessionReader.open(world.server.port, agent, true);
      const body = { to: agent.agent_address, content: CASES[0].content };
      const requests = [loadRequest('POST', '/v1/messages', agent.agent_token, body)];
      const { port } = world.server;
      const plan = { port, connections: CONNECTIONS, perSecond: PER_SECOND, requests };
      const { rounds, waits } = await world.flood(
        (durationMs) => ({ kind: 'requests', plan: { ...plan, durationMs } }),
        isWithinBound,
      );
      const told = rounds.map(({ quietP99Ms, floodedP99Ms }) => `${quietP99Ms.toFixed(1)}/${floodedP99Ms.toFixed(1)}`);
      console.log(
        `${listener}: p99 of the others beside a reader that stopped, quiet/flooded in ms: ${told.join(', ')}`,
      );
      if (waits === undefined || waits.least.quietP99Ms > BUSY_MS) {
        console.log(`${listener}: this machine is too busy for the waits to be judged`);
      } else {
        assert.ok(isWithinBound(waits), `the others waited ${JSON.stringify(waits)}`);
      }
      // It lost nothing, and was not ended.
      await reader.read(WAITING, true);
      reader.close();
    });
  });
}
