// Routes
//
// From what may be said to a kind to the numbers that an envelope carries.
//
// RT1. A protocol is found by its identity first and by its kind's name otherwise: several modules may make the same one.

import { invariant } from '../invariant.js';
import { MESSAGES_MAX } from './envelope.js';
import type { AnyProtocol } from './protocol.js';

/** One kind of the system. */
export interface Route {
  readonly kind: number;
  readonly protocol: AnyProtocol;
  readonly numbers: ReadonlyMap<string, number>;
}

/** Kinds are numbered from 0 in one byte, and 1 + kind must fit too. */
export const KINDS_MAX = 254;

export class Routes {
  readonly #routes: readonly Route[];
  readonly #byProtocol = new WeakMap<object, Route>();
  readonly #byName = new Map<string, Route>();

  /** In the order of their numbers. */
  constructor(protocols: readonly AnyProtocol[]) {
    invariant(protocols.length <= KINDS_MAX, () => `a system has at most ${KINDS_MAX} kinds`);
    this.#routes = protocols.map((protocol, kind) => {
      const { kind: name, messages } = protocol;
      invariant(messages.length <= MESSAGES_MAX, () => `the kind ${name} has too many messages`);
      const numbers = new Map(messages.map((message, number) => [message, number]));
      const route = { kind, protocol, numbers };
      invariant(!this.#byName.has(name), () => `two kinds are called ${name}`);
      this.#byName.set(name, route);
      return route;
    });
  }

  /** The route to a protocol's kind. Throws a Defect when the system has none. */
  to(protocol: { readonly kind: string }): Route {
    const known = this.#byProtocol.get(protocol);
    if (known !== undefined) return known;
    const route = this.#byName.get(protocol.kind);
    invariant(route !== undefined, () => `there is no actor kind ${protocol.kind} in this system`);
    this.#byProtocol.set(protocol, route);
    return route;
  }

  name(kind: number): string {
    return this.#routes[kind]!.protocol.kind;
  }

  messageName(kind: number, message: number): string {
    return this.#routes[kind]!.protocol.messages[message] ?? `#${message}`;
  }

  /** The wire number of a message. Throws a Defect when the kind has no such message. */
  static numberOf(route: Route, message: string): number {
    const number = route.numbers.get(message);
    invariant(number !== undefined, () => `the actor kind ${route.protocol.kind} has no message ${message}`);
    return number;
  }
}

/** The route that was taken last, and the message: most actors say the same to the same kind again and again. */
export class RecentRoute {
  readonly #routes: Routes;
  #protocol: AnyProtocol | undefined;
  #route: Route | undefined;
  #message: string | undefined;
  #number = 0;

  constructor(routes: Routes) {
    this.#routes = routes;
  }

  /** Throws as Routes.to() does. */
  to(protocol: AnyProtocol): Route {
    if (protocol === this.#protocol) return this.#route!;
    const route = this.#routes.to(protocol);
    this.#protocol = protocol;
    this.#route = route;
    this.#message = undefined;
    return route;
  }

  /** Of a message of the protocol that to() was called with. Throws as Routes.numberOf() does. */
  numberOf(message: string): number {
    if (message === this.#message) return this.#number;
    const number = Routes.numberOf(this.#route!, message);
    this.#message = message;
    this.#number = number;
    return number;
  }
}
