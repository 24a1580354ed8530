// Tell surely
//
// What an agent must come to know, though its mailbox be full: a tell that finds no room there is lost, and nobody is told.
//
// So it is asked for again, later, until it was answered: what is said here does nothing when it is said twice.

import { type AgentMessages, agentProtocol } from '../../actors/agent/protocol.js';
import type { KernelContext } from './kernel-context.js';

/** Until it is asked whether what was told has come. */
export const CONFIRM_AFTER_MS = 1_000;
const TRIES_MAX = 120;

/** Messages that may be said twice. */
type Said = 'detach' | 'cancelTake';

export function tellSurely<K extends Said>(
  context: Pick<KernelContext, 'actors' | 'clock'>,
  agent: string,
  message: K,
  args: AgentMessages[K]['args'],
): void {
  context.actors.tell(agentProtocol, agent, message, args);
  confirm(context, agent, message, args, TRIES_MAX);
}

function confirm<K extends Said>(
  context: Pick<KernelContext, 'actors' | 'clock'>,
  agent: string,
  message: K,
  args: AgentMessages[K]['args'],
  tries: number,
): void {
  context.clock.after(CONFIRM_AFTER_MS, async () => {
    const answer = await context.actors.ask(agentProtocol, agent, message, args, { durability: 'volatile' });
    // A server that stops, and an actor that is set aside, hold nothing back any more.
    const isOver = answer.ok || answer.fault.code === 'DRAINING' || answer.fault.code === 'QUARANTINED';
    if (!isOver && tries > 1) confirm(context, agent, message, args, tries - 1);
  });
}
