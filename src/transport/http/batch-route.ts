// Batch route
//
// Many messages in one request. What is wrong with the request is told for the whole of it, and nothing is sent; what
// becomes of each message, once all may be sent, is told one by one.
//
// B1. Each item counts against the limit; if not all of them fit, none is sent.
// B2. Items leave in their order, so that those for one recipient arrive in it.
// B3. With an Idempotency-Key each item happens once, whatever became of the others: a repeat sends what was refused.

import { agentProtocol } from '../../actors/agent/protocol.js';
import { timestamp } from '../../clock.js';
import { type BatchSent, SendBatch } from '../../contract/message.js';
import { checker } from '../../contract/schema.js';
import type { Fault } from '../../errors.js';
import { newId } from '../../ids.js';
import type { Answer, Idempotency } from '../../runtime/ref.js';
import { isAgentAddress, NO_AGENT } from '../kernel/agent-address.js';
import { askOptions } from '../kernel/kernel-context.js';
import { contentFault } from '../kernel/text-faults.js';
import type { Call } from './call.js';
import type { HttpContext } from './http-context.js';
import { errorAnswer } from './json-answer.js';
import { readJson } from './request-reader.js';

const sendBatchShape = checker(SendBatch);

type Item = SendBatch['messages'][number];
type Delivered = Answer<{ readonly messageId: string; readonly at: number }>;

export async function sendBatch(context: HttpContext, call: Call): Promise<void> {
  const items = readJson(call, sendBatchShape)?.messages;
  if (items === undefined) return;
  const once = call.idempotency();
  const keys = items.map((_, index) => keyOfItem(once, index));
  const fault =
    itemsFault(context, items) ?? costFault(context, call, items.length) ?? (await usedBefore(context, once, keys));
  if (fault !== undefined) return call.refuse(fault);
  const delivered = await Promise.all(items.map((item, index) => deliver(context, call, item, keys[index])));
  const body: BatchSent = { results: delivered.map((answer, index) => result(call, items[index] as Item, answer)) };
  const accepted = delivered.filter((answer) => answer.ok);
  for (const answer of delivered) count(context, answer);
  call.json(200, body, accepted.length > 0 && accepted.every((answer) => answer.replayed));
}

function itemsFault(context: HttpContext, items: readonly Item[]): Fault | undefined {
  for (const [index, item] of items.entries()) {
    const fault = contentFault(`messages[${index}].content`, item.content, context.rules.contentBytesMax);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** The first item was counted when the request came in (front-door.ts). */
function costFault(context: HttpContext, call: Call, items: number): Fault | undefined {
  const limit = call.standing?.limit ?? items;
  if (items > limit) {
    const reason = `a batch of ${items} messages is more than the ${limit} that a minute has`;
    return { code: 'BAD_REQUEST', params: { reason } };
  }
  if (items === 1) return undefined;
  const decision = context.rateLimiter.take(call.callerId, 'message_send', items - 1);
  call.standing = decision;
  return decision.fault;
}

function keyOfItem(once: Idempotency | undefined, index: number): Idempotency | undefined {
  return once === undefined ? undefined : { ...once, key: `${once.key}#${index}` };
}

/** The key was used for something else: by an item of another batch, or by another call. */
async function usedBefore(
  context: HttpContext,
  once: Idempotency | undefined,
  keys: readonly (Idempotency | undefined)[],
): Promise<Fault | undefined> {
  for (const key of [once, ...keys]) {
    const stored = key === undefined ? undefined : await context.storedAnswer(key);
    if (stored !== undefined && !stored.ok) return stored.fault;
  }
  return undefined;
}

function deliver(context: HttpContext, call: Call, item: Item, once: Idempotency | undefined): Promise<Delivered> {
  if (!isAgentAddress(item.to)) return Promise.resolve({ ok: false, fault: NO_AGENT });
  const args = { messageId: newId(), from: call.callerId, content: item.content, at: context.clock.now() };
  return context.actors.ask(agentProtocol, item.to, 'deliver', args, askOptions(context, once));
}

function count({ meter }: HttpContext, answer: Delivered): void {
  if (!answer.ok) meter.refused(answer.fault.code);
  else if (!answer.replayed) meter.messageSent();
}

function result(call: Call, item: Item, answer: Delivered): BatchSent['results'][number] {
  if (!answer.ok) return errorAnswer(answer.fault);
  const { messageId, at } = answer.value;
  return { message_id: messageId, from: call.callerId, to: item.to, timestamp: timestamp(at) };
}
