// Raw sockets
//
// The floor of the session benches: uWebSockets.js alone, in a process of its own, without threads, actors or a disk. Where
// that does not load, `ws`; the answer to the order says which.
//
//   /v1/session   relays: parses each frame, answers `send` and pushes the message to the socket of its receiver, and
//                 counts what is sent and acknowledged. The token of a socket is its address.
//   /echo         sends each frame back as it came
//   /idle         takes sockets, and nothing else

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { serveOrders } from '../harness/child.js';

export interface RawSocketsReady {
  readonly port: number;
  readonly adapter: 'uws' | 'node';
  readonly pid: number;
}

type Library = typeof import('uWebSockets.js');

interface Inbox {
  seq: number;
  acked: number;
  push: ((frame: string) => void) | undefined;
}

interface UserData {
  readonly inbox: Inbox;
}

/** What an agent says here. */
interface Said {
  readonly type: 'hello' | 'send' | 'ack';
  readonly id: number;
  readonly to: string;
  readonly content: string;
  readonly seq: number;
}

const SESSION_PATH = '/v1/session';
const ECHO_PATH = '/echo';
const IDLE_PATH = '/idle';
const FRAME_BYTES_MAX = 2 * 1024 * 1024;
const IDLE_TIMEOUT_S = 60;
const MESSAGE_ID = '01900000-0000-7000-8000-000000000000';
const TIMESTAMP = '2026-01-01T00:00:00.000Z';

const inboxes = new Map<string, Inbox>();

function inboxOf(name: string): Inbox {
  let inbox = inboxes.get(name);
  if (inbox === undefined) {
    inbox = { seq: 0, acked: 0, push: undefined };
    inboxes.set(name, inbox);
  }
  return inbox;
}

/** Answers one frame, and pushes what it says to whom it is for. */
function relay(said: Said, own: Inbox, name: string, answer: (frame: string) => void): void {
  switch (said.type) {
    case 'hello':
      own.push = answer;
      answer(`{"type":"welcome","next_seq":${own.acked + 1}}`);
      return;
    case 'send': {
      const inbox = inboxOf(said.to);
      const seq = ++inbox.seq;
      const content = JSON.stringify(said.content);
      answer(`{"type":"ok","id":${said.id},"message_id":"${MESSAGE_ID}","timestamp":"${TIMESTAMP}"}`);
      inbox.push?.(
        `{"type":"message","seq":${seq},"message_id":"${MESSAGE_ID}","from":"${name}","content":${content},"timestamp":"${TIMESTAMP}","redelivered":false}`,
      );
      return;
    }
    case 'ack':
      own.acked = said.seq;
      return;
    default:
      said.type satisfies never;
  }
}

async function loadLibrary(): Promise<Library | null> {
  try {
    const loaded: Library & { readonly default?: Library } = await import('uWebSockets.js');
    return loaded.default ?? loaded;
  } catch {
    return null;
  }
}

function tokenOf(authorization: string): string {
  return authorization.slice('Bearer '.length);
}

function listenUws(library: Library): Promise<number> {
  const shared = {
    compression: library.DISABLED,
    maxPayloadLength: FRAME_BYTES_MAX,
    idleTimeout: IDLE_TIMEOUT_S,
    sendPingsAutomatically: true,
  };
  const app = library.App();
  app.ws<UserData & { readonly name: string }>(SESSION_PATH, {
    ...shared,
    upgrade(response, request, context) {
      const name = tokenOf(request.getHeader('authorization'));
      response.upgrade(
        { inbox: inboxOf(name), name },
        request.getHeader('sec-websocket-key'),
        request.getHeader('sec-websocket-protocol'),
        request.getHeader('sec-websocket-extensions'),
        context,
      );
    },
    message(socket, bytes) {
      const { inbox, name } = socket.getUserData();
      const said = JSON.parse(Buffer.from(bytes).toString('utf8')) as Said;
      relay(said, inbox, name, (frame) => void socket.send(frame));
    },
    close(socket) {
      socket.getUserData().inbox.push = undefined;
    },
  });
  app.ws(ECHO_PATH, { ...shared, message: (socket, bytes, isBinary) => void socket.send(bytes, isBinary) });
  app.ws(IDLE_PATH, shared);
  return new Promise((resolve, reject) => {
    app.listen('127.0.0.1', 0, (socket) => {
      if (socket === false) reject(new Error('The raw listener found no free port'));
      else resolve(library.us_socket_local_port(socket));
    });
  });
}

function listenNode(): Promise<number> {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: FRAME_BYTES_MAX });
  const server = createServer();
  server.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (accepted) => {
      if (request.url === ECHO_PATH) accepted.on('message', (data, binary) => accepted.send(data, { binary }));
      if (request.url !== SESSION_PATH) return;
      const name = tokenOf(request.headers.authorization ?? '');
      const inbox = inboxOf(name);
      const answer = (frame: string): void => accepted.send(frame);
      accepted.on('message', (data) => relay(JSON.parse(String(data)) as Said, inbox, name, answer));
      accepted.on('close', () => {
        inbox.push = undefined;
      });
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

serveOrders<object, RawSocketsReady>(async () => {
  const library = await loadLibrary();
  const [adapter, port] =
    library === null ? (['node', await listenNode()] as const) : (['uws', await listenUws(library)] as const);
  return { port, adapter, pid: process.pid };
});
