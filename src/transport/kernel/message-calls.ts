// Message calls: what is sent by request or by frame.

import { agentProtocol } from '../../actors/agent/protocol.js';
import { timestamp } from '../../clock.js';
import type { MessageSent, SendMessage } from '../../contract/message.js';
import { newId } from '../../ids.js';
import type { Idempotency } from '../../runtime/ref.js';
import { isAgentAddress, NO_AGENT } from './agent-address.js';
import { askOptions, done, type KernelContext, type Outcome, refused } from './kernel-context.js';
import { contentFault } from './text-faults.js';

/** Delivers a message of the agent `from`. */
export async function sendMessage(
  context: KernelContext,
  from: string,
  { to, content }: SendMessage,
  idempotency: Idempotency | undefined,
): Promise<Outcome<MessageSent>> {
  const fault = contentFault('content', content, context.rules.contentBytesMax);
  if (fault !== undefined) return refused(fault);
  if (!isAgentAddress(to)) return refused(NO_AGENT);
  const args = { messageId: newId(), from, content, at: context.clock.now() };
  const answer = await context.actors.ask(agentProtocol, to, 'deliver', args, askOptions(context, idempotency));
  if (!answer.ok) return refused(answer.fault);
  if (!answer.replayed) context.meter.messageSent();
  const { messageId, at } = answer.value;
  return done({ message_id: messageId, from, to, timestamp: timestamp(at) }, answer.replayed);
}
