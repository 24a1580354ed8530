// Scripted server
//
// A server that does with its sessions what the test says, frame by frame: it cuts, delays, repeats, refuses, sends garbage.
//
// Owns:     the listening socket, the connections, the frames that came and were not looked at yet.
// Does not: keep the contract: that is the test's to do or to break.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  type AgentFrame,
  type AgentFrameOf,
  type AgentFrameType,
  SUBPROTOCOL_JSON,
  type WelcomeFrame,
} from '../../src/contract/session.js';

const DEADLINE_MS = 10_000;

export const AGENT = 'tab_abcdefghijklmnopqrst';
export const TOKEN = `at_live_${'5'.repeat(64)}`;

/** What comes from the other side, one after the other, awaited with a deadline. */
class Line<T> {
  readonly #what: string;
  readonly #come: T[] = [];
  readonly #waiting: { readonly come: (value: T) => void; readonly never: (why: string) => void }[] = [];
  #isOver = false;

  constructor(what: string) {
    this.#what = what;
  }

  get length(): number {
    return this.#come.length;
  }

  put(value: T): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#come.push(value);
    else waiting.come(value);
  }

  /** Nothing will come any more. */
  end(): void {
    this.#isOver = true;
    for (const { never } of this.#waiting) never('before the end');
  }

  next(): Promise<T> {
    const come = this.#come.shift();
    if (come !== undefined) return Promise.resolve(come);
    return new Promise((resolve, reject) => {
      const never = (why: string): void => {
        clearTimeout(late);
        reject(new Error(`${this.#what} did not come ${why}`));
      };
      const late = setTimeout(() => never('in time'), DEADLINE_MS);
      const taken = (value: T): void => {
        clearTimeout(late);
        resolve(value);
      };
      if (this.#isOver) never('before the end');
      else this.#waiting.push({ come: taken, never });
    });
  }
}

/** One connection of a client. */
export class Peer {
  readonly request: IncomingMessage;
  readonly #socket: WebSocket;
  readonly #frames = new Line<AgentFrame>('a frame');
  readonly #closed: Promise<number>;

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.request = request;
    this.#socket = socket;
    socket.on('message', (data) => this.#frames.put(JSON.parse(String(data)) as AgentFrame));
    socket.on('error', () => undefined);
    this.#closed = once(socket, 'close').then(([code]) => {
      this.#frames.end();
      return code as number;
    });
  }

  /** The code that the client closed with. */
  closed(): Promise<number> {
    return this.#closed;
  }

  /** How many frames came that were not looked at. */
  get waiting(): number {
    return this.#frames.length;
  }

  /** The next frame, which must be of this type. */
  async frame<T extends AgentFrameType>(type: T): Promise<AgentFrameOf<T>> {
    const frame = await this.#frames.next();
    assert.equal(frame.type, type, JSON.stringify(frame));
    return frame as AgentFrameOf<T>;
  }

  send(frame: object | string): void {
    this.#socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.send(bytes);
  }

  /** Takes the token and hello, and says welcome; gives hello. */
  async welcome(members: Partial<WelcomeFrame> = {}): Promise<AgentFrameOf<'hello'>> {
    const { token } = await this.frame('auth');
    assert.equal(token, TOKEN);
    const hello = await this.frame('hello');
    const resumed = hello.last_seq !== undefined;
    const next_seq = (hello.last_seq ?? 0) + 1;
    this.send({ ...WELCOME, resumed, next_seq, ...members });
    return hello;
  }

  message(seq: number, members: object = {}): void {
    this.send({
      type: 'message',
      seq,
      message_id: `id-${seq}`,
      from: AGENT,
      content: `content ${seq}`,
      timestamp: '2026-01-01T00:00:00Z',
      redelivered: false,
      ...members,
    });
  }

  close(code: number): void {
    this.#socket.close(code);
  }

  /** The connection is gone without a word. */
  cut(): void {
    this.#socket.terminate();
  }
}

const WELCOME: WelcomeFrame = {
  type: 'welcome',
  session_id: 'session',
  agent: AGENT,
  epoch: 'first',
  resumed: false,
  next_seq: 1,
  window: 64,
  heartbeat_ms: 30_000,
  limits: {
    frame_bytes_max: 2 * 1024 * 1024,
    content_bytes_max: 65_536,
    value_bytes_max: 1_048_576,
    key_bytes_max: 1024,
    window_max: 1024,
    watches_max: 64,
    requests_in_flight_max: 256,
  },
};

export const LIMITS = WELCOME.limits;

export class ScriptedServer {
  /** Upgrades that are refused with 503 before one is taken. */
  refusals = 0;
  subprotocol: string | false = SUBPROTOCOL_JSON;
  connections = 0;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #peers = new Line<Peer>('a connection');

  private constructor() {
    this.#sockets = new WebSocketServer({ noServer: true, handleProtocols: () => this.subprotocol });
    this.#server = createServer();
    this.#server.on('upgrade', (request, socket, head) => {
      if (this.refusals > 0) {
        this.refusals--;
        socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (accepted) => {
        this.connections++;
        this.#peers.put(new Peer(accepted, request));
      });
    });
  }

  static async start(): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next connection. */
  peer(): Promise<Peer> {
    return this.#peers.next();
  }

  close(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
