// Large bodies that never end: 400 connections that each send all but the last bytes of one MiB. What the server keeps of
// them is bounded, whoever does not fit is refused at once, and small bodies are taken all the while.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { loadRequest } from '../../bench/harness/load-client.js';
import { BODIES_BYTES_MAX } from '../../src/transport/listener/body-budget.js';
import { refusalOf, until } from '../server/expectations.js';
import { onServersOfTheirOwn } from '../server/on-both-listeners.js';
import { residentMib } from './resident.js';

const MIB = 1024 * 1024;
const BODIES = 400;
const LEFT_OUT_BYTES = 10;
/** What the heap and the sockets' buffers may swing by, beside the bodies that are kept. */
const SWING_MIB = 120;

const check = onServersOfTheirOwn();

check('are kept within one bound for all, and keep out large bodies only', async ({ api, server }) => {
  const agent = await api.agent();
  const put = (bytes: number) => api.put(agent, 'x', 'v'.repeat(bytes));
  assert.equal((await put(MIB)).status, 200);
  const before = residentMib(server.pid);
  const answers: string[] = [];
  const { head, body } = loadRequest('PUT', '/v1/state/x', agent.agent_token, { value: 'v'.repeat(MIB) });
  const half = Buffer.from((head + body).slice(0, -LEFT_OUT_BYTES));
  const sockets = Array.from({ length: BODIES }, () => openHalf(server.port, half, answers));
  try {
    await until('all that cannot be kept are refused', () => answers.length >= BODIES - BODIES_BYTES_MAX / MIB - 1);
    const grown = residentMib(server.pid) - before;
    assert.ok(grown <= BODIES_BYTES_MAX / MIB + SWING_MIB, `the server grew by ${grown.toFixed(0)} MiB`);
    for (const answer of answers) {
      assert.match(answer, /^HTTP\/1\.1 503 .*\r\nretry-after: 1\r\n/is);
      assert.match(answer, /\r\nconnection: close\r\n/i);
    }
    refusalOf(await put(MIB), 503, 'unavailable');
    assert.equal((await put(1000)).status, 200);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  await until('large bodies are taken again', async () => (await put(MIB)).status === 200);
});

/** A connection that sends half a request, and notes the head of the answer, should one come. */
function openHalf(port: number, half: Buffer, answers: string[]): Socket {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('connect', () => socket.write(half));
  socket.once('data', (chunk) => answers.push(chunk.toString('latin1')));
  // The server may end it while it is still sending.
  socket.on('error', () => undefined);
  return socket;
}
