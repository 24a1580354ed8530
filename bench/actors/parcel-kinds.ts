// Parcel kinds
//
// A sender and a receiver for two workers: what crosses is a parcel of 100 bytes, as encoded.
//
// PK1. At most WINDOW_BATCHES batches are not handled yet: fewer parcels than the receiver's mailbox takes. Nothing is
//      refused.

import { threadId } from 'node:worker_threads';
import { actor, LATER, protocol } from '../../src/index.js';
import type { ReplyHandle } from '../../src/runtime/actor.js';

/** Parcels that the sender tells in a turn, and that the floor transfers at once. */
export const BATCH_PARCELS = 256;
/** Batches on their way that the receiver has not handled. */
export const WINDOW_BATCHES = 16;
export const PARCEL_BYTES = 100;

export interface Parcel {
  readonly id: number;
  readonly text: string;
}

/** Beside the text: the map, its two names, the id and the length of the text. */
const PARCEL_FRAME_BYTES = 18;
const TEXT = 'x'.repeat(PARCEL_BYTES - PARCEL_FRAME_BYTES);
/** Numbers from here to 2^32 take five bytes each: every parcel is equally long. */
const FIRST_ID = 0x1_0000;

export function makeParcel(place: number): Parcel {
  return { id: FIRST_ID + place, text: TEXT };
}

export interface Received {
  count: number;
  bytes: number;
}

/** The work of the far end: looks into what came. */
export function receive(received: Received, { id, text }: Parcel): void {
  if (id >= FIRST_ID) received.count++;
  received.bytes += text.length;
}

export interface SendPlan {
  readonly to: string;
  readonly budgetMs: number;
}

export interface Sent {
  readonly operations: number;
  readonly elapsedMs: number;
}

export type SenderMessages = {
  sendAll: { readonly args: SendPlan; readonly reply: Sent };
  handled: { readonly args: undefined; readonly reply: null };
  thread: { readonly args: undefined; readonly reply: number };
};

export const senderProtocol = protocol<SenderMessages>('sender', ['sendAll', 'handled', 'thread']);

export const receiver = actor({
  kind: 'receiver',
  mailbox: { capacity: BATCH_PARCELS * WINDOW_BATCHES },
  state: (): Received => ({ count: 0, bytes: 0 }),
  messages: {
    take(context, parcel: Parcel) {
      receive(context.state, parcel);
    },
    /** The last of a batch: its sender hears of it. */
    takeLast(context, parcel: Parcel) {
      receive(context.state, parcel);
      context.tell(senderProtocol, context.sender!.key, 'handled', undefined);
    },
    count: (context) => context.state.count,
    thread: () => threadId,
  },
});

interface Sending {
  to: string;
  /** Batches that are on their way. */
  open: number;
  sent: number;
  startedAt: number;
  deadline: number;
  handle: ReplyHandle | undefined;
}

export const sender = actor<Sending, SenderMessages>({
  protocol: senderProtocol,
  state: () => ({ to: '', open: 0, sent: 0, startedAt: 0, deadline: 0, handle: undefined }),
  messages: {
    sendAll(context, { to, budgetMs }) {
      const startedAt = performance.now();
      const handle = context.replyHandle();
      // Each of these is taken for a batch that was handled, and begins one.
      context.state = { to, open: WINDOW_BATCHES, sent: 0, startedAt, deadline: startedAt + budgetMs, handle };
      for (let batch = 0; batch < WINDOW_BATCHES; batch++) {
        context.tell(senderProtocol, context.key, 'handled', undefined);
      }
      return LATER;
    },
    handled(context) {
      const { state } = context;
      const { to, startedAt, deadline, handle } = state;
      const now = performance.now();
      state.open--;
      if (now < deadline) {
        for (let place = 1; place < BATCH_PARCELS; place++) {
          context.tell(receiver, to, 'take', makeParcel(state.sent + place));
        }
        context.tell(receiver, to, 'takeLast', makeParcel(state.sent + BATCH_PARCELS));
        state.sent += BATCH_PARCELS;
        state.open++;
      } else if (state.open === 0) {
        context.reply(handle!, { operations: state.sent, elapsedMs: now - startedAt } satisfies Sent);
      }
      return null;
    },
    thread: () => threadId,
  },
});
