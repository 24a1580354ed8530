// Route handler
//
// What a route is, once it has a request that may come in. One for each route of the contract: the types see to it.

import type { RouteName } from '../../contract/routes.js';
import type { Call } from './call.js';
import type { HttpContext } from './http-context.js';

/** Answers the call, at once or when its promise is settled; a rejection is answered for it. */
export type RouteHandler = (context: HttpContext, call: Call) => void | Promise<void>;

export type RouteHandlers = Readonly<Record<RouteName, RouteHandler>>;
