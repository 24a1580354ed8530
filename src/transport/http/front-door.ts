// Front door
//
// What happens to every request before and after its route, in this order: request id, route and method, drain, token,
// limit, content type, body, idempotency key, route.
//
// Owns:     that order.
// Does not: know what a route does, or how bytes arrive (listener.ts).
//
// D1. Nobody's body is read before its token is known to the index, and none is parsed before the token is verified.
//     While the hash of a known token runs, the body is collected: the listener hands it over in this turn or never.
// D2. Every request ends in one answer, whatever its route throws or rejects with.
// D3. Of the requests with one Idempotency-Key of one caller, one at a time is in its route.
// D4. Nothing is begun for a client that has gone.

import { type Route, type RouteName, routes } from '../../contract/routes.js';
import type { AuthOutcome } from '../gate/authenticator.js';
import { readIdempotencyKey } from '../gate/idempotency.js';
import { requestIdOf } from '../gate/request-id.js';
import { UNLIMITED } from '../gate/window-table.js';
import type { BodyOutcome, HttpExchange, RequestHandler } from '../listener/listener.js';
import type { MemoryDoor } from '../memory/memory-door.js';
import { preflightHeaders } from '../observation/cross-origin.js';
import { Call } from './call.js';
import { EarlyBody } from './early-body.js';
import type { HttpContext } from './http-context.js';
import type { RouteHandlers } from './route-handler.js';
import { type Found, Router } from './router.js';

/** The handler of every request on a listener. `handlers` has one for each route of the contract; `memory` has its own. */
export function createFrontDoor(
  context: HttpContext,
  handlers: RouteHandlers,
  memory?: Pick<MemoryDoor, 'receive'>,
): RequestHandler {
  const door = new FrontDoor(context, handlers, memory);
  return (exchange) => door.receive(exchange);
}

type FoundRoute = Found<RouteName> & { readonly kind: 'route' };

class FrontDoor {
  readonly #context: HttpContext;
  readonly #handlers: RouteHandlers;
  readonly #memory: Pick<MemoryDoor, 'receive'> | undefined;
  readonly #router = new Router<RouteName>(routes);

  constructor(context: HttpContext, handlers: RouteHandlers, memory: Pick<MemoryDoor, 'receive'> | undefined) {
    this.#context = context;
    this.#handlers = handlers;
    this.#memory = memory;
  }

  receive(exchange: HttpExchange): void {
    const { method, path, headers } = exchange.head;
    const requestId = requestIdOf(headers['x-request-id']);
    const found = this.#router.find(method, path);
    if (found.kind === 'unknown' && this.#memory?.receive(exchange, requestId) === true) return;
    const call = new Call(this.#context, exchange, requestId);
    switch (found.kind) {
      case 'route':
        guard(call, () => this.#begin(call, found));
        break;
      case 'options':
        call.noContent([['allow', found.allow], ...preflightHeaders(this.#context.observation.access, path)]);
        break;
      case 'wrong_method':
        call.refuse({ code: 'METHOD_NOT_ALLOWED', params: { allow: found.allow } });
        break;
      case 'unknown':
        call.refuse({ code: 'NOT_FOUND', params: { what: 'route' } });
        break;
      default:
        found satisfies never;
    }
  }

  #begin(call: Call, { name, param }: FoundRoute): void {
    call.name = name;
    call.param = param;
    const route: Route = routes[name];
    if (name !== 'health' && this.#context.draining()) call.refuse({ code: 'DRAINING' });
    else if (route.auth === 'none') this.#admit(call, route, undefined);
    else this.#authenticate(call, route, route.auth);
  }

  #authenticate(call: Call, route: Route, role: Exclude<Route['auth'], 'none'>): void {
    const outcome = this.#context.authenticator.authenticate(role, call.exchange.head.headers.authorization);
    if (outcome instanceof Promise) {
      const early = takesBody(route) && isJson(call) ? new EarlyBody(call.exchange) : undefined;
      outcome
        .then((settled) => this.#recognize(call, route, settled, early))
        .catch((error: unknown) => call.fail(error));
    } else {
      this.#recognize(call, route, outcome, undefined);
    }
  }

  #recognize(call: Call, route: Route, outcome: AuthOutcome, early: EarlyBody | undefined): void {
    if (outcome.ok) {
      call.principal = outcome.principal;
      this.#admit(call, route, early);
    } else {
      call.refuse(outcome.fault);
    }
  }

  #admit(call: Call, route: Route, early: EarlyBody | undefined): void {
    if (!this.#withinLimit(call, route)) return;
    if (!takesBody(route)) {
      this.#run(call);
    } else if (isJson(call)) {
      const onBody = (outcome: BodyOutcome) => guard(call, () => this.#withBody(call, outcome));
      if (early === undefined) call.exchange.readBody(onBody);
      else early.whenThere(onBody);
    } else {
      call.refuse({ code: 'UNSUPPORTED_MEDIA_TYPE' });
    }
  }

  /** Counts the call, and notes where the caller stands. False when it is refused, and so answered. */
  #withinLimit(call: Call, route: Route): boolean {
    const { rateLimiter, registrationLimiter, clientIp, clock } = this.#context;
    const { ip, headers } = call.exchange.head;
    if (route.limit !== null) {
      const decision = rateLimiter.take(call.callerId, route.limit);
      call.standing = decision;
      if (decision.fault !== undefined) call.refuse(decision.fault);
      return decision.fault === undefined;
    }
    if (call.name === 'createOperator') {
      const { fault } = registrationLimiter.take(clientIp(ip, headers['x-forwarded-for']));
      if (fault !== undefined) call.refuse(fault);
      return fault === undefined;
    }
    if (call.principal !== undefined) {
      call.standing = { limit: UNLIMITED, remaining: UNLIMITED, resetS: Math.ceil(clock.now() / 1000) };
    }
    return true;
  }

  #withBody(call: Call, outcome: BodyOutcome): void {
    switch (outcome.kind) {
      case 'body':
        call.body = outcome.bytes;
        this.#readKey(call);
        break;
      case 'too_large': {
        const bytesMax = this.#context.rules.bodyBytesMax;
        call.refuse({ code: 'VALUE_TOO_LARGE', params: { what: 'The body', bytesMax } });
        break;
      }
      case 'overloaded':
        call.refuse({ code: 'OVERLOADED', params: { what: 'the bodies being received' } });
        break;
      case 'aborted':
        break;
      default:
        outcome satisfies never;
    }
  }

  #readKey(call: Call): void {
    const read = readIdempotencyKey(call.exchange.head.headers['idempotency-key']);
    switch (read.kind) {
      case 'none':
        this.#run(call);
        break;
      case 'key':
        call.idempotencyKey = read.key;
        this.#runAlone(call, read.key).catch((error: unknown) => call.fail(error));
        break;
      case 'refused':
        call.refuse(read.fault);
        break;
      default:
        read satisfies never;
    }
  }

  #run(call: Call): void {
    const running = this.#handle(call);
    if (running !== undefined) running.then(undefined, (error: unknown) => call.fail(error));
  }

  async #runAlone(call: Call, key: string): Promise<void> {
    const entry = this.#context.inFlight.enter(call.scope, key);
    if (entry.kind === 'refused') return call.refuse(entry.fault);
    const release = entry.kind === 'entered' ? entry.release : await entry.entered;
    try {
      await this.#handle(call);
    } finally {
      release();
    }
  }

  #handle(call: Call): void | Promise<void> {
    if (call.name === undefined || call.exchange.aborted) return;
    const handler = this.#handlers[call.name];
    if (call.span === undefined) return handler(this.#context, call);
    return this.#context.tracing?.within(call.span, () => handler(this.#context, call));
  }
}

/** Runs a step in which nothing may be thrown at the listener (D2). */
function guard(call: Call, step: () => void): void {
  try {
    step();
  } catch (error) {
    call.fail(error);
  }
}

function takesBody(route: Route): boolean {
  return route.method === 'POST' || route.method === 'PUT';
}

function isJson(call: Call): boolean {
  const type = call.exchange.head.headers['content-type'];
  if (type === 'application/json') return true;
  if (type === undefined) return false;
  const semicolon = type.indexOf(';');
  return (semicolon === -1 ? type : type.slice(0, semicolon)).trim().toLowerCase() === 'application/json';
}
