// Removal routes: what the admin takes back.

import { MESSAGE_ID_BYTES_MAX } from '../../contract/message.js';
import { REASON_BYTES_MAX, RemoveContent } from '../../contract/removal.js';
import { checker } from '../../contract/schema.js';
import { CAPACITY_KEY } from '../../contract/state.js';
import { exceedsBytes } from '../../contract/text.js';
import type { Fault } from '../../errors.js';
import { isId } from '../../ids.js';
import type { RemovalTarget } from '../../redaction.js';
import { badRequest, contentFault, stateKeyFault, wholeFault } from '../kernel/text-faults.js';
import { contentRemoved } from '../observation/removal-reader.js';
import type { Call } from './call.js';
import type { HttpContext } from './http-context.js';
import { readJson } from './request-reader.js';
import type { RouteHandler } from './route-handler.js';

const removeContentShape = checker(RemoveContent);

async function removeContent(context: HttpContext, call: Call): Promise<void> {
  const asked = readJson(call, removeContentShape);
  if (asked === undefined) return;
  const fault = contentFault('reason', asked.reason, REASON_BYTES_MAX) ?? targetFault(asked, context.rules.keyBytesMax);
  if (fault !== undefined) return call.refuse(fault);
  const target = targetOf(asked);
  const removal = await context.removals.remove(target, asked.reason);
  if (removal === undefined) call.refuse({ code: 'NOT_FOUND', params: { what: target.kind } });
  else call.json(200, contentRemoved(removal));
}

function targetFault({ key, message_id: id }: RemoveContent, keyBytesMax: number): Fault | undefined {
  if ((key === undefined) === (id === undefined)) return badRequest('it takes one of key and message_id');
  if (key !== undefined) {
    return key === CAPACITY_KEY ? badRequest(`${CAPACITY_KEY} holds nothing`) : stateKeyFault(key, keyBytesMax);
  }
  const whole = wholeFault('message_id', id ?? '');
  if (whole !== undefined) return whole;
  const isNone = exceedsBytes(id ?? '', MESSAGE_ID_BYTES_MAX) || !isId(id ?? '');
  return isNone ? badRequest('message_id is no message id') : undefined;
}

function targetOf({ key, message_id: id }: RemoveContent): RemovalTarget {
  return key === undefined ? { kind: 'message', id: id ?? '' } : { kind: 'key', id: key };
}

export const removalRoutes = { removeContent } satisfies Record<string, RouteHandler>;
