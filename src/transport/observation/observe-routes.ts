// Observe routes: the event log, its sums and the shared state, as observers read them.
//
// OR1. Each call is counted against the place it comes from before anything else is done for it.
// OR2. Where observation is off, its paths are no routes.

import { SUMMARY_CURSOR_BYTES_MAX } from '../../contract/observe.js';
import type { Health } from '../../contract/server.js';
import type { Fault } from '../../errors.js';
import type { AuthOutcome } from '../gate/authenticator.js';
import type { Call } from '../http/call.js';
import type { HttpContext } from '../http/http-context.js';
import { readCursor, readPage, readPageLimit, readPathText, readQueryText } from '../http/request-reader.js';
import type { RouteHandler } from '../http/route-handler.js';
import { isAgentAddress, NO_AGENT } from '../kernel/agent-address.js';
import { NO_CURSOR } from '../kernel/page-cursor.js';
import { prefixFault, stateKeyFault } from '../kernel/text-faults.js';
import { answerHeaders } from './cross-origin.js';
import { accessFor } from './observation.js';
import { eventsAsked } from './observe-query.js';
import type { Reading } from './protocol.js';
import { openSseStream } from './sse-stream.js';
import { agentPlace, edgePlace, peerPlace } from './summary-places.js';
import type { SummaryReading } from './summary-protocol.js';

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

async function agents(context: HttpContext, call: Call): Promise<void> {
  const after = readPlace(call, agentPlace);
  if (after !== undefined) await summary(context, call, { kind: 'agents', after, limit: readPageLimit(call) });
}

async function agent(context: HttpContext, call: Call): Promise<void> {
  const address = readPathText(call, 'the address');
  if (address === undefined) return;
  if (!isAgentAddress(address)) return call.refuse(NO_AGENT);
  const after = readPlace(call, peerPlace);
  if (after !== undefined) await summary(context, call, { kind: 'agent', address, after, limit: readPageLimit(call) });
}

async function network(context: HttpContext, call: Call): Promise<void> {
  const after = readPlace(call, edgePlace);
  if (after !== undefined) await summary(context, call, { kind: 'network', after, limit: readPageLimit(call) });
}

/** Null for the first page; undefined when the call is answered. */
function readPlace<T>(call: Call, placeOf: (text: string) => T | undefined): T | null | undefined {
  const text = readCursor(call, SUMMARY_CURSOR_BYTES_MAX);
  if (text === undefined || text === null) return text;
  const place = placeOf(text);
  if (place === undefined) call.refuse(NO_CURSOR);
  return place;
}

async function summary(context: HttpContext, call: Call, reading: SummaryReading): Promise<void> {
  const json = await context.observation.summarize(reading);
  if (json === undefined) call.refuse(NO_AGENT);
  else call.encoded(200, json);
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
  observeAgents: watched(agents),
  observeAgent: watched(agent),
  observeNetwork: watched(network),
  observeHealth: watched(health),
} satisfies Record<string, RouteHandler>;
