// What one client's flood costs the others: nothing but a little time, and the server no memory.
//
// The flood: 3,000 requests per second (50 where each carries 2 MiB), or thousands of connections that say half of a
// request. Its pace is bounded so that on two cores it is the server that is pressed, and not the machine: a client that
// takes a core for itself slows everybody, whatever the server does. The others: a hundred agents, 300 requests per
// second of four kinds, half of them durable writes. All within the limits that a server has by default.
//
// The bound: their 99th percentile stays within twice what it is without the flood, or within FLOOR_MS, where twice very
// little is less than one wake-up of a busy machine costs. How both are measured: flood-world.ts. Waits can be judged only on
// a machine that does nothing else: where others had too much of the processors, or where even without the flood none of the
// rounds is below BUSY_MS, that is said, and the rest (what was answered, the memory) is judged alone.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type LoadRequest, loadRequest } from '../../bench/harness/load-client.js';
import { refusalOf } from '../server/expectations.js';
import { LISTENERS } from '../server/on-both-listeners.js';
import type { Agent } from '../server/troupe-api.js';
import { type Flooded, FloodWorld, type JudgedWaits, type Round, type Waits } from './flood-world.js';

const FLOOR_MS = 10;
/** On two free cores it is 2 to 4. */
const BUSY_MS = 15;
/** What the heap and the sockets' buffers may swing by; a body kept for each request would be ten times as much. */
const GROWTH_MIB_MAX = 150;
const PER_SECOND = 3_000;
const LARGE_PER_SECOND = 50;
const CONNECTIONS = 32;
const HALF_OPEN = { connections: 3_000, opensPerSecond: 3_000, churnPerSecond: 300 };
/** Until they are all open, and what a thousand of them in a second cost is over: it is their number that is measured. */
const HALF_OPEN_MS = 2_200;
const MIB = 1024 * 1024;

/**
 * As a server is by default, but for three: messages are not limited, so that a flood of them gets as far as the inbox;
 * the inbox is small, so that it is full soon; verified tokens are remembered for the whole test, so that what the hashes
 * of the others cost is not in one round and out of the next.
 */
const SETTINGS = {
  'auth.argon2_memory_kib': 19_456,
  'auth.argon2_passes': 2,
  'auth.hash_threads': 2,
  'auth.cache_ttl_ms': 600_000,
  'limits.message_send_per_min': 0,
  'limits.message_read_per_min': 300,
  'limits.state_read_per_min': 300,
  'limits.state_write_per_min': 60,
  'limits.registry_read_per_min': 30,
  'messaging.inbox_messages_max': 500,
};

const isShort = ({ quietP99Ms, floodedP99Ms }: Waits) => floodedP99Ms <= Math.max(2 * quietP99Ms, FLOOR_MS);
const isWithinBound = ({ least, median }: JudgedWaits) => isShort(least) || isShort(median);
const told = ({ quietP99Ms, floodedP99Ms }: Waits) => `${floodedP99Ms} ms, and ${quietP99Ms} ms without it`;

function judge(name: string, flooded: Flooded): void {
  const { waits, rounds, residentBeforeMib, residentMaxMib } = flooded;
  const grown = residentMaxMib - residentBeforeMib;
  console.log(
    `${name}: p99 of the others, quiet/flooded in ms (of the processors, others had): ${rounds.map(inShort).join(', ')}; ` +
      `memory ${residentBeforeMib.toFixed(0)} MiB before, at most ${residentMaxMib.toFixed(0)} MiB; ` +
      `flood ${JSON.stringify(rounds.map(({ flood }) => (flood.kind === 'requests' ? flood.result.answered : flood.result)))}`,
  );
  if (waits === undefined || waits.least.quietP99Ms > BUSY_MS) {
    console.log(`${name}: this machine is too busy for the waits to be judged`);
  } else {
    assert.ok(
      isWithinBound(waits),
      `the others waited at least ${told(waits.least)}; in the median ${told(waits.median)}`,
    );
  }
  assert.ok(grown <= GROWTH_MIB_MAX, `the server grew by ${grown.toFixed(0)} MiB`);
}

function inShort({ quietP99Ms, floodedP99Ms, neighbours }: Round): string {
  return `${quietP99Ms.toFixed(1)}/${floodedP99Ms.toFixed(1)} (${(100 * neighbours).toFixed(0)} %)`;
}

/** How many requests of all rounds were answered with each status. */
function answersOf(flooded: Flooded): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { flood } of flooded.rounds) {
    if (flood.kind !== 'requests') continue;
    for (const [status, count] of Object.entries(flood.result.answered)) sums[status] = (sums[status] ?? 0) + count;
  }
  return sums;
}

const halfOpen = (world: FloodWorld, beginning: string) =>
  world.flood(
    (durationMs) => ({
      kind: 'half_open',
      plan: { port: world.server.port, ...HALF_OPEN, durationMs, beginning },
    }),
    isWithinBound,
    HALF_OPEN_MS,
  );

const requests = (world: FloodWorld, requests: readonly LoadRequest[], perSecond = PER_SECOND) =>
  world.flood(
    (durationMs) => ({
      kind: 'requests',
      plan: { port: world.server.port, connections: CONNECTIONS, perSecond, durationMs, requests },
    }),
    isWithinBound,
  );

const writing = ({ agent_token }: Agent, value: string) => loadRequest('PUT', '/v1/state/x', agent_token, { value });

for (const listener of LISTENERS) {
  describe(`one client floods (${listener}), and the others hardly notice:`, { timeout: 600_000 }, () => {
    let world: FloodWorld;

    before(async () => {
      world = await FloodWorld.open({ ...SETTINGS, 'http.listener': listener });
    });
    after(() => world.close());

    test('messages to one inbox, until it is full and beyond', async () => {
      const hostile = await world.api.agent();
      const body = { to: hostile.agent_address, content: 'x'.repeat(200) };
      const flooded = await requests(world, [loadRequest('POST', '/v1/messages', hostile.agent_token, body)]);
      judge('one inbox', flooded);
      const { 202: accepted = 0, 429: refused = 0, ...others } = answersOf(flooded);
      assert.deepEqual({ accepted, others }, { accepted: 500, others: {} });
      assert.ok(refused > 1000);
      const answer = await world.api.send({ method: 'POST', path: '/v1/messages', as: hostile.agent_token, body });
      assert.equal(refusalOf(answer, 429, 'rate_limited').detail, 'inbox_full');
      assert.ok(Number(answer.headers['retry-after']) >= 1);
    });

    test('writes of one agent, past its limit', async () => {
      const hostile = await world.api.agent();
      const flooded = await requests(world, [writing(hostile, 'x')]);
      judge('past its limit', flooded);
      const { 200: accepted = 0, 429: refused = 0, ...others } = answersOf(flooded);
      assert.deepEqual({ accepted, others }, { accepted: 60, others: {} });
      assert.ok(refused > 1000);
    });

    test('tokens that nobody has', async () => {
      const token = () => `at_live_${randomBytes(32).toString('hex')}`;
      const flooded = await requests(world, reading(token));
      judge('unknown tokens', flooded);
      assert.deepEqual(Object.keys(answersOf(flooded)), ['401']);
    });

    test('wrong secrets behind a lookup id that is known', async () => {
      const known = (await world.api.agent()).agent_token.slice(0, 'at_live_'.length + 16);
      const flooded = await requests(
        world,
        reading(() => known + randomBytes(24).toString('hex')),
      );
      judge('wrong secrets', flooded);
      assert.deepEqual(Object.keys(answersOf(flooded)).sort(), ['401', '503']);
    });

    test('bodies over the bound', async () => {
      const hostile = await world.api.agent();
      const flooded = await requests(world, [writing(hostile, 'v'.repeat(3 * MIB))], LARGE_PER_SECOND);
      judge('bodies of 3 MiB', flooded);
      assert.deepEqual(othersThan(['413', '429'], flooded), []);
    });

    test('bodies as large as the bound', async () => {
      const hostile = await world.api.agent();
      const flooded = await requests(world, [writing(hostile, 'v'.repeat(2 * MIB - 20))], LARGE_PER_SECOND);
      judge('bodies of 2 MiB', flooded);
      assert.deepEqual(othersThan(['413', '429'], flooded), []);
    });

    test('heads that never end', async () => {
      judge('half heads', await halfOpen(world, 'GET /v1/health HTTP/1.1\r\nHost: x\r\nX-Request-ID: '));
    });

    test('bodies that never end', async () => {
      const { api_key: token } = await world.api.operator();
      const { head } = loadRequest('POST', '/v1/agents', token, { padding: 'p'.repeat(MIB) });
      judge('half bodies', await halfOpen(world, `${head}{"padding":"${'p'.repeat(4096)}`));
    });
  });
}

/** The statuses of other answers than these. */
function othersThan(statuses: readonly string[], flooded: Flooded): string[] {
  return Object.keys(answersOf(flooded)).filter((status) => !statuses.includes(status));
}

/** Many tokens, each of which asks for one value. */
function reading(token: () => string): LoadRequest[] {
  return Array.from({ length: 500 }, () => loadRequest('GET', '/v1/state/x', token(), null));
}
