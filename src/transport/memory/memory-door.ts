// Memory door
//
// What happens to a request of the memory API before and after its route, in this order: method, drain, limit of the place,
// key or token, limit of the key, content type, body, route.
//
// Owns:     that order.
// Does not: know what a route does, or which paths are its own before all others (front-door.ts).
//
// MD1. Nobody's body is read before their key is known, and no agent's is parsed before its token is verified.
// MD2. Every request ends in one answer, whatever its route throws or rejects with.

import { type MemoryRoute, type MemoryRouteName, memoryRoutes } from '../../contract/memory-routes.js';
import { EarlyBody } from '../http/early-body.js';
import { Router } from '../http/router.js';
import type { BodyOutcome, HttpExchange } from '../listener/listener.js';
import { type Admission, admitAdmin, admitCaller } from './memory-access.js';
import { MemoryCall } from './memory-call.js';
import type { MemoryContext } from './memory-context.js';
import { invalid, memoryFaultOf, unavailable } from './memory-fault.js';

/** Answers the call, at once or when its promise is settled. */
export type MemoryHandler = (context: MemoryContext, call: MemoryCall) => void | Promise<void>;
export type MemoryHandlers = Readonly<Record<MemoryRouteName, MemoryHandler>>;

export class MemoryDoor {
  readonly #context: MemoryContext;
  readonly #handlers: MemoryHandlers;
  readonly #router = new Router<MemoryRouteName>(memoryRoutes);

  constructor(context: MemoryContext, handlers: MemoryHandlers) {
    this.#context = context;
    this.#handlers = handlers;
  }

  /** Answers the request, or gives false where its path is none of the memory API's. */
  receive(exchange: HttpExchange, requestId: string): boolean {
    const { method, path } = exchange.head;
    const found = this.#router.find(method, path);
    if (found.kind === 'unknown') return false;
    const route = found.kind === 'route' ? found : { name: undefined, param: '' };
    const call = new MemoryCall(this.#context, exchange, requestId, route);
    switch (found.kind) {
      case 'route':
        guard(call, () => this.#begin(call, found.name));
        break;
      case 'options':
        call.noContent([['allow', found.allow]]);
        break;
      case 'wrong_method':
        call.refuse({ code: 'method_not_allowed', message: `This path answers ${found.allow}.`, allow: found.allow });
        break;
      default:
        found satisfies never;
    }
    return true;
  }

  #begin(call: MemoryCall, name: MemoryRouteName) {
    const route: MemoryRoute = memoryRoutes[name];
    if (route.access === 'open') return this.#run(call, name);
    const context = this.#context;
    if (context.draining()) return call.refuseFault({ code: 'DRAINING' });
    const { ip, headers } = call.exchange.head;
    const { fault } = context.memory.limiter.takeOfPlace(context.clientIp(ip, headers['x-forwarded-for']));
    if (fault !== undefined) return call.refuseFault(fault);
    const admission = route.access === 'admin' ? admitAdmin(context, call) : admitCaller(context, call);
    if (admission instanceof Promise) {
      const early =
        route.method === 'POST' && isJson(call) ? new EarlyBody(call.exchange, route.bodyBytesMax) : undefined;
      admission
        .then((done) => this.#admit(call, name, done, early))
        .catch((error: unknown) => {
          call.fail(error);
        });
    } else {
      this.#admit(call, name, admission, undefined);
    }
  }

  #admit(call: MemoryCall, name: MemoryRouteName, admission: Admission, early: EarlyBody | undefined) {
    if (!admission.ok) return call.refuse(admission.fault);
    const limited = admission.keyId === undefined ? undefined : this.#context.memory.limiter.takeOfKey(admission.keyId);
    if (limited?.fault !== undefined) return call.refuseFault(limited.fault);
    call.caller = admission.caller;
    const route: MemoryRoute = memoryRoutes[name];
    if (route.method !== 'POST') return this.#run(call, name);
    // What a page of another origin can send without asking first is not taken: the API may be open on this machine.
    if (!isJson(call)) return call.refuse(invalid('content-type', 'the body must be sent as application/json'));
    const onBody = (outcome: BodyOutcome) => guard(call, () => this.#withBody(call, name, outcome));
    if (early === undefined) call.exchange.readBody(onBody, route.bodyBytesMax);
    else early.whenThere(onBody);
  }

  #withBody(call: MemoryCall, name: MemoryRouteName, outcome: BodyOutcome): void {
    switch (outcome.kind) {
      case 'body':
        call.body = outcome.bytes;
        this.#run(call, name);
        break;
      case 'too_large': {
        const route: MemoryRoute = memoryRoutes[name];
        const bytesMax = route.bodyBytesMax ?? this.#context.memory.bodyBytesMax;
        call.refuse(memoryFaultOf({ code: 'VALUE_TOO_LARGE', params: { what: 'The body', bytesMax } }));
        break;
      }
      case 'overloaded':
        call.refuse(unavailable('Too many bodies are being received.'));
        break;
      case 'aborted':
        break;
      default:
        outcome satisfies never;
    }
  }

  #run(call: MemoryCall, name: MemoryRouteName): void {
    if (call.exchange.aborted) return;
    const running = this.#handlers[name](this.#context, call);
    if (running !== undefined) running.then(undefined, (error: unknown) => call.fail(error));
  }
}

/** Runs a step in which nothing may be thrown at the listener (MD2). */
function guard(call: MemoryCall, step: () => void): void {
  try {
    step();
  } catch (error) {
    call.fail(error);
  }
}

function isJson(call: MemoryCall): boolean {
  const [type = ''] = (call.exchange.head.headers['content-type'] ?? '').split(';');
  return type.trim().toLowerCase() === 'application/json';
}
