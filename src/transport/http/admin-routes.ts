// Admin routes: what only the holder of the admin token may see and do.

import { AGENTS } from '../../actors/operator/protocol.js';
import type { WorkerReplaced } from '../../contract/server.js';
import { capacityOf } from '../kernel/state-calls.js';
import type { Call } from './call.js';
import type { HttpContext } from './http-context.js';
import { readNothing } from './request-reader.js';
import type { RouteHandler } from './route-handler.js';

/** More digits than any number of workers has. */
const WORKER_DIGITS_MAX = 4;

async function status(context: HttpContext, call: Call): Promise<void> {
  call.json(200, {
    ...(await context.status()),
    version: context.version,
    draining: context.draining(),
    agents: context.counter(AGENTS),
    state: capacityOf(context),
  });
}

async function replaceWorker(context: HttpContext, call: Call): Promise<void> {
  if (!readNothing(call)) return;
  const known = /^\d+$/.test(call.param) && call.param.length <= WORKER_DIGITS_MAX;
  const worker = Number(call.param);
  if (!known || !(await context.replaceWorker(worker))) {
    return call.refuse({ code: 'NOT_FOUND', params: { what: 'worker' } });
  }
  const answer: WorkerReplaced = { worker, replaced: true };
  call.json(200, answer);
}

export const adminRoutes = { status, replaceWorker } satisfies Record<string, RouteHandler>;
