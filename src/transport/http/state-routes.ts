// State routes: the shared state, key by key and by prefix.

import { checker } from '../../contract/schema.js';
import { PutState } from '../../contract/state.js';
import { capacityOf, deleteState, getState, listState, putState } from '../kernel/state-calls.js';
import type { Call } from './call.js';
import type { HttpContext } from './http-context.js';
import { readCondition, readCursor, readJson, readPageLimit, readPathText, readQueryText } from './request-reader.js';
import type { RouteHandler } from './route-handler.js';

const putStateShape = checker(PutState);

async function getKey(context: HttpContext, call: Call): Promise<void> {
  const key = readPathText(call, 'the key');
  if (key !== undefined) call.settle(200, await getState(context, call.callerId, key));
}

async function putKey(context: HttpContext, call: Call): Promise<void> {
  const key = readPathText(call, 'the key');
  if (key === undefined) return;
  const condition = readCondition(call, true);
  if (condition === undefined) return;
  const value = readJson(call, putStateShape)?.value;
  if (value === undefined) return;
  call.settle(200, await putState(context, call.callerId, { key, value, condition }, call.idempotency()));
}

async function deleteKey(context: HttpContext, call: Call): Promise<void> {
  const key = readPathText(call, 'the key');
  if (key === undefined) return;
  const condition = readCondition(call, false);
  if (condition !== undefined) call.settle(200, await deleteState(context, call.callerId, key, condition));
}

async function listKeys(context: HttpContext, call: Call): Promise<void> {
  const prefix = readQueryText(call, 'prefix');
  if (prefix === undefined) return;
  const after = readCursor(call, context.rules.keyBytesMax);
  if (after === undefined) return;
  call.settle(200, await listState(context, call.callerId, prefix, { after, limit: readPageLimit(call) }));
}

function capacity(context: HttpContext, call: Call): void {
  call.json(200, capacityOf(context));
}

export const stateRoutes = {
  capacity,
  listState: listKeys,
  getState: getKey,
  putState: putKey,
  deleteState: deleteKey,
} satisfies Record<string, RouteHandler>;
