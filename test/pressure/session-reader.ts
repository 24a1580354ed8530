// Session reader
//
// A session whose reader can stop: what the server has sent lies in the kernel and in the server then, until it reads on.
//
// R1. Messages are counted when they are read; each must have the seq after the one before.
// R2. Acknowledged is only what was read, and only by a reader that acknowledges.

import { connect, type Socket } from 'node:net';
import { SESSION_PATH, SUBPROTOCOL_JSON } from '../../src/contract/session.js';
import { encodeWire, OPCODE, upgradeText, WireReader } from '../fuzz/session-wire.js';
import type { Agent } from '../server/troupe-api.js';

export const WINDOW = 1024;
const ACK_EVERY = 256;
const READ_TIMEOUT_MS = 60_000;

export class SessionReader {
  readonly #socket: Socket;
  readonly #reader = new WireReader();
  #head: Buffer | undefined = Buffer.alloc(0);
  #welcomed = false;
  #stopped = false;
  #acknowledges = false;
  #read = 0;
  #fault: Error | undefined;
  #wake: () => void = () => undefined;

  private constructor(port: number, agent: Agent) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const upgrade = {
      path: SESSION_PATH,
      protocols: [SUBPROTOCOL_JSON],
      authorization: `Bearer ${agent.agent_token}`,
      offersDeflate: false,
      changed: {},
    };
    this.#socket.on('connect', () => this.#socket.write(upgradeText(upgrade)));
    this.#socket.on('data', (piece) => this.#take(piece));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the session ended')));
  }

  /** Resolves with the welcome. `stops`: nothing behind it is read, but for what came with it. */
  static async open(port: number, agent: Agent, stops: boolean): Promise<SessionReader> {
    const reader = new SessionReader(port, agent);
    reader.#stopped = stops;
    await reader.#until(() => reader.#welcomed);
    return reader;
  }

  /** Reads on, until this many were read in all. */
  async read(count: number, acknowledges: boolean): Promise<void> {
    this.#acknowledges = acknowledges;
    this.#stopped = false;
    this.#acknowledge();
    this.#socket.resume();
    await this.#until(() => this.#read >= count);
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #take(piece: Buffer): void {
    let rest = piece;
    if (this.#head !== undefined) {
      this.#head = Buffer.concat([this.#head, piece]);
      const end = this.#head.indexOf('\r\n\r\n');
      if (end < 0) return;
      rest = this.#head.subarray(end + 4);
      this.#head = undefined;
      this.#say({ type: 'hello', window: WINDOW });
    }
    for (const { opcode, payload } of this.#reader.push(rest)) {
      if (opcode === OPCODE.ping) this.#socket.write(encodeWire({ opcode: OPCODE.pong, payload }));
      if (opcode === OPCODE.text) this.#hear(JSON.parse(payload.toString('utf8')) as { type: string; seq?: number });
    }
    if (this.#welcomed && this.#stopped) this.#socket.pause();
    this.#wake();
  }

  #hear(frame: { readonly type: string; readonly seq?: number }): void {
    if (frame.type === 'welcome') this.#welcomed = true;
    else if (frame.type !== 'message' || frame.seq !== this.#read + 1) {
      this.#fail(new Error(`after message ${this.#read} came ${JSON.stringify(frame).slice(0, 200)}`));
    } else if (++this.#read % ACK_EVERY === 0) this.#acknowledge();
  }

  #acknowledge(): void {
    if (this.#acknowledges && this.#read > 0) this.#say({ type: 'ack', seq: this.#read });
  }

  #say(frame: object): void {
    this.#socket.write(encodeWire({ opcode: OPCODE.text, payload: Buffer.from(JSON.stringify(frame)) }));
  }

  #fail(error: Error): void {
    this.#fault ??= error;
    this.#wake();
  }

  async #until(condition: () => boolean): Promise<void> {
    const late = setTimeout(() => this.#fail(new Error(`only ${this.#read} messages came in time`)), READ_TIMEOUT_MS);
    while (!condition() && this.#fault === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    clearTimeout(late);
    if (this.#fault !== undefined) throw this.#fault;
  }
}
