// A request for each route of the contract that would be answered well by whoever may make it, bodies aside.

import { type Auth, type RouteName, routes } from '../../../src/contract/routes.js';
import type { RefusalWorld } from './world.js';

export interface Door {
  readonly name: RouteName;
  readonly method: string;
  readonly path: string;
  readonly auth: Auth;
  /** POST and PUT: a body must be sent. */
  readonly takesBody: boolean;
  /** A body is held against a description; elsewhere any JSON will do, and none. */
  readonly shaped: boolean;
}

/** Calls that take no body of their own, though they are a POST or PUT. */
const SHAPELESS: ReadonlySet<RouteName> = new Set(['rotateToken', 'setWebhook', 'replaceWorker']);
/** More than any server of a test has. */
const NO_WORKER = '9999';

export function doorsOf(world: RefusalWorld): readonly Door[] {
  return (Object.keys(routes) as RouteName[]).map((name) => {
    const { method, path, auth } = routes[name];
    const takesBody = method === 'POST' || method === 'PUT';
    const filled = path
      .replace('{address}', world.stranger.agent.agent_address)
      .replace('{key}', 'absent')
      .replace('{n}', NO_WORKER);
    return { name, method, path: filled, auth, takesBody, shaped: takesBody && !SHAPELESS.has(name) };
  });
}
