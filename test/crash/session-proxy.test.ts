// The network of the chaos runs itself: it may cut, and hold back, and mix who comes first, and never changes what is said.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { SessionProxy } from './session-proxy.js';

const SEED = 99;
const CONNECTIONS = 120;
const BYTES = 60_000;

/** Gives back what it gets, and keeps the sums of it by connection. */
const echo = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => undefined);
  socket.pipe(socket);
});

interface Echoed {
  readonly whole: boolean;
  readonly bytes: number;
  readonly intact: boolean;
}

async function talk(port: number): Promise<Echoed> {
  const sent = randomBytes(BYTES);
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.write(sent);
  const received = await readUntil(socket, BYTES);
  const intact = digest(received) === digest(sent.subarray(0, received.length));
  return { whole: received.length === BYTES, bytes: received.length, intact };
}

async function readUntil(socket: Socket, count: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  // An error is one more way to be cut.
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.on('data', (piece: Buffer) => {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes >= count) socket.destroy();
  });
  await closed;
  return Buffer.concat(pieces);
}

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('the network of the chaos runs', { timeout: 60_000 }, () => {
  let proxy: SessionProxy;

  before(async () => {
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    proxy = await SessionProxy.open(() => (echo.address() as AddressInfo).port, SEED);
  });
  after(async () => {
    await proxy.close();
    echo.close();
  });

  test('cuts some connections, stalls some, lets some overtake, and changes no byte of any (X1, X2)', async () => {
    const echoed = await Promise.all(Array.from({ length: CONNECTIONS }, () => talk(proxy.port)));
    assert.ok(echoed.every(({ intact }) => intact));
    const { cut, stalled, overtook, carried } = proxy.figures;
    assert.ok(carried <= CONNECTIONS && carried >= CONNECTIONS - cut, `${carried} were carried`);
    assert.equal(echoed.filter(({ whole }) => !whole).length, cut);
    assert.ok(cut > CONNECTIONS / 10 && cut < CONNECTIONS / 1.2, `${cut} were cut`);
    assert.ok(stalled > 0 && overtook > 0, `${stalled} stalled, ${overtook} overtook`);
    assert.ok(new Set(echoed.map(({ bytes }) => bytes)).size > 3, 'they were cut at the same places');
  });

  test('lets everything pass when it is calm (X6)', async () => {
    proxy.calm();
    const { cut } = proxy.figures;
    const echoed = await Promise.all(Array.from({ length: CONNECTIONS }, () => talk(proxy.port)));
    assert.ok(echoed.every(({ whole, intact }) => whole && intact));
    assert.equal(proxy.figures.cut, cut);
  });
});
