import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { COUNTER_PLACE, loadRequest } from '../../bench/harness/load-client.js';
import { type PacedPlan, type PacedResult, runPaced } from '../../bench/harness/paced-load.js';

const PLAN = { connections: 4, perSecond: 1_000, durationMs: 200 };

/** Runs the plan against a server of this one handler. */
async function pacedAt(handle: RequestListener, changes: Partial<PacedPlan> = {}): Promise<PacedResult> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => handle(request, response));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const requests = [loadRequest('PUT', `/x/${COUNTER_PLACE}`, 'token', { value: 'v' })];
    return await runPaced({ ...PLAN, port, requests, ...changes });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('asks as often as it is told, each request once, and counts the answers by their status', async () => {
  const paths = new Set<string>();
  let turn = 0;
  const result = await pacedAt((request, response) => {
    paths.add(request.url!);
    response.writeHead(turn++ % 2 === 0 ? 200 : 429, { 'content-length': '0' }).end();
  });
  assert.deepEqual(result.answered, { 200: 100, 429: 100 });
  assert.equal(paths.size, 200);
  assert.deepEqual([result.counterTo, result.lost, result.skipped], [200, 0, 0]);
  assert.ok(result.elapsedMs >= PLAN.durationMs);
});

test('counts the wait for a connection, so that a stall is felt by all that was due in it (P1)', async () => {
  let first = true;
  const result = await pacedAt(
    (_request, response) => {
      const answer = () => response.writeHead(200, { 'content-length': '0' }).end();
      if (!first) answer();
      else setTimeout(answer, 80);
      first = false;
    },
    { connections: 1 },
  );
  assert.deepEqual(result.answered, { 200: 200 });
  // Of 200 requests some 80 were due in the stall; timed from when they were sent, all but one would be quick.
  assert.ok(result.latency.p99Ms > 60, `p99 is ${result.latency.p99Ms} ms`);
});

test('sends no more than so many late, and says how many it did not send (P2)', async () => {
  let first = true;
  const result = await pacedAt(
    (_request, response) => {
      const answer = () => response.writeHead(200, { 'content-length': '0' }).end();
      if (!first) answer();
      else setTimeout(answer, 90);
      first = false;
    },
    { connections: 1, perSecond: 100_000, durationMs: 80 },
  );
  assert.ok(result.skipped > 5_000, `only ${result.skipped} were skipped`);
});

test('opens a connection again that the server ended, and counts what it took with it (P3)', async () => {
  let turn = 0;
  const result = await pacedAt((request, response) => {
    if (turn++ % 10 === 0) request.socket.destroy();
    else response.writeHead(200, { 'content-length': '0', connection: turn % 7 === 0 ? 'close' : 'keep-alive' }).end();
  });
  assert.equal(result.lost, Math.ceil(turn / 10));
  assert.equal((result.answered['200'] ?? 0) + result.lost, 200);
});
