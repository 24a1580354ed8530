// Session client
//
// An agent's session, kept alive over whatever network there is, by a client of the test's own: it takes the contract at
// its word, and writes down every breach of it.
//
// L1. A send is repeated, with its idempotency key, on every connection and after every refusal that passes, until it is
//     acknowledged.
// L2. A message is handed on when its seq is one more than the last; one that is not more is a repeat. A gap is handed on
//     as it came: the checker finds it.
// L3. A client that remembers says at each hello what it has; one that does not gets its unacknowledged messages again.
// L4. What is asked on a connection that lives is answered within MUTE_MS_MAX, or it is a breach.

import { setTimeout as pause } from 'node:timers/promises';
import { Packr } from 'msgpackr';
import WebSocket from 'ws';
import { CLOSE, SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK } from '../../src/contract/session.js';
import type { Random } from '../fuzz/random.js';
import type { SessionInbox, SessionLedger } from './session-ledger.js';
import type { Acknowledged, SessionLine } from './session-line.js';

export interface Manner {
  readonly msgpack: boolean;
  /** The token goes in a first frame, not in a header. */
  readonly authFrame: boolean;
  /** It says at each hello what it has (L3). */
  readonly remembers: boolean;
  readonly window: number;
}

export interface ClientOptions {
  /** As in `ws://127.0.0.1:8080/v1/session`, asked for each connection. */
  readonly url: string;
  readonly address: string;
  readonly token: string;
  readonly manner: Manner;
  readonly random: Random;
  readonly ledger: SessionLedger;
  readonly inbox: SessionInbox;
}

const MUTE_MS_MAX = 15_000;
const RECONNECT_MS_MAX = 60;
/** An acknowledgement that is due later than this is sent, however few messages it is for. */
const ACK_MS = 20;
/** Closes that any network and any crash may bring; others are breaches here. */
const FINE_CLOSES: readonly number[] = [1006, CLOSE.draining];

type Frame = Readonly<Record<string, unknown>>;

interface Pending {
  readonly frame: Frame;
  readonly resolve: (acknowledged: Acknowledged) => void;
  readonly reject: (error: Error) => void;
  attempts: number;
}

const packr = new Packr({ useRecords: false, int64AsType: 'number' });

export class SessionClient implements SessionLine {
  readonly #options: ClientOptions;
  readonly #pending = new Map<string, Pending>();
  #socket: WebSocket | undefined;
  #connections = 0;
  #requests = 0;
  #isLive = false;
  #lastSeq = 0;
  /** What this connection knows that the client has: an acknowledgement may name no more. */
  #knownSeq = 0;
  #ackedSeq = 0;
  #epoch: string | undefined;
  #told = false;
  #heardAt = 0;
  #ackTimer: NodeJS.Timeout | undefined;
  #closing: (() => void) | undefined;
  #isAbandoned = false;
  readonly #watch: NodeJS.Timeout;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#watch = setInterval(() => this.#look(), MUTE_MS_MAX / 10);
    this.#connect();
  }

  send(to: string, content: string): Promise<Acknowledged> {
    const id = `s${++this.#requests}`;
    return new Promise((resolve, reject) => {
      const frame = { type: 'send', id, to, content, idempotency_key: `${this.#options.address}-${id}` };
      const pending = { frame, resolve, reject, attempts: 0 };
      this.#pending.set(id, pending);
      if (this.#isLive) this.#attempt(pending);
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#closing = () => {
        clearInterval(this.#watch);
        resolve();
      };
      if (!this.#isLive) return;
      this.#acknowledge();
      this.#socket?.close(1000);
    });
  }

  abandon(): void {
    this.#isAbandoned = true;
    clearInterval(this.#watch);
    clearTimeout(this.#ackTimer);
    this.#socket?.terminate();
  }

  #connect(): void {
    if (this.#isAbandoned) return;
    const { url, token, manner } = this.#options;
    const protocol = manner.msgpack ? SUBPROTOCOL_MSGPACK : SUBPROTOCOL_JSON;
    const headers: Record<string, string> = manner.authFrame ? {} : { authorization: `Bearer ${token}` };
    const socket = new WebSocket(url, protocol, { headers, perMessageDeflate: false, handshakeTimeout: MUTE_MS_MAX });
    this.#socket = socket;
    this.#connections++;
    this.#heardAt = performance.now();
    let retryMs = 0;
    socket.on('open', () => {
      if (manner.authFrame) this.#say({ type: 'auth', token });
      this.#hello();
    });
    socket.on('message', (data: Buffer, isBinary) => {
      this.#heardAt = performance.now();
      if (isBinary !== manner.msgpack) this.#breach(`a ${isBinary ? 'binary' : 'text'} frame over ${protocol}`);
      else this.#hear((manner.msgpack ? packr.unpack(data) : JSON.parse(data.toString('utf8'))) as Frame);
    });
    socket.on('unexpected-response', (request, { statusCode, headers: said }) => {
      if (statusCode !== 503 || said['retry-after'] === undefined)
        this.#breach(`the upgrade was answered ${statusCode}`);
      retryMs = 1000 * Number(said['retry-after'] ?? 0);
      request.destroy();
      socket.terminate();
    });
    // The close that follows tells it.
    socket.on('error', () => undefined);
    socket.on('close', (code) => void this.#closed(code, retryMs));
  }

  #hello(): void {
    const { remembers, window } = this.#options.manner;
    this.#told = remembers && this.#epoch !== undefined;
    this.#say({ type: 'hello', window, ...(this.#told && { last_seq: this.#lastSeq, epoch: this.#epoch }) });
  }

  async #closed(code: number, retryMs: number): Promise<void> {
    this.#isLive = false;
    if (this.#isAbandoned) return;
    if (this.#closing !== undefined && code === 1000) {
      this.#closing();
      return;
    }
    if (!FINE_CLOSES.includes(code)) this.#breach(`the session was closed with ${code}`);
    await pause(retryMs + this.#options.random.below(RECONNECT_MS_MAX));
    this.#connect();
  }

  #hear(frame: Frame): void {
    switch (frame.type) {
      case 'welcome':
        this.#welcomed(frame);
        break;
      case 'message':
        this.#received(frame);
        break;
      case 'ok':
        this.#answered(frame);
        break;
      case 'error':
        this.#refused(frame);
        break;
      case 'draining':
        break;
      default:
        this.#breach(`a frame ${JSON.stringify(frame)}`);
    }
  }

  #answered({ id, message_id }: Frame): void {
    const pending = this.#pending.get(String(id));
    if (pending === undefined) {
      this.#breach(`an answer to ${id}, which waits for none`);
      return;
    }
    this.#pending.delete(String(id));
    const connection = pending.attempts === 1 ? `${this.#options.address} ${this.#connections}` : null;
    pending.resolve({ messageId: String(message_id), connection });
  }

  #welcomed(frame: Frame): void {
    const { address, manner } = this.#options;
    if (frame.agent !== address) this.#breach(`welcomed as ${frame.agent}`);
    if (frame.window !== manner.window) this.#breach(`a window of ${frame.window} for one of ${manner.window}`);
    if (frame.resumed !== this.#told) this.#breach(`resumed is ${frame.resumed}, last_seq ${this.#lastSeq}`);
    if (this.#told && frame.next_seq !== this.#lastSeq + 1)
      this.#breach(`next_seq is ${frame.next_seq} after ${this.#lastSeq}`);
    if (this.#epoch !== undefined && frame.epoch !== this.#epoch) this.#breach('another epoch');
    this.#epoch = String(frame.epoch);
    this.#isLive = true;
    this.#knownSeq = this.#told ? this.#lastSeq : 0;
    // The acknowledgement before may have been lost with its connection.
    this.#ackedSeq = 0;
    this.#acknowledgeSoon();
    for (const pending of this.#pending.values()) this.#attempt(pending);
    if (this.#closing !== undefined) {
      this.#acknowledge();
      this.#socket?.close(1000);
    }
  }

  #received(frame: Frame): void {
    const { ledger, inbox } = this.#options;
    const seq = Number(frame.seq);
    const messageId = String(frame.message_id);
    this.#knownSeq = seq;
    if (seq <= this.#lastSeq) {
      inbox.repeats.push({ seq, messageId, redelivered: frame.redelivered === true, told: this.#told });
    } else {
      this.#lastSeq = seq;
      ledger.arrive(inbox, { seq, messageId, from: String(frame.from), content: String(frame.content) });
    }
    // Long before the window is full, now and then for each, and mostly for many.
    if (this.#knownSeq - this.#ackedSeq > this.#options.random.below(this.#options.manner.window)) this.#acknowledge();
    else this.#acknowledgeSoon();
  }

  #refused(frame: Frame): void {
    const pending = this.#pending.get(String(frame.id));
    const waitMs = frame.retry_after_ms;
    if (pending === undefined || frame.error !== 'unavailable' || typeof waitMs !== 'number') {
      this.#breach(`refused: ${JSON.stringify(frame)}`);
      this.#pending.delete(String(frame.id));
      pending?.reject(new Error(`A send was refused with ${String(frame.error)}`));
      return;
    }
    const connection = this.#connections;
    setTimeout(() => {
      if (this.#isLive && connection === this.#connections && this.#closing === undefined) this.#attempt(pending);
    }, waitMs);
  }

  #attempt(pending: Pending): void {
    pending.attempts++;
    this.#say(pending.frame);
  }

  #acknowledgeSoon(): void {
    this.#ackTimer ??= setTimeout(() => this.#acknowledge(), ACK_MS);
  }

  #acknowledge(): void {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    if (!this.#isLive || this.#knownSeq === this.#ackedSeq) return;
    this.#ackedSeq = this.#knownSeq;
    this.#say({ type: 'ack', seq: this.#knownSeq });
  }

  #say(frame: Frame): void {
    // Into a socket that is closing it goes nowhere, and is said again on the next.
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(this.#options.manner.msgpack ? packr.pack(frame) : JSON.stringify(frame));
  }

  /** Asks, when nothing has come for long, and gives up a connection that stays mute (L4). */
  #look(): void {
    const muteMs = performance.now() - this.#heardAt;
    if (muteMs < MUTE_MS_MAX || (this.#isLive && this.#pending.size === 0)) return;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#breach(`nothing was answered for ${Math.round(muteMs)} ms`);
    this.#socket?.terminate();
  }

  #breach(text: string): void {
    this.#options.ledger.breach(this.#options.address, text);
  }
}
