import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createRawServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RawAnswer, RawListenerReady } from '../../bench/baseline/raw-listener.js';
import { Child } from '../../bench/harness/child.js';
import { AnswerReader, COUNTER_PLACE, type LoadPlan, loadRequest, runLoad } from '../../bench/harness/load-client.js';

const BUDGET_MS = 60;

async function withServer(handle: RequestListener, run: (port: number) => Promise<void>): Promise<void> {
  const server = createServer(handle).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    await run((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function plan(port: number, changes: Partial<LoadPlan> = {}): LoadPlan {
  const requests = [loadRequest('PUT', `/x/${COUNTER_PLACE}`, 'token', { value: 'é' })];
  return { port, connections: 4, budgetMs: BUDGET_MS, requests, counterFrom: 1, ...changes };
}

test('counts exactly the answers that the server gave, each to a request of its own (L1)', async () => {
  const paths = new Set<string>();
  let answered = 0;
  const handle: RequestListener = (request, response) => {
    request.resume().on('end', () => {
      paths.add(request.url!);
      answered++;
      response.writeHead(200, { 'content-length': '2' }).end('{}');
    });
  };
  await withServer(handle, async (port) => {
    const result = await runLoad(plan(port));
    assert.ok(result.accepted > 4);
    assert.equal(result.accepted, answered);
    assert.equal(paths.size, answered);
    assert.equal(result.counterTo, answered + 1);
    assert.deepEqual(result.refused, {});
    assert.ok(result.latency.p50Ms > 0 && result.latency.p50Ms <= result.latency.maxMs);
  });
});

test('counts refusals apart, by their status (L1)', async () => {
  let turn = 0;
  const handle: RequestListener = (request, response) => {
    request.resume().on('end', () => {
      response.writeHead(turn++ % 2 === 0 ? 429 : 202, { 'content-length': '0' }).end();
    });
  };
  await withServer(handle, async (port) => {
    const { accepted, refused } = await runLoad(plan(port, { connections: 1 }));
    assert.deepEqual(Object.keys(refused), ['429']);
    assert.ok(Math.abs(accepted - refused['429']!) <= 1);
  });
});

test('fails when the server closes a connection that waits for an answer (L2)', async () => {
  const server = createRawServer((socket) => socket.once('data', () => socket.end())).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    await assert.rejects(runLoad(plan(port)), /closed a connection/);
  } finally {
    server.close();
  }
});

test('reads an answer however it is cut into pieces', () => {
  const answer = Buffer.from('HTTP/1.1 202 Accepted\r\nX: y\r\nContent-Length: 5\r\n\r\nhello');
  for (let first = 1; first < answer.length; first++) {
    for (const second of [first, Math.min(first + 3, answer.length - 1)]) {
      const reader = new AnswerReader();
      const pieces = [answer.subarray(0, first), answer.subarray(first, second), answer.subarray(second)];
      const statuses = pieces.filter((piece) => piece.length > 0).map((piece) => reader.push(piece));
      assert.deepEqual(
        statuses.filter((status) => status !== null),
        [202],
      );
      assert.equal(statuses.at(-1), 202);
    }
  }
});

test('refuses an answer without a length, or longer than it says', () => {
  assert.throws(() => new AnswerReader().push(Buffer.from('HTTP/1.1 200 OK\r\n\r\n')), /no Content-Length/);
  const long = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab');
  assert.throws(() => new AnswerReader().push(long), /longer/);
});

test('the raw listener answers what it was told to, and parses what it is sent', async () => {
  const listener = new Child<RawAnswer, RawListenerReady>(
    join(import.meta.dirname, '..', '..', 'bench', 'baseline', 'raw-listener.js'),
  );
  try {
    const answer = { status: 202, headers: [['x-one', '1']] as const, body: '{"ok":true}' };
    const { port } = await listener.ask(answer);
    const response = await fetch(`http://127.0.0.1:${port}/any`, { method: 'POST', body: '{"a":1}' });
    assert.equal(response.status, 202);
    assert.equal(response.headers.get('x-one'), '1');
    assert.equal(await response.text(), answer.body);
    const result = await runLoad(plan(port));
    assert.ok(result.accepted > 0);
  } finally {
    await listener.close();
  }
});
