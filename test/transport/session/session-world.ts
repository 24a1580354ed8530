// Session world
//
// Sessions on sockets that are played, with the real gate; only the actors are played: what was asked, told and subscribed
// is kept, and each test answers as it likes. The clock stands still until it is moved.

import assert from 'node:assert/strict';
import type { SessionItem } from '../../../src/actors/agent/protocol.js';
import type { FollowItem } from '../../../src/actors/state/protocol.js';
import { SUBPROTOCOL_JSON } from '../../../src/contract/session.js';
import type { Fault } from '../../../src/errors.js';
import { createLog } from '../../../src/log.js';
import type { Answer, AskOptions, ItemReader, StreamingActors } from '../../../src/runtime/ref.js';
import type { AuthOutcome } from '../../../src/transport/gate/authenticator.js';
import { InFlight } from '../../../src/transport/gate/in-flight.js';
import { RateLimiter } from '../../../src/transport/gate/rate-limiter.js';
import type { RequestHead } from '../../../src/transport/listener/listener.js';
import type { Socket, SocketHandler, UpgradeExchange } from '../../../src/transport/listener/socket.js';
import { FrontMeter } from '../../../src/transport/metrics/front-meter.js';
import type { SessionContext } from '../../../src/transport/session/session-context.js';
import { Sessions } from '../../../src/transport/session/sessions.js';
import { ManualClock } from '../../runtime/manual-clock.js';

export const AGENT = 'tab_aaaaaaaaaaaaaaaaaaaa';
export const TOKEN = `at_live_${'a'.repeat(64)}`;

export type Frame = Readonly<Record<string, unknown>> & { readonly type: string };

/** The server's end of a connection, in JSON. */
export class PlayedSocket implements Socket {
  readonly sent: Frame[] = [];
  bufferedBytes = 0;
  closing: { readonly code: number; readonly reason: string } | undefined;
  isTerminated = false;
  readonly #handler: SocketHandler;

  constructor(handler: SocketHandler) {
    this.#handler = handler;
    handler.opened(this);
  }

  get code(): number | undefined {
    return this.closing?.code;
  }

  send(data: string | Uint8Array): boolean {
    assert.equal(typeof data, 'string');
    if (this.closing !== undefined || this.isTerminated) return false;
    this.sent.push(JSON.parse(String(data)) as Frame);
    return true;
  }

  close(code: number, reason: string): void {
    this.closing ??= { code, reason };
  }

  terminate(): void {
    this.isTerminated = true;
    this.#handler.closed(this, 1006);
  }

  /** What the peer sends. */
  hear(frame: Readonly<Record<string, unknown>> | string): void {
    const text = typeof frame === 'string' ? frame : JSON.stringify(frame);
    this.#handler.data(this, Buffer.from(text), false);
  }

  /** The peer has read everything. */
  drain(): void {
    this.bufferedBytes = 0;
    this.#handler.drained(this);
  }

  /** The peer is gone. */
  leave(): void {
    this.#handler.closed(this, 1006);
  }

  /** What was sent since this was last called. */
  take(): Frame[] {
    return this.sent.splice(0);
  }
}

export interface Subscribed {
  readonly kind: string;
  readonly key: string;
  readonly message: string;
  readonly args: Record<string, unknown>;
  readonly reader: ItemReader<SessionItem> & ItemReader<FollowItem>;
  hasLeft: boolean;
}

export interface Asked {
  readonly kind: string;
  readonly key: string;
  readonly message: string;
  readonly args: Record<string, unknown>;
  readonly answer: (answer: Answer<unknown>) => void;
}

export interface Told {
  readonly kind: string;
  readonly message: string;
  readonly args: unknown;
}

export const ok = (value: unknown): Answer<unknown> => ({ ok: true, value, replayed: false });
export const fault = (code: Fault['code']): Answer<unknown> => ({ ok: false, fault: { code } });

export class SessionWorld {
  readonly clock = new ManualClock();
  readonly subscribed: Subscribed[] = [];
  readonly asked: Asked[] = [];
  readonly told: Told[] = [];
  readonly logged: string[] = [];
  readonly sessions: Sessions;
  readonly context: SessionContext;
  isDraining = false;
  /** Whether a link takes what is told. */
  isTaken = true;
  authenticate: () => AuthOutcome | Promise<AuthOutcome> = () => ({
    ok: true,
    principal: { role: 'agent', id: AGENT },
  });

  constructor(sessionsMax = 10) {
    const perMinute = { message_send: 0, message_read: 0, state_read: 0, state_write: 0, registry_read: 0 };
    this.context = {
      rules: {
        contentBytesMax: 1000,
        keyBytesMax: 100,
        valueBytesMax: 2000,
        stateCapacityBytes: 5000,
        durability: 'durable',
      },
      sessionRules: { sessionsMax, heartbeatMs: 30_000 },
      clock: this.clock,
      log: createLog({ level: 'debug', destination: { write: (line) => this.logged.push(line) } }),
      actors: this.#actors(),
      counter: (name) => name.length,
      meter: new FrontMeter(),
      authenticator: { authenticate: () => this.authenticate() },
      rateLimiter: new RateLimiter({ perMinute, clock: this.clock }),
      inFlight: new InFlight(),
      historyEpoch: 'epoch-1',
      draining: () => this.isDraining,
    };
    this.sessions = new Sessions(this.context);
  }

  /** Asks for an upgrade: the socket, or the status with which it was refused. */
  upgrade(options: { path?: string; protocols?: readonly string[]; token?: string } = {}): PlayedSocket | number {
    const { path = '/v1/session', protocols = [SUBPROTOCOL_JSON], token } = options;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const head: RequestHead = { method: 'GET', path, query: '', ip: '::1', headers };
    let outcome: PlayedSocket | number | undefined;
    const exchange: UpgradeExchange = {
      head,
      protocols,
      accept: (_protocol, handler) => {
        outcome = new PlayedSocket(handler);
      },
      refuse: (status, answered) => {
        if (status === 503) assert.ok(answered.some(([name]) => name === 'retry-after'));
        outcome = status;
      },
    };
    this.sessions.upgrade(exchange);
    assert.ok(outcome !== undefined, 'an upgrade is answered in its own turn');
    return outcome;
  }

  open(token: string | undefined = TOKEN): PlayedSocket {
    const socket = this.upgrade(token === '' ? {} : { token });
    assert.ok(socket instanceof PlayedSocket);
    return socket;
  }

  /** A socket behind its welcome, and its stream. */
  live(hello: Readonly<Record<string, unknown>> = {}, nextSeq = 1): { socket: PlayedSocket; stream: Subscribed } {
    const socket = this.open();
    socket.hear({ type: 'hello', ...hello });
    const stream = this.stream();
    stream.reader.item({ kind: 'attached', resumed: hello.last_seq !== undefined, nextSeq });
    assert.equal(socket.take()[0]?.type, 'welcome');
    return { socket, stream };
  }

  /** The newest subscription to an inbox. */
  stream(): Subscribed {
    const stream = this.subscribed.findLast(({ message }) => message === 'attach');
    assert.ok(stream !== undefined);
    return stream;
  }

  /** What was told an agent since this was last called. */
  takeTold(): Told[] {
    return this.told.splice(0);
  }

  #actors(): StreamingActors {
    const actors = {
      ask: (to: { kind: string }, key: string, message: string, args: unknown, _options: AskOptions) =>
        new Promise<Answer<unknown>>((answer) => {
          this.asked.push({ kind: to.kind, key, message, args: args as Record<string, unknown>, answer });
        }),
      tell: (to: { kind: string }, _key: string, message: string, args: unknown) => {
        if (this.isTaken) this.told.push({ kind: to.kind, message, args });
        return this.isTaken;
      },
      subscribe: (to: { kind: string }, key: string, message: string, args: unknown, reader: unknown) => {
        const one: Subscribed = {
          kind: to.kind,
          key,
          message,
          args: args as Record<string, unknown>,
          reader: reader as Subscribed['reader'],
          hasLeft: false,
        };
        this.subscribed.push(one);
        return () => {
          one.hasLeft = true;
        };
      },
    };
    // The double answers whatever it is told to: the types of the protocols end here.
    return actors as unknown as StreamingActors;
  }
}

/** Promises that are settled have been heard. */
export async function turn(): Promise<void> {
  await new Promise((resume) => setImmediate(resume));
}

export function pushed(seq: number, content = `content ${seq}`) {
  return { seq, messageId: `id ${seq}`, from: AGENT, content, at: 0, redelivered: false };
}
