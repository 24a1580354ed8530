// Message routes: send one or many, take, acknowledge.

import { type AgentMessages, agentProtocol, type TakeMode } from '../../actors/agent/protocol.js';
import { timestamp } from '../../clock.js';
import {
  AckMessages,
  LEASE_S_DEFAULT,
  LEASE_S_MAX,
  MESSAGE_ID_BYTES_MAX,
  type MessagesAcked,
  type MessagesTaken,
  SendMessage,
  TAKE_LIMIT_DEFAULT,
  TAKE_LIMIT_MAX,
  WAIT_S_MAX,
} from '../../contract/message.js';
import { integerClamped, integerOr, queryValue } from '../../contract/query.js';
import { checker } from '../../contract/schema.js';
import { exceedsBytes } from '../../contract/text.js';
import { newId } from '../../ids.js';
import type { Answer } from '../../runtime/ref.js';
import { askOptions } from '../kernel/kernel-context.js';
import { sendMessage } from '../kernel/message-calls.js';
import { tellSurely } from '../kernel/tell-surely.js';
import { sendBatch } from './batch-route.js';
import type { Call } from './call.js';
import type { HttpContext } from './http-context.js';
import { isWhole, readJson } from './request-reader.js';
import type { RouteHandler } from './route-handler.js';

const sendMessageShape = checker(SendMessage);
const ackMessagesShape = checker(AckMessages);

type TakeArgs = AgentMessages['take']['args'];
type TakeReply = AgentMessages['take']['reply'];

async function sendOne(context: HttpContext, call: Call): Promise<void> {
  const message = readJson(call, sendMessageShape);
  if (message !== undefined) call.settle(202, await sendMessage(context, call.callerId, message, call.idempotency()));
}

async function takeMessages(context: HttpContext, call: Call): Promise<void> {
  const { query } = call.exchange.head;
  const mode = takeMode(query);
  if (mode === undefined) return call.badRequest('mode must be consume or lease');
  const limit = integerOr(queryValue(query, 'limit'), 1, TAKE_LIMIT_MAX, TAKE_LIMIT_DEFAULT);
  // A server that stops has ended the waits: one that came in before, and whose token took its time, must not begin.
  const waitMs = context.draining() ? 0 : integerClamped(queryValue(query, 'wait'), WAIT_S_MAX, 0) * 1000;
  const to = call.callerId;
  const answer = await take(context, call, { limit, mode, waitMs });
  if (!answer.ok) return call.refuse(answer.fault);
  const body: MessagesTaken = {
    messages: answer.value.messages.map(({ messageId, from, content, at, redacted }) => ({
      message_id: messageId,
      from,
      to,
      content,
      timestamp: timestamp(at),
      ...(redacted === true && { redacted }),
    })),
    remaining: answer.value.remaining,
  };
  call.json(200, body);
}

/** Asks the agent, and sees to it that a wait ends with the client, or with the server. */
async function take(context: HttpContext, call: Call, args: Omit<TakeArgs, 'waiter'>): Promise<Answer<TakeReply>> {
  const { actors, longPolls } = context;
  const to = call.callerId;
  const options = askOptions(context, undefined, args.waitMs);
  if (args.waitMs === 0) return actors.ask(agentProtocol, to, 'take', { ...args, waiter: '' }, options);
  // Not the request id: that one may be the client's, and used twice.
  const waiter = newId();
  const end = () => tellSurely(context, to, 'cancelTake', { waiter });
  const forget = longPolls.add(end);
  call.exchange.onAbort(end);
  try {
    const answer = await actors.ask(agentProtocol, to, 'take', { ...args, waiter }, options);
    // It may still be waiting there, for nobody.
    if (!answer.ok) end();
    return answer;
  } finally {
    forget();
  }
}

function takeMode(query: string): TakeMode | undefined {
  const mode = queryValue(query, 'mode');
  if (mode === undefined || mode === 'consume') return { kind: 'consume' };
  if (mode !== 'lease') return undefined;
  const leaseS = integerOr(queryValue(query, 'lease_s'), 1, LEASE_S_MAX, LEASE_S_DEFAULT);
  return { kind: 'lease', leaseMs: leaseS * 1000 };
}

async function ackMessages(context: HttpContext, call: Call): Promise<void> {
  const ids = readJson(call, ackMessagesShape)?.message_ids;
  if (ids === undefined) return;
  for (const [index, id] of ids.entries()) {
    const member = `message_ids[${index}]`;
    if (!isWhole(call, member, id)) return;
    if (exceedsBytes(id, MESSAGE_ID_BYTES_MAX)) return call.badRequest(`${member} is no message id`);
  }
  const options = askOptions(context, call.idempotency());
  const answer = await context.actors.ask(agentProtocol, call.callerId, 'ack', { messageIds: ids }, options);
  if (!answer.ok) return call.refuse(answer.fault);
  const body: MessagesAcked = { acked: answer.value.acked, unknown: [...answer.value.unknown] };
  call.json(200, body, answer.replayed);
}

export const messageRoutes = { sendMessage: sendOne, sendBatch, takeMessages, ackMessages } satisfies Record<
  string,
  RouteHandler
>;
