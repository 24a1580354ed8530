// Metrics routes: the numbers of the process, and how near it is to what it can bear.

import { isLoopback } from '../../config.js';
import { PROMETHEUS_TYPE } from '../metrics/prometheus-text.js';
import type { Call } from './call.js';
import type { HttpContext } from './http-context.js';
import type { RouteHandler } from './route-handler.js';

async function metrics(context: HttpContext, call: Call): Promise<void> {
  if (context.rules.metricsAccess !== 'public' && !isFromHere(context, call)) {
    const { authorization } = call.exchange.head.headers;
    const outcome = await context.authenticator.authenticate('admin', authorization);
    if (!outcome.ok) return call.refuse(outcome.fault);
  }
  call.text(200, PROMETHEUS_TYPE, await context.metricsText());
}

/** Sent by a program of this machine, and not through a proxy on it, where that may do. */
function isFromHere({ rules }: HttpContext, call: Call): boolean {
  const { ip, headers } = call.exchange.head;
  return rules.metricsAccess === 'loopback' && headers['x-forwarded-for'] === undefined && isLoopback(ip);
}

async function ceilings(context: HttpContext, call: Call): Promise<void> {
  call.json(200, { ceilings: await context.ceilings() });
}

export const metricsRoutes = { metrics, ceilings } satisfies Record<string, RouteHandler>;
