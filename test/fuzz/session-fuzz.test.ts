// Wrong frames without number, over raw sockets, in both subprotocols and on both listeners: what must be answered is, what
// is wrong ends its own session and no other, the server lives, keeps no memory, no connection and no ask.
//
// FUZZ_FRAMES=1000000 is the long form. FUZZ_SEED takes a seed that a failure has told, and FUZZ_FROM the connection.

import assert from 'node:assert/strict';
import WebSocket from 'ws';
import {
  AUTH_TIMEOUT_MS,
  CLOSE,
  HELLO_TIMEOUT_MS,
  SESSION_PATH,
  SUBPROTOCOL_JSON,
} from '../../src/contract/session.js';
import { residentMib } from '../pressure/resident.js';
import { collectGarbage, INSPECTED } from '../pressure/session-garbage.js';
import { until } from '../server/expectations.js';
import { onBothListeners, type Stage } from '../server/on-both-listeners.js';
import { openSockets } from '../server/process-figures.js';
import type { Agent } from '../server/troupe-api.js';
import type { SessionCast } from './session-frames.js';
import { fuzzSessions, type SessionFuzzReport } from './session-fuzzer.js';
import { SessionNeighbours } from './session-neighbour.js';

/** Over both listeners together. */
const FRAMES = numberFrom('FUZZ_FRAMES', 20_000);
const SEED = numberFrom('FUZZ_SEED', Date.now() % 1_000_000_000);
const FROM = numberFrom('FUZZ_FROM', 0);
/** As many sessions at a time. */
const AGENTS = 32;
/** After each the garbage is collected, and what the server keeps then is compared: from the third on, with caches full. */
const PARTS = 6;
/** How much more the last two parts may leave than the two before. */
const GROWTH_MIB_MAX = 16;
/** What a busy machine may add to a time that is measured out. */
const LATE_MS_MAX = 4_000;

const check = onBothListeners({ 'auth.cache_ttl_ms': 3_600_000, 'messaging.inbox_messages_max': 30 }, INSPECTED);

check(`answers what is to be answered, and survives the rest: ${FRAMES} frames, seed ${SEED}`, async (stage) => {
  const { api, server, listener } = stage;
  const admin = await server.adminToken();
  const cast = await castOf(stage);
  const pair = [await api.agent(), await api.agent()] as const;
  const silent = await api.agent();
  api.close();
  const socketsBefore = openSockets(server.pid);
  const neighbours = await SessionNeighbours.open(server.port, pair);
  // Beside the others, for it takes its time.
  const late = checkLateOnes(stage, silent);
  late.catch(() => undefined);
  const base = { port: server.port, seed: SEED, cast };
  const memory: number[] = [];
  const reports: SessionFuzzReport[] = [];
  for (let part = 0, from = FROM; part < PARTS; part++) {
    const frames = Math.ceil(FRAMES / 2 / PARTS);
    const report = await fuzzSessions({ ...base, frames, from }).catch((error: unknown) =>
      whetherItLives(stage, error),
    );
    reports.push(report);
    from += report.connections;
    await collectGarbage(server);
    memory.push(residentMib(server.pid));
  }
  await late;
  const exchangedBefore = neighbours.exchanged;
  await until('the neighbours go on', () => neighbours.exchanged > exchangedBefore + 1);
  assert.deepEqual(neighbours.faults, []);
  neighbours.close();
  const status = () => api.must<{ asksWaiting: number; sessions: number }>(200, { path: '/admin/status', as: admin });
  await until('no ask is waiting', async () => (await status()).asksWaiting === 0);
  await until('no session is left', async () => (await status()).sessions === 0);
  api.close();
  if (socketsBefore !== undefined) {
    await until('no connection is left', () => (openSockets(server.pid) ?? 0) <= socketsBefore + 1);
  }
  const growth = meanOf(memory.slice(-2)) - meanOf(memory.slice(2, 4));
  const { p50Ms, p99Ms } = neighbours.latency;
  const kept = memory.map((mib) => mib.toFixed(1)).join(' ');
  console.log(
    `${listener}: ${told(reports)}; neighbours: ${neighbours.exchanged} messages, ` +
      `p50 ${p50Ms} ms, p99 ${p99Ms} ms; memory after each part, in MiB: ${kept}`,
  );
  assert.ok(growth < GROWTH_MIB_MAX, `memory grew by ${growth.toFixed(1)} MiB: ${kept}`);
  assert.doesNotMatch(server.stderr, /"level":"(error|warn)"/);
});

/** A socket that says no token in time is ended, whatever its URL says, and so is one that says no hello. */
async function checkLateOnes(stage: Stage, agent: Agent): Promise<void> {
  const headers = { authorization: `Bearer ${agent.agent_token}` };
  const token = encodeURIComponent(agent.agent_token);
  const [mute, inUrl, inUrlAndSpoken, greeting] = await Promise.all([
    closed(stage, '', {}, []),
    closed(stage, `?token=${token}&authorization=Bearer%20${token}&access_token=${token}`, {}, []),
    closed(stage, `?token=${token}`, {}, [{ type: 'hello' }]),
    closed(stage, '', headers, []),
  ]);
  for (const { code, afterMs } of [mute, inUrl]) {
    assert.equal(code, CLOSE.unauthorized);
    assert.ok(afterMs >= AUTH_TIMEOUT_MS - 50 && afterMs < AUTH_TIMEOUT_MS + LATE_MS_MAX, `closed after ${afterMs} ms`);
  }
  assert.equal(inUrlAndSpoken.code, CLOSE.badFrame);
  assert.equal(greeting.code, CLOSE.badFrame);
  assert.ok(greeting.afterMs >= HELLO_TIMEOUT_MS - 50 && greeting.afterMs < HELLO_TIMEOUT_MS + LATE_MS_MAX);
  const log = stage.server.stdout + stage.server.stderr;
  assert.ok(!log.includes(agent.agent_token), 'a token of a URL was logged');
}

interface Closed {
  readonly code: number;
  readonly afterMs: number;
}

/** How a socket ends that says only this. */
async function closed(
  { server }: Stage,
  query: string,
  headers: Readonly<Record<string, string>>,
  frames: readonly object[],
): Promise<Closed> {
  const url = `ws://127.0.0.1:${server.port}${SESSION_PATH}${query}`;
  const socket = new WebSocket(url, SUBPROTOCOL_JSON, { headers, perMessageDeflate: false });
  let openedAt = 0;
  const code = await new Promise<number>((resolve, reject) => {
    socket.on('open', () => {
      openedAt = performance.now();
      for (const frame of frames) socket.send(JSON.stringify(frame));
    });
    socket.on('error', reject);
    socket.on('close', resolve);
  });
  return { code, afterMs: performance.now() - openedAt };
}

async function castOf({ api }: Stage): Promise<SessionCast> {
  const operator = await api.operator();
  const agents: Agent[] = [];
  while (agents.length < AGENTS) agents.push(await api.agent(operator));
  return {
    addresses: agents.map(({ agent_address }) => agent_address),
    tokens: agents.map(({ agent_token }) => agent_token),
  };
}

/** Fails with the error, or, when the server has ended, with how: then the error is only what that looked like. */
async function whetherItLives({ api, server }: Stage, error: unknown): Promise<never> {
  const lives = await api.send({ path: '/v1/health' }).then(
    () => true,
    () => false,
  );
  if (lives) throw error;
  const { code, signal } = await server.ended();
  throw new Error(`the server ended (code ${code}, signal ${signal}): ${server.stderr}`, { cause: error });
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function told(reports: readonly SessionFuzzReport[]): string {
  const counts = new Map<string, number>();
  const total = { frames: 0, connections: 0, heard: 0 };
  for (const { frames, connections, heard, ends } of reports) {
    total.frames += frames;
    total.connections += connections;
    total.heard += heard;
    for (const [end, count] of ends) counts.set(end, (counts.get(end) ?? 0) + count);
  }
  const ends = [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([end, count]) => `${end}×${count}`);
  return `${total.frames} frames in ${total.connections} sessions, ${total.heard} heard: ${ends.join(', ')}`;
}

function numberFrom(name: string, fallback: number): number {
  const text = process.env[name];
  return text === undefined ? fallback : Number(text);
}
