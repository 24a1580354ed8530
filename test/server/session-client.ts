// Session client
//
// The agent's end of a WebSocket session, by the library and not by our own client: frames as they come, nothing hidden.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { SESSION_PATH, SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK } from '../../src/contract/session.js';
import { decodeValue, encodeValue } from '../../src/runtime/codec.js';
import type { Agent, Answer } from './troupe-api.js';

export type Frame = Readonly<Record<string, unknown>> & { readonly type: string };

export interface Closing {
  readonly code: number;
  readonly reason: string;
}

export interface OpenOptions {
  readonly protocol?: string;
  readonly protocols?: readonly string[];
  readonly path?: string;
  readonly token?: string;
}

const DEADLINE_MS = 10_000;

export class SessionClient {
  readonly socket: WebSocket;
  /** Everything that came, in order. */
  readonly frames: Frame[] = [];
  readonly closed: Promise<Closing>;
  #read = 0;
  readonly #waiting = new Set<() => void>();
  #closing: Closing | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      assert.equal(isBinary, socket.protocol === SUBPROTOCOL_MSGPACK, 'frames are of the kind that was agreed');
      this.frames.push((isBinary ? decodeValue(data) : JSON.parse(data.toString('utf8'))) as Frame);
      this.#wake();
    });
    // Told by `closed`, with 1006.
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        this.#closing = { code, reason: reason.toString('utf8') };
        this.#wake();
        resolve(this.#closing);
      });
    });
  }

  /** Connects; fails when the upgrade is refused. */
  static async open(port: number, options: OpenOptions = {}): Promise<SessionClient> {
    const socket = connect(port, options);
    const client = new SessionClient(socket);
    await once(socket, 'open');
    return client;
  }

  /** What an upgrade that must be refused is answered. */
  static refused(port: number, options: OpenOptions = {}): Promise<Answer> {
    const socket = connect(port, options);
    return new Promise((resolve, reject) => {
      socket.on('open', () => reject(new Error('the upgrade was accepted')));
      socket.on('error', reject);
      socket.on('unexpected-response', (_request, response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      });
    });
  }

  /** A session that is live: hello was said, and `welcome` came. */
  static async live(
    port: number,
    agent: Agent,
    hello: Readonly<Record<string, unknown>> = {},
    protocol?: string,
  ): Promise<SessionClient & { readonly welcome: Frame }> {
    const options = protocol === undefined ? {} : { protocol };
    const client = await SessionClient.open(port, { token: agent.agent_token, ...options });
    client.send({ type: 'hello', ...hello });
    const welcome = await client.next('welcome');
    return Object.assign(client, { welcome });
  }

  send(frame: Readonly<Record<string, unknown>>): void {
    if (this.socket.protocol === SUBPROTOCOL_MSGPACK) this.socket.send(encodeValue(frame));
    else this.socket.send(JSON.stringify(frame));
  }

  /** The next frame that was not read yet, which must be of this type. */
  async next(type: string): Promise<Frame> {
    const frame = await this.any(type);
    assert.equal(frame.type, type, JSON.stringify(frame).slice(0, 500));
    return frame;
  }

  /** The next frame that was not read yet. */
  async any(what = 'frame'): Promise<Frame> {
    const deadline = performance.now() + DEADLINE_MS;
    while (this.#read >= this.frames.length) {
      assert.equal(this.#closing, undefined, `closed with ${this.#closing?.code} instead of a frame: ${what}`);
      await this.#something(deadline, what);
    }
    return this.frames[this.#read++] as Frame;
  }

  /** The next `count` messages. */
  async messages(count: number): Promise<Frame[]> {
    const messages: Frame[] = [];
    while (messages.length < count) messages.push(await this.next('message'));
    return messages;
  }

  /** The answer to a request that is sent now, whatever else comes before it. */
  async ask(frame: Readonly<Record<string, unknown>>): Promise<Frame> {
    const id = frame.id;
    this.send(frame);
    return this.answer(id);
  }

  /** The answer with this id, wherever it stands among what was not read yet. */
  async answer(id: unknown): Promise<Frame> {
    const deadline = performance.now() + DEADLINE_MS;
    for (;;) {
      const isAnswer = (frame: Frame, at: number): boolean =>
        at >= this.#read && frame.id === id && frame.watch_ended === undefined;
      const at = this.frames.findIndex(isAnswer);
      const [answer] = at === -1 ? [] : this.frames.splice(at, 1);
      if (answer !== undefined) return answer;
      assert.equal(this.#closing, undefined, `closed with ${this.#closing?.code} instead of an answer`);
      await this.#something(deadline, `the answer to ${String(id)}`);
    }
  }

  /** Frames that came and were not read. */
  get unread(): readonly Frame[] {
    return this.frames.slice(this.#read);
  }

  /** Everything that the server has to say to this client now was said when this resolves. */
  async settled(): Promise<void> {
    const id = `settled ${Math.random()}`;
    const pong = await this.ask({ type: 'ping', id });
    assert.equal(pong.type, 'pong');
  }

  /** Says goodbye, and waits until it is answered. */
  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }

  /** Cuts the connection, as a lost network does. */
  cut(): void {
    this.socket.terminate();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Until another frame came, or the end. */
  #something(deadline: number, what: string): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const leftMs = Math.max(0, deadline - performance.now());
      const late = setTimeout(() => reject(new Error(`not in time: ${what}`)), leftMs);
      this.#waiting.add(() => {
        clearTimeout(late);
        resolve();
      });
    });
  }
}

function connect(port: number, { protocol, protocols, path = SESSION_PATH, token }: OpenOptions): WebSocket {
  const offered = protocols ?? [protocol ?? SUBPROTOCOL_JSON];
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new WebSocket(`ws://127.0.0.1:${port}${path}`, [...offered], { headers, perMessageDeflate: false });
}
