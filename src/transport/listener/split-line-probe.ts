// Split line probe
//
// Finds out whether this build of uWebSockets.js takes a request whose first line arrives in two packets. Some builds
// answer 505 to it (docs/listeners.md), and nothing about a build tells which it is but trying.
//
// Owns:     an app and a connection of its own on loopback, both gone when it is done.
// Does not: decide what follows from it (open-listener.ts).

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as loopTurn } from 'node:timers/promises';
import { systemClock } from '../../clock.js';
import { loadUws, type UwsLibrary } from './uws-listener.js';

const HOST = '127.0.0.1';
/** The pieces of one request; the cut is inside its first line. */
const FIRST_PIECE = 'GET /sp';
const SECOND_PIECE = 'lit HTTP/1.1\r\nHost: probe\r\n\r\n';
/** How long the second piece is held back, so that the two do not become one on their way. */
const BETWEEN_MS = 2;
/** Turns of the loop that the library is given after that: one to accept the connection, one to read, and as many again. */
const BETWEEN_TURNS = 4;
const ANSWER_TIMEOUT_MS = 1000;

/** True when such a request is answered as any other. Takes some milliseconds. Rejects when there is no telling. */
export async function takesSplitLine(): Promise<boolean> {
  const library = await loadUws();
  const app = library.App();
  app.any('/*', (response) => response.end('', true));
  try {
    const status = await statusOfSplitRequest(listenOnLoopback(library, app));
    if (status === '200') return true;
    if (status === '505') return false;
    throw new Error(`a trial request was answered with "${status}"`);
  } finally {
    app.close();
  }
}

function listenOnLoopback(library: UwsLibrary, app: ReturnType<UwsLibrary['App']>): number {
  let port: number | undefined;
  app.listen(HOST, 0, library.LIBUS_LISTEN_EXCLUSIVE_PORT, (socket) => {
    if (socket !== false) port = library.us_socket_local_port(socket);
  });
  if (port === undefined) throw new Error('no port could be had for a trial request');
  return port;
}

/** The three digits of the status line, or what came in their place. */
async function statusOfSplitRequest(port: number): Promise<string> {
  const socket = connect({ host: HOST, port, noDelay: true });
  const late = systemClock.after(ANSWER_TIMEOUT_MS, () =>
    socket.destroy(new Error(`a trial request was not answered within ${ANSWER_TIMEOUT_MS} ms`)),
  );
  try {
    const said = everythingOf(socket);
    await Promise.race([once(socket, 'connect'), said]);
    socket.write(FIRST_PIECE);
    await new Promise<void>((resolve) => systemClock.after(BETWEEN_MS, resolve));
    for (let turn = 0; turn < BETWEEN_TURNS; turn++) await loopTurn();
    socket.write(SECOND_PIECE);
    const [, status = ''] = (await said).split(' ', 2);
    return status;
  } finally {
    late.cancel();
    socket.destroy();
  }
}

function everythingOf(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => {
      text += piece;
    });
    socket.once('end', () => resolve(text));
    socket.once('error', reject);
  });
}
