// Courier
//
// The way of attempts out of the shards: from endpoints to the sender of the process, which is attached to it.
//
// CO1. An attempt is carried at once, or told to be postponed: nothing waits here.

import { type Actor, actor, LATER, type ReplyHandle, refuse } from '../../runtime/actor.js';
import { endpointProtocol } from '../endpoint/protocol.js';
import { type CourierMessages, courierProtocol } from './protocol.js';

interface CourierState {
  sender: ReplyHandle | undefined;
}

const MAILBOX = { capacity: 16_384, bytesMax: 64 * 1024 * 1024 } as const;
const TOLD = refuse('BAD_REQUEST', { reason: 'a sender asks, and does not tell' });

export const courierKind: Actor<CourierState, CourierMessages> = actor({
  protocol: courierProtocol,
  mailbox: MAILBOX,
  state: (): CourierState => ({ sender: undefined }),
  messages: {
    attach(context) {
      const handle = context.replyHandle();
      if (handle === undefined) return TOLD;
      if (context.state.sender !== undefined) context.reply(context.state.sender, null);
      context.state.sender = handle;
      return LATER;
    },
    send(context, attempt) {
      const { sender } = context.state;
      if (sender !== undefined && context.push(sender, attempt)) return null;
      context.state.sender = undefined;
      const { endpoint, id, number } = attempt;
      context.tell(endpointProtocol, endpoint, 'attempted', { id, number, result: { kind: 'postponed' } });
      return null;
    },
  },
});
