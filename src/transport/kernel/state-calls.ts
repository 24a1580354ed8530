// State calls: the shared state, key by key and by prefix.

import { type Condition, partitionOf, STATE_BYTES, STATE_KEYS, stateProtocol } from '../../actors/state/protocol.js';
import { timestamp } from '../../clock.js';
import {
  CAPACITY_KEY,
  type Capacity,
  type StateDeleted,
  type StateKeys,
  type StateValue,
  type StateWritten,
} from '../../contract/state.js';
import { exceedsBytes } from '../../contract/text.js';
import type { Fault } from '../../errors.js';
import type { Idempotency } from '../../runtime/ref.js';
import { askOptions, done, type KernelContext, type Outcome, refused } from './kernel-context.js';
import { cursorOf, type PlaceAndLimit } from './page-cursor.js';
import { badRequest, prefixFault, stateKeyFault, wholeFault } from './text-faults.js';

export async function getState(
  context: KernelContext,
  agent: string,
  key: string,
): Promise<Outcome<StateValue | Capacity>> {
  const fault = stateKeyFault(key, context.rules.keyBytesMax);
  if (fault !== undefined) return refused(fault);
  if (key === CAPACITY_KEY) return done(capacityOf(context));
  const answer = await context.actors.ask(stateProtocol, partitionOf(key), 'get', { key }, askOptions(context));
  if (answer.ok || answer.fault.code === 'NOT_FOUND') context.reads?.stateRead(agent, key, answer.ok);
  if (!answer.ok) return refused(answer.fault);
  const { value, etag, by, at, redacted } = answer.value;
  const body = { key, value, last_modified_by: by, last_modified_at: timestamp(at) };
  return done(redacted === true ? { ...body, redacted } : body, false, etag);
}

export interface Write {
  readonly key: string;
  readonly value: string;
  readonly condition: Condition | null;
}

export async function putState(
  context: KernelContext,
  by: string,
  { key, value, condition }: Write,
  idempotency: Idempotency | undefined,
): Promise<Outcome<StateWritten>> {
  const { keyBytesMax, valueBytesMax: bytesMax } = context.rules;
  const fault = writableKeyFault(key, keyBytesMax) ?? wholeFault('value', value);
  if (fault !== undefined) return refused(fault);
  if (exceedsBytes(value, bytesMax)) {
    return refused({ code: 'VALUE_TOO_LARGE', params: { what: 'The value', bytesMax } });
  }
  const args = { key, value, by, condition };
  const answer = await context.actors.ask(
    stateProtocol,
    partitionOf(key),
    'put',
    args,
    askOptions(context, idempotency),
  );
  if (!answer.ok) return refused(answer.fault);
  const body = { key, written_by: by, written_at: timestamp(answer.value.at) };
  return done(body, answer.replayed, answer.value.etag);
}

export async function deleteState(
  context: KernelContext,
  by: string,
  key: string,
  condition: Condition | null,
): Promise<Outcome<StateDeleted>> {
  const fault = writableKeyFault(key, context.rules.keyBytesMax);
  if (fault !== undefined) return refused(fault);
  const args = { key, by, condition };
  const answer = await context.actors.ask(stateProtocol, partitionOf(key), 'delete', args, askOptions(context));
  if (!answer.ok) return refused(answer.fault);
  return done({ key, deleted_by: by, deleted_at: timestamp(answer.value.at) });
}

/** A key, but not the one that is no entry. */
function writableKeyFault(key: string, bytesMax: number): Fault | undefined {
  if (key === CAPACITY_KEY) return badRequest(`${CAPACITY_KEY} is reserved: it can be read only`);
  return stateKeyFault(key, bytesMax);
}

/** Any partition can answer: each caller has its own, so that no one of them answers everybody. */
export async function listState(
  context: KernelContext,
  agent: string,
  prefix: string,
  page: PlaceAndLimit,
): Promise<Outcome<StateKeys>> {
  const fault = prefixFault(prefix, context.rules.keyBytesMax);
  if (fault !== undefined) return refused(fault);
  const args = { prefix, ...page };
  const answer = await context.actors.ask(stateProtocol, partitionOf(agent), 'list', args, askOptions(context));
  if (!answer.ok) return refused(answer.fault);
  const { keys, next, total } = answer.value;
  return done({ keys: [...keys], next_cursor: cursorOf(next), total });
}

export function capacityOf(context: KernelContext): Capacity {
  return {
    used_bytes: context.counter(STATE_BYTES),
    total_bytes: context.rules.stateCapacityBytes,
    key_count: context.counter(STATE_KEYS),
  };
}
