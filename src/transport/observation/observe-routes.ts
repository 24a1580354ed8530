// Observe routes: the event log and the shared state, as observers read them.
//
// OR1. Each call is counted against the place it comes from before anything else is done for it.
// OR2. Where observation is off, its paths are no routes.

import type { Health } from '../../contract/server.js';
import type { Fault } from '../../errors.js';
import type { AuthOutcome } from '../gate/authenticator.js';
import type { Call } from '../http/call.js';
import type { HttpContext } from '../http/http-context.js';
import { readCursor, readPage, readPageLimit, readPathText, readQueryText } from '../http/request-reader.js';
import type { RouteHandler } from '../http/route-handler.js';
import { prefixFault, stateKeyFault } from '../kernel/text-faults.js';
import { answerHeaders } from './cross-origin.js';
import { accessFor } from './observation.js';
import { eventsAsked } from './observe-query.js';
import type { Reading } from './protocol.js';
import { openSseStream } from './sse-stream.js';

const NO_ROUTE: Fault = { code: 'NOT_FOUND', params: { what: 'route' } };

async function events(context: HttpContext, call: Call): Promise<void> {
  const asked = eventsAsked(call.exchange.head.query);
  if (!asked.ok) return call.refuse(asked.fault);
  const { since, filter } = asked.value;
  await answer(context, call, { kind: 'events', filter, since, limit: readPageLimit(call) });
}

async function keys(context: HttpContext, call: Call): Promise<void> {
  const { keyBytesMax } = context.rules;
  const prefix = readQueryText(call, 'prefix');
  if (prefix === undefined) return;
  const fault = prefixFault(prefix, keyBytesMax);
  if (fault !== undefined) return call.refuse(fault);
  const after = readCursor(call, keyBytesMax);
  if (after === undefined) return;
  await answer(context, call, { kind: 'keys', prefix, after, limit: readPageLimit(call) });
}

async function entry(context: HttpContext, call: Call): Promise<void> {
  const key = readPathText(call, 'the key');
  if (key === undefined) return;
  const fault = stateKeyFault(key, context.rules.keyBytesMax);
  if (fault !== undefined) return call.refuse(fault);
  await answer(context, call, { kind: 'entry', key });
}

async function transparency(context: HttpContext, call: Call): Promise<void> {
  const page = readPage(call);
  if (page !== undefined) await answer(context, call, { kind: 'removals', ...page });
}

function health(context: HttpContext, call: Call): void {
  const healthy: Health = { status: 'ok', version: context.version };
  call.json(200, healthy);
}

async function answer(context: HttpContext, call: Call, reading: Reading): Promise<void> {
  const json = await context.observation.read(reading);
  if (json === undefined) call.refuse({ code: 'NOT_FOUND', params: { what: 'key' } });
  else call.encoded(200, json);
}

/** Lets in who may look. */
function watched(route: RouteHandler): RouteHandler {
  return (context, call) => {
    const { observation, clientIp, authenticator } = context;
    const { ip, headers } = call.exchange.head;
    const access = accessFor(observation, headers['x-forwarded-for']);
    if (access === 'off') return call.refuse(NO_ROUTE);
    call.extra = answerHeaders(access);
    const standing = observation.limiter.take(clientIp(ip, headers['x-forwarded-for']));
    call.standing = standing;
    if (standing.fault !== undefined) return call.refuse(standing.fault);
    if (access === 'public') return route(context, call);
    const outcome = authenticator.authenticate('admin', headers.authorization);
    const enter = (settled: AuthOutcome) => (settled.ok ? route(context, call) : call.refuse(settled.fault));
    return outcome instanceof Promise ? outcome.then(enter) : enter(outcome);
  };
}

export const observeRoutes = {
  observeEvents: watched(events),
  observeEventsSse: watched(openSseStream),
  observeKeys: watched(keys),
  observeEntry: watched(entry),
  observeTransparency: watched(transparency),
  observeHealth: watched(health),
} satisfies Record<string, RouteHandler>;
