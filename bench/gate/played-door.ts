// Played door
//
// The real front door with its real gate, and nothing on either side of it: an exchange that is handed in, and routes that
// answer at once. Every token is in the authenticator's cache, and every limit is counted and never reached.
//
// Owns:     the played requests, and how many of them reached a route as their own agent, and were answered.
// Does not: measure anything (cached-token.bench.ts).

import { systemClock } from '../../src/clock.js';
import { type RouteName, routes } from '../../src/contract/routes.js';
import { newAgentAddress } from '../../src/ids.js';
import { createLog } from '../../src/log.js';
import { Authenticator, type TokenRecord } from '../../src/transport/gate/authenticator.js';
import { createClientIp } from '../../src/transport/gate/client-ip.js';
import { InFlight } from '../../src/transport/gate/in-flight.js';
import { RateLimiter } from '../../src/transport/gate/rate-limiter.js';
import { RegistrationLimiter } from '../../src/transport/gate/registration-limiter.js';
import { requestIdOf } from '../../src/transport/gate/request-id.js';
import { mintToken } from '../../src/transport/gate/token.js';
import { Call } from '../../src/transport/http/call.js';
import { createFrontDoor } from '../../src/transport/http/front-door.js';
import type { HttpContext } from '../../src/transport/http/http-context.js';
import { LongPolls } from '../../src/transport/http/long-polls.js';
import type { RouteHandler, RouteHandlers } from '../../src/transport/http/route-handler.js';
import type { BodyOutcome, HttpExchange, RequestHead } from '../../src/transport/listener/listener.js';
import { FrontMeter } from '../../src/transport/metrics/front-meter.js';
import { EventStreams } from '../../src/transport/observation/event-streams.js';
import { ObserveLimiter } from '../../src/transport/observation/observe-limiter.js';

const NO_OBSERVER = { listen: () => undefined, tap: () => undefined, untap: () => undefined, tell: () => undefined };

const LIMIT_PER_MINUTE = 1_000_000_000;
const CACHE_TTL_MS = 86_400_000;
const ANSWER = { ok: true };
const BODY: BodyOutcome = { kind: 'body', bytes: Buffer.from(JSON.stringify({ to: 'someone', content: 'hi' })) };

interface PlayedAgent {
  readonly address: string;
  readonly authorization: string;
}

export interface PlayedRequest {
  readonly name: RouteName;
  readonly path: string;
  readonly hasBody: boolean;
  /** Each request with an Idempotency-Key of its own. */
  readonly hasKey: boolean;
}

/** A request whose body is there when it is asked for. */
class PlayedExchange implements HttpExchange {
  readonly aborted = false;
  readonly head: RequestHead;
  status = 0;

  constructor(head: RequestHead) {
    this.head = head;
  }

  readBody(done: (outcome: BodyOutcome) => void): void {
    done(BODY);
  }

  respond(status: number): boolean {
    this.status = status;
    return true;
  }

  begin(): undefined {
    return undefined;
  }

  onAbort(): void {}
}

export class PlayedDoor {
  readonly #agents: readonly PlayedAgent[];
  readonly #context: HttpContext;
  readonly #receive: (exchange: HttpExchange) => void;
  #made = 0;
  /** Requests of which the route saw the agent that sent them. */
  recognized = 0;

  private constructor(agents: readonly PlayedAgent[], context: HttpContext) {
    this.#agents = agents;
    this.#context = context;
    const names = Object.keys(routes) as RouteName[];
    const handlers = Object.fromEntries(names.map((name) => [name, this.#handler])) as RouteHandlers;
    this.#receive = createFrontDoor(context, handlers);
  }

  /** Resolves when every agent's token is in the cache. */
  static async open(agentCount: number): Promise<PlayedDoor> {
    const index = new Map<string, TokenRecord>();
    const agents = Array.from({ length: agentCount }, (): PlayedAgent => {
      const { token, lookupId } = mintToken('agent');
      const address = newAgentAddress('tab_');
      index.set(lookupId, { role: 'agent', id: address, hash: '' });
      return { address, authorization: `Bearer ${token}` };
    });
    const door = new PlayedDoor(agents, playedContext(index));
    const { authenticator } = door.#context;
    for (const { authorization } of agents) await authenticator.authenticate('agent', authorization);
    return door;
  }

  /** One request through the front door; whether it was answered in the same turn. */
  receive(request: PlayedRequest): boolean {
    const exchange = this.#exchange(request);
    this.#receive(exchange);
    return exchange.status === 200;
  }

  /** The same request given to its route by hand: there is a request id and a call, and nothing was checked. */
  bypass(request: PlayedRequest): boolean {
    const exchange = this.#exchange(request);
    const call = new Call(this.#context, exchange, requestIdOf(undefined));
    call.name = request.name;
    if (request.hasBody) exchange.readBody((outcome) => this.#handleBody(call, outcome));
    else this.#answer(call);
    return exchange.status === 200;
  }

  readonly #handler: RouteHandler = (_context, call) => {
    if (call.callerId === addressOf(call)) this.recognized++;
    this.#answer(call);
  };

  #handleBody(call: Call, outcome: BodyOutcome): void {
    if (outcome.kind === 'body') call.body = outcome.bytes;
    this.#answer(call);
  }

  #answer(call: Call): void {
    call.json(200, ANSWER);
  }

  /** Agents in turn. The address is told in a header, for the route to compare. */
  #exchange({ name, path, hasBody, hasKey }: PlayedRequest): PlayedExchange {
    const place = this.#made++;
    const { address, authorization } = this.#agents[place % this.#agents.length]!;
    const { method } = routes[name];
    const headers = {
      authorization,
      origin: address,
      ...(hasBody ? { 'content-type': 'application/json' } : {}),
      ...(hasKey ? { 'idempotency-key': `bench-${place}` } : {}),
    };
    return new PlayedExchange({ method, path, query: '', ip: '127.0.0.1', headers });
  }
}

function addressOf(call: Call): string | undefined {
  return call.exchange.head.headers.origin;
}

function playedContext(index: ReadonlyMap<string, TokenRecord>): HttpContext {
  const clock = systemClock;
  const hasher = { hashToken: async () => '', verifyToken: async () => true };
  const most = LIMIT_PER_MINUTE;
  const perMinute = {
    message_send: most,
    message_read: most,
    state_read: most,
    state_write: most,
    registry_read: most,
  };
  const onDefect = (error: unknown): void => {
    throw error;
  };
  const ask = () => Promise.reject(new Error('No route of this bench asks an actor'));
  return {
    version: '0.0.0',
    destinations: { allowPrivate: false, resolve: async () => [] },
    rules: {
      addressPrefix: 'tab_',
      contentBytesMax: 65_536,
      keyBytesMax: 512,
      valueBytesMax: 65_536,
      stateCapacityBytes: 0,
      bodyBytesMax: 1_048_576,
      metricsAccess: 'loopback',
      durability: 'durable',
    },
    clock,
    log: createLog({ level: 'warn' }),
    actors: { ask, tell: () => false },
    authenticator: new Authenticator({
      hasher,
      lookup: (lookupId) => index.get(lookupId),
      cacheTtlMs: CACHE_TTL_MS,
      clock,
      onDefect,
    }),
    rateLimiter: new RateLimiter({ perMinute, clock }),
    registrationLimiter: new RegistrationLimiter({ perHour: 0, clock }),
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
    storedAnswer: async () => undefined,
    counter: () => 0,
    draining: () => false,
    meter: new FrontMeter(),
    metricsText: async () => '',
    ceilings: async () => [],
    status: async () => ({}),
    replaceWorker: async () => false,
  };
}
