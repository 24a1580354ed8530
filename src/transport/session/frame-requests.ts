// Frame requests
//
// The frames that call the kernel: what each is counted as, and how it is asked. The checks, the durability and the
// refusals are those of the HTTP routes (kernel/).

import type { Condition } from '../../actors/state/protocol.js';
import type { SendMessage } from '../../contract/message.js';
import { REGISTRY_CURSOR_BYTES_MAX } from '../../contract/registry.js';
import type { AgentFrameOf } from '../../contract/session.js';
import { ETAG_BYTES_MAX } from '../../contract/state.js';
import type { Fault } from '../../errors.js';
import { idempotencyOf, idempotencyScope, readIdempotencyKey } from '../gate/idempotency.js';
import type { LimitClass } from '../gate/rate-limiter.js';
import { done, type Outcome, refused } from '../kernel/kernel-context.js';
import { sendMessage } from '../kernel/message-calls.js';
import { NO_CURSOR, type PlaceAndLimit, pageLimit, placeOf } from '../kernel/page-cursor.js';
import { listRegistry } from '../kernel/registry-calls.js';
import { deleteState, getState, listState, putState } from '../kernel/state-calls.js';
import { badRequest } from '../kernel/text-faults.js';
import type { RequestName } from '../metrics/front-meter.js';
import type { SessionContext } from './session-context.js';

type Frame<T extends RequestType> = AgentFrameOf<T>;
export type RequestType = 'send' | 'state.get' | 'state.put' | 'state.delete' | 'state.list' | 'registry';

export interface FrameRequest<T extends RequestType> {
  /** What it is called in metrics. */
  readonly name: RequestName;
  readonly limit: LimitClass;
  /** Changes nothing, and may have a large answer: who does not read is not given it. */
  readonly isRead: boolean;
  /** Its answer's members. Rejects for a defect only. */
  run(context: SessionContext, agent: string, frame: Frame<T>): Promise<Outcome>;
}

export const frameRequests: { readonly [T in RequestType]: FrameRequest<T> } = {
  send: { name: 'session.send', limit: 'message_send', isRead: false, run: send },
  'state.get': {
    name: 'session.state.get',
    limit: 'state_read',
    isRead: true,
    run: (context, agent, { key }) => getState(context, agent, key),
  },
  'state.put': { name: 'session.state.put', limit: 'state_write', isRead: false, run: put },
  'state.delete': { name: 'session.state.delete', limit: 'state_write', isRead: false, run: remove },
  'state.list': { name: 'session.state.list', limit: 'state_read', isRead: true, run: list },
  registry: { name: 'session.registry', limit: 'registry_read', isRead: true, run: registry },
};

async function send(context: SessionContext, agent: string, frame: Frame<'send'>): Promise<Outcome> {
  const outcome =
    frame.idempotency_key === undefined
      ? await sendMessage(context, agent, frame, undefined)
      : await sendOnce(context, agent, frame, frame.idempotency_key);
  if (!outcome.ok) return outcome;
  const { message_id, timestamp } = outcome.body;
  return done({ message_id, timestamp });
}

/** A repeat finds the answer of the first, also where that one came as a request with this body, written as here. */
async function sendOnce(context: SessionContext, agent: string, { to, content }: SendMessage, key: string) {
  const read = readIdempotencyKey(key);
  if (read.kind === 'refused') return refused(read.fault);
  const scope = idempotencyScope({ role: 'agent', id: agent });
  const entry = context.inFlight.enter(scope, key);
  if (entry.kind === 'refused') return refused(entry.fault);
  const release = entry.kind === 'entered' ? entry.release : await entry.entered;
  try {
    const body = Buffer.from(JSON.stringify({ to, content }), 'utf8');
    const once = idempotencyOf(scope, key, { method: 'POST', path: '/v1/messages', body });
    return await sendMessage(context, agent, { to, content }, once);
  } finally {
    release();
  }
}

async function put(context: SessionContext, agent: string, frame: Frame<'state.put'>): Promise<Outcome> {
  const condition = conditionOf(frame.if_match, frame.if_none_match);
  if (condition !== null && 'code' in condition) return refused(condition);
  const { key, value } = frame;
  return putState(context, agent, { key, value, condition }, undefined);
}

async function remove(context: SessionContext, agent: string, frame: Frame<'state.delete'>): Promise<Outcome> {
  const condition = conditionOf(frame.if_match, undefined);
  if (condition !== null && 'code' in condition) return refused(condition);
  return deleteState(context, agent, frame.key, condition);
}

async function list(context: SessionContext, agent: string, frame: Frame<'state.list'>): Promise<Outcome> {
  const page = pageOf(frame, context.rules.keyBytesMax);
  return page === undefined ? refused(NO_CURSOR) : listState(context, agent, frame.prefix ?? '', page);
}

async function registry(context: SessionContext, agent: string, frame: Frame<'registry'>): Promise<Outcome> {
  const page = pageOf(frame, REGISTRY_CURSOR_BYTES_MAX);
  return page === undefined ? refused(NO_CURSOR) : listRegistry(context, agent, page);
}

function pageOf(frame: { cursor?: string; limit?: number }, cursorBytesMax: number): PlaceAndLimit | undefined {
  const after = placeOf(frame.cursor, cursorBytesMax);
  return after === undefined ? undefined : { after, limit: pageLimit(frame.limit) };
}

/** An etag as it was given, without quotes, or `*`. */
function conditionOf(match: string | undefined, noneMatch: '*' | undefined): Condition | null | Fault {
  if (match === undefined) return noneMatch === undefined ? null : { kind: 'none' };
  if (noneMatch !== undefined) return badRequest('if_match and if_none_match exclude each other');
  if (match === '' || match.includes('"') || match.length > ETAG_BYTES_MAX) {
    return badRequest('if_match takes one etag without quotes, or *');
  }
  return { kind: 'match', etag: match };
}
