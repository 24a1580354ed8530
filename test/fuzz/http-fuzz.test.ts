// Wrong requests without number, over raw sockets, on both listeners: every answer is an HTTP answer of ours, none is a
// 500, the server lives, keeps no memory, no connection and no ask, and then answers a good request.
//
// FUZZ_REQUESTS=1000000 is the long form. FUZZ_SEED takes a seed that a failure has told, and FUZZ_FROM the connection.

import assert from 'node:assert/strict';
import { until } from '../server/expectations.js';
import { onBothListeners, type Stage } from '../server/on-both-listeners.js';
import { openSockets, residentBytes } from '../server/process-figures.js';
import { type FuzzOptions, type FuzzReport, fuzz } from './fuzzer.js';
import type { Cast } from './requests.js';

/** Over both listeners together. */
const REQUESTS = numberFrom('FUZZ_REQUESTS', 20_000);
const SEED = numberFrom('FUZZ_SEED', Date.now() % 1_000_000_000);
const FROM = numberFrom('FUZZ_FROM', 0);
const AGENTS = 8;
/** A fresh process still fills its caches and its heap: this many requests come before memory is watched. */
const WARM_UP_SHARE = 0.2;
/** How much higher the mean of the last third may lie than that of the first. */
const GROWTH_BYTES_MAX = 48 * 1024 * 1024;

const check = onBothListeners({ 'auth.cache_ttl_ms': 3_600_000 });

check(`answers wrong requests well, or not at all: ${REQUESTS} of them, seed ${SEED}`, async (stage) => {
  const { api, server, listener } = stage;
  const admin = await server.adminToken();
  const base = { port: server.port, seed: SEED, cast: await castOf(stage), endsAhead: listener === 'uws' };
  const socketsBefore = openSockets(server.pid);
  const warmUp = Math.ceil((REQUESTS / 2) * WARM_UP_SHARE);
  const memory: number[] = [];
  const sample = (): void => {
    memory.push(residentBytes(server.pid) ?? 0);
  };
  const send = (part: Pick<FuzzOptions, 'requests' | 'from' | 'sample'>) =>
    fuzz({ ...base, ...part }).catch((error: unknown) => whetherItLives(stage, error));
  const first = await send({ requests: warmUp, from: FROM, sample: () => undefined });
  const rest = Math.max(0, Math.floor(REQUESTS / 2) - warmUp);
  const second = await send({ requests: rest, from: FROM + first.connections, sample });

  const status = () => api.must<{ asksWaiting: number }>(200, { path: '/admin/status', as: admin });
  await until('no ask is waiting', async () => (await status()).asksWaiting === 0);
  api.close();
  if (socketsBefore !== undefined) {
    // Before, the connections of this test itself were open.
    await until('no connection is left', () => (openSockets(server.pid) ?? 0) <= socketsBefore);
  }
  const growth = growthOf(memory);
  if (process.env.FUZZ_REQUESTS !== undefined) {
    console.log(`${listener}: ${told(first)}; then ${told(second)}; memory in MiB: ${memory.map(mebibytes).join(' ')}`);
  }
  assert.ok(growth < GROWTH_BYTES_MAX, `memory grew by ${mebibytes(growth)} MiB: ${memory.map(mebibytes).join(' ')}`);

  const [from, to] = [await api.agent(), await api.agent()];
  await api.message(from, to, 'all is well');
  assert.equal((await api.take(to)).messages[0]?.content, 'all is well');
  assert.doesNotMatch(server.stderr, /"level":"(error|warn)"/);
});

async function castOf({ api, server }: Stage): Promise<Cast> {
  const operator = await api.operator();
  const agents = await Promise.all(Array.from({ length: AGENTS }, () => api.agent(operator)));
  const { agent_address: strangerAddress } = await api.agent();
  return { operatorToken: operator.api_key, adminToken: await server.adminToken(), agents, strangerAddress };
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

/** The mean of the last third less that of the first. */
function growthOf(samples: readonly number[]): number {
  const third = Math.max(1, Math.floor(samples.length / 3));
  const mean = (part: readonly number[]) => part.reduce((sum, one) => sum + one, 0) / Math.max(1, part.length);
  return mean(samples.slice(-third)) - mean(samples.slice(0, third));
}

function told({ requests, connections, answers, mute, byStatus }: FuzzReport): string {
  const statuses = [...byStatus].sort(([a], [b]) => a - b).map(([status, count]) => `${status}×${count}`);
  return `${requests} requests on ${connections} connections, ${mute} of them mute, ${answers} answers: ${statuses.join(' ')}`;
}

function mebibytes(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1);
}

function numberFrom(name: string, fallback: number): number {
  const text = process.env[name];
  return text === undefined ? fallback : Number(text);
}
