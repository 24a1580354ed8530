// State routes: the shared state, key by key and by prefix.

import { partitionOf, STATE_BYTES, STATE_KEYS, stateProtocol } from '../../actors/state/protocol.js';
import { timestamp } from '../../clock.js';
import { checker } from '../../contract/schema.js';
import {
  CAPACITY_KEY,
  type Capacity,
  PutState,
  type StateDeleted,
  type StateKeys,
  type StateValue,
  type StateWritten,
} from '../../contract/state.js';
import { exceedsBytes } from '../../contract/text.js';
import type { Call } from './call.js';
import { askOptions, type HttpContext } from './http-context.js';
import {
  cursorOf,
  isWhole,
  readCondition,
  readCursor,
  readJson,
  readPageLimit,
  readQueryText,
  readStateKey,
} from './request-reader.js';
import type { RouteHandler } from './route-handler.js';

const putStateShape = checker(PutState);

async function getState(context: HttpContext, call: Call): Promise<void> {
  const key = readStateKey(call, context.rules.keyBytesMax);
  if (key === undefined) return;
  // The same key with an escape in it.
  if (key === CAPACITY_KEY) return capacity(context, call);
  const answer = await context.actors.ask(stateProtocol, partitionOf(key), 'get', { key }, askOptions(context));
  if (!answer.ok) return call.refuse(answer.fault);
  const { value, etag, by, at } = answer.value;
  const body: StateValue = { key, value, last_modified_by: by, last_modified_at: timestamp(at) };
  call.jsonWithEtag(200, body, etag, false);
}

async function putState(context: HttpContext, call: Call): Promise<void> {
  const { keyBytesMax, valueBytesMax: bytesMax } = context.rules;
  const key = readWritableKey(call, keyBytesMax);
  if (key === undefined) return;
  const condition = readCondition(call, true);
  if (condition === undefined) return;
  const value = readJson(call, putStateShape)?.value;
  if (value === undefined || !isWhole(call, 'value', value)) return;
  if (exceedsBytes(value, bytesMax)) {
    return call.refuse({ code: 'VALUE_TOO_LARGE', params: { what: 'The value', bytesMax } });
  }
  const args = { key, value, by: call.callerId, condition };
  const options = askOptions(context, call.idempotency());
  const answer = await context.actors.ask(stateProtocol, partitionOf(key), 'put', args, options);
  if (!answer.ok) return call.refuse(answer.fault);
  const body: StateWritten = { key, written_by: call.callerId, written_at: timestamp(answer.value.at) };
  call.jsonWithEtag(200, body, answer.value.etag, answer.replayed);
}

async function deleteState(context: HttpContext, call: Call): Promise<void> {
  const key = readWritableKey(call, context.rules.keyBytesMax);
  if (key === undefined) return;
  const condition = readCondition(call, false);
  if (condition === undefined) return;
  const args = { key, by: call.callerId, condition };
  const answer = await context.actors.ask(stateProtocol, partitionOf(key), 'delete', args, askOptions(context));
  if (!answer.ok) return call.refuse(answer.fault);
  const body: StateDeleted = { key, deleted_by: call.callerId, deleted_at: timestamp(answer.value.at) };
  call.json(200, body);
}

/** A key, but not the one that is no entry. */
function readWritableKey(call: Call, bytesMax: number): string | undefined {
  const key = readStateKey(call, bytesMax);
  if (key !== CAPACITY_KEY) return key;
  call.badRequest(`${CAPACITY_KEY} is reserved: it can be read only`);
  return undefined;
}

async function listState(context: HttpContext, call: Call): Promise<void> {
  const { keyBytesMax } = context.rules;
  const prefix = readQueryText(call, 'prefix', keyBytesMax);
  if (prefix === undefined) return;
  const after = readCursor(call, keyBytesMax);
  if (after === undefined) return;
  const args = { prefix, after, limit: readPageLimit(call) };
  // Any partition can answer: each caller has its own, so that no one of them answers everybody.
  const partition = partitionOf(call.callerId);
  const answer = await context.actors.ask(stateProtocol, partition, 'list', args, askOptions(context));
  if (!answer.ok) return call.refuse(answer.fault);
  const { keys, next, total } = answer.value;
  const body: StateKeys = { keys: [...keys], next_cursor: cursorOf(next), total };
  call.json(200, body);
}

function capacity(context: HttpContext, call: Call): void {
  call.json(200, capacityOf(context));
}

export function capacityOf(context: HttpContext): Capacity {
  return {
    used_bytes: context.counter(STATE_BYTES),
    total_bytes: context.rules.stateCapacityBytes,
    key_count: context.counter(STATE_KEYS),
  };
}

export const stateRoutes = { capacity, listState, getState, putState, deleteState } satisfies Record<
  string,
  RouteHandler
>;
