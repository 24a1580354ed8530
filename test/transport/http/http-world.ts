// HTTP world
//
// The front door on a real socket with the real gate; only the actors are played: what each message is answered is set
// by the test, and what was asked and told is kept. Tokens are "hashed" at once, so that no test waits for a hash.

import assert from 'node:assert/strict';
import { type Clock, systemClock } from '../../../src/clock.js';
import type { Fault } from '../../../src/errors.js';
import { createLog } from '../../../src/log.js';
import type { Actors, Answer, AskOptions, Idempotency } from '../../../src/runtime/ref.js';
import { Authenticator, type TokenRecord } from '../../../src/transport/gate/authenticator.js';
import { createClientIp } from '../../../src/transport/gate/client-ip.js';
import { InFlight } from '../../../src/transport/gate/in-flight.js';
import { type LimitClass, RateLimiter } from '../../../src/transport/gate/rate-limiter.js';
import { RegistrationLimiter } from '../../../src/transport/gate/registration-limiter.js';
import { mintToken, parseToken, type Role } from '../../../src/transport/gate/token.js';
import { createFrontDoor } from '../../../src/transport/http/front-door.js';
import type { HttpContext } from '../../../src/transport/http/http-context.js';
import { routeHandlers } from '../../../src/transport/http/kernel-routes.js';
import { LongPolls } from '../../../src/transport/http/long-polls.js';
import type { ListenerOptions } from '../../../src/transport/listener/listener.js';
import { openNodeListener } from '../../../src/transport/listener/node-listener.js';
import { FrontMeter } from '../../../src/transport/metrics/front-meter.js';
import { EventStreams } from '../../../src/transport/observation/event-streams.js';
import { ObserveLimiter } from '../../../src/transport/observation/observe-limiter.js';

const NO_OBSERVER = { listen: () => undefined, tap: () => undefined, untap: () => undefined, tell: () => undefined };

export interface Asked {
  readonly kind: string;
  readonly key: string;
  readonly message: string;
  // What the played actor was sent: each test knows the shape of its own.
  readonly args: Record<string, unknown>;
  readonly options: AskOptions;
}

type Played = (asked: Asked) => Answer<unknown> | Promise<Answer<unknown>>;

export const AGENT = 'tab_aaaaaaaaaaaaaaaaaaaa';
export const OTHER = 'tab_bbbbbbbbbbbbbbbbbbbb';
export const OPERATOR = '0190a000-0000-7000-8000-000000000001';
export const AT = Date.UTC(2024, 4, 6, 7, 8, 9, 10);
export const AT_TEXT = '2024-05-06T07:08:09.010Z';

export const ok = (value: unknown, replayed = false): Answer<unknown> => ({ ok: true, value, replayed });
export const fault = (code: Fault['code'], params?: Fault['params']): Answer<unknown> => ({
  ok: false,
  fault: params === undefined ? { code } : { code, params },
});

export interface WorldOptions extends Partial<HttpContext> {
  readonly perMinute?: Partial<Record<LimitClass, number>>;
  readonly perHour?: number;
}

const BODY_BYTES_MAX = 8192;
const listening: Omit<ListenerOptions, 'onDefect'> = {
  host: '127.0.0.1',
  port: 0,
  bodyBytesMax: BODY_BYTES_MAX,
  bodyTimeoutMs: 10_000,
  headTimeoutMs: 10_000,
  idleTimeoutMs: 10_000,
  connectionsMax: 100,
};

export class World {
  readonly asked: Asked[] = [];
  readonly told: Omit<Asked, 'options'>[] = [];
  readonly logged: string[] = [];
  readonly stored = new Map<string, { readonly fingerprint: string; readonly value: unknown }>();
  readonly tokens: Readonly<Record<Role, string>>;
  readonly context: HttpContext;
  base = '';
  #close: () => void = () => undefined;
  readonly #played = new Map<string, Played>();
  readonly #index = new Map<string, TokenRecord>();

  constructor({ perMinute = {}, perHour = 0, ...overrides }: WorldOptions) {
    const clock: Clock = overrides.clock ?? systemClock;
    const perClass = { message_send: 0, message_read: 0, state_read: 0, state_write: 0, registry_read: 0 };
    this.tokens = {
      operator: this.#admit('operator', OPERATOR),
      agent: this.#admit('agent', AGENT),
      admin: this.#admit('admin', 'admin'),
    };
    const hasher = {
      hashToken: async (token: string) => `hash of ${token}`,
      verifyToken: async (token: string, phc: string) => phc === `hash of ${token}`,
    };
    this.context = {
      version: '1.2.3',
      destinations: { allowPrivate: false, resolve: async () => ['93.184.215.14'] },
      rules: {
        addressPrefix: 'tab_',
        contentBytesMax: 100,
        keyBytesMax: 20,
        valueBytesMax: 200,
        stateCapacityBytes: 5000,
        bodyBytesMax: BODY_BYTES_MAX,
        metricsAccess: 'loopback',
        durability: 'durable',
      },
      clock,
      log: createLog({ level: 'debug', destination: { write: (line) => this.logged.push(line) } }),
      actors: this.#actors(),
      authenticator: new Authenticator({
        hasher,
        lookup: (lookupId) => this.#index.get(lookupId),
        cacheTtlMs: 30_000,
        clock,
        onDefect: (error) => this.logged.push(String(error)),
      }),
      rateLimiter: new RateLimiter({ perMinute: { ...perClass, ...perMinute }, clock }),
      registrationLimiter: new RegistrationLimiter({ perHour, clock }),
      clientIp: createClientIp([]),
      inFlight: new InFlight(),
      longPolls: new LongPolls(),
      observation: {
        access: 'off',
        isByDefault: false,
        limiter: new ObserveLimiter(0, clock),
        read: async () => undefined,
        streams: new EventStreams({ observer: NO_OBSERVER, streamsMax: 0, clock, draining: () => false }),
        summarize: async () => undefined,
      },
      removals: { remove: async () => undefined },
      endSessions: () => undefined,
      hasher,
      storedAnswer: async (idempotency) => this.#find(idempotency),
      counter: (name) => name.length,
      draining: () => false,
      meter: new FrontMeter(),
      metricsText: async () => '',
      ceilings: async () => [],
      status: async () => ({ workers: 2 }),
      replaceWorker: async (index) => index === 1,
      ...overrides,
    };
  }

  /** What a message to a kind is answered from now on: `play('agent.deliver', () => ok(…))`. */
  play(message: string, played: Played): void {
    this.#played.set(message, played);
  }

  request(path: string, init: RequestInit & { as?: Role; json?: unknown } = {}): Promise<Response> {
    const { as, json, ...rest } = init;
    const headers = new Headers(rest.headers);
    if (as !== undefined) headers.set('authorization', `Bearer ${this.tokens[as]}`);
    if (json !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json');
    const body = json === undefined ? {} : { body: JSON.stringify(json) };
    return fetch(this.base + path, { ...rest, ...body, headers });
  }

  async open(): Promise<void> {
    const handler = createFrontDoor(this.context, routeHandlers(this.context));
    const onDefect = (error: unknown) => this.logged.push(`defect ${String(error)}`);
    const listener = openNodeListener({ ...listening, onDefect }, handler);
    const { port } = await listener.listen();
    this.base = `http://127.0.0.1:${port}`;
    this.#close = () => listener.close();
  }

  close(): void {
    this.#close();
  }

  #admit(role: Role, id: string): string {
    const { token, lookupId } = mintToken(role);
    this.#index.set(lookupId, { role, id, hash: `hash of ${token}` });
    return token;
  }

  /** Takes a token out of the index, as its retirement does. */
  forget(role: Role): string {
    const lookupId = parseToken(this.tokens[role])?.lookupId ?? '';
    this.#index.delete(lookupId);
    return lookupId;
  }

  #actors(): Actors {
    const ask = async (to: { kind: string }, key: string, message: string, args: unknown, options: AskOptions = {}) => {
      const asked: Asked = { kind: to.kind, key, message, args: args as Record<string, unknown>, options };
      this.asked.push(asked);
      const before = options.idempotency === undefined ? undefined : this.#find(options.idempotency);
      if (before !== undefined) return before;
      const played = this.#played.get(`${to.kind}.${message}`);
      const answer = played === undefined ? fault('INTERNAL') : await played(asked);
      if (answer.ok && options.idempotency !== undefined) {
        const { scope, key: name, fingerprint } = options.idempotency;
        this.stored.set(`${scope}\n${name}`, { fingerprint, value: answer.value });
      }
      return answer;
    };
    const tell = (to: { kind: string }, key: string, message: string, args: unknown) => {
      this.told.push({ kind: to.kind, key, message, args: args as Record<string, unknown> });
      return true;
    };
    // The double answers whatever it is told to: the types of the protocols end here.
    return { ask: ask as unknown as Actors['ask'], tell };
  }

  #find({ scope, key, fingerprint }: Idempotency): Answer<unknown> | undefined {
    const stored = this.stored.get(`${scope}\n${key}`);
    if (stored === undefined) return undefined;
    return stored.fingerprint === fingerprint ? ok(stored.value, true) : fault('CONFLICT', { reason: 'the key' });
  }
}

/** Runs `act` in a world of its own, and closes it. */
export async function inWorld(options: WorldOptions, act: (world: World) => Promise<void>): Promise<void> {
  const world = new World(options);
  await world.open();
  try {
    await act(world);
  } finally {
    world.close();
  }
}

export async function errorOf(response: Response): Promise<{ error: string; message: string; detail?: string }> {
  return (await response.json()) as { error: string; message: string; detail?: string };
}

/** Waits for a condition that the loop will bring about; fails after 5 s. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, 'the condition did not come true in time');
    await new Promise((resume) => setImmediate(resume));
  }
}
