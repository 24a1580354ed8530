// Idle kinds
//
// Actors that hold a small number and wait, and one that brings them to life.
//
// IK1. An actor that is made has one message waiting, and has handled it before the maker's next chunk: nothing is refused.

import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { actor, LATER, protocol } from '../../src/index.js';
import type { ReplyHandle } from '../../src/runtime/actor.js';

const CHUNK_ACTORS = 512;
/** States are numbers below this. */
const NUMBERS = 1_000;

export function idleKey(place: number): string {
  return `idle-${place}`;
}

/** What the actor in this place is told to hold. */
export function numberOf(place: number): number {
  return place % NUMBERS;
}

export const idle = actor({
  kind: 'idle',
  state: () => -1,
  messages: {
    hold(context, value: number) {
      context.state = value;
    },
    held: (context) => context.state,
  },
});

interface Making {
  made: number;
  actors: number;
  handle: ReplyHandle | undefined;
}

export type MakerMessages = {
  make: { readonly args: number; readonly reply: number };
  more: { readonly args: undefined; readonly reply: null };
  /** Collects the garbage of its thread; the bytes that its heap uses after that. */
  collect: { readonly args: undefined; readonly reply: number };
};

export const makerProtocol = protocol<MakerMessages>('maker', ['make', 'more', 'collect']);

export const maker = actor<Making, MakerMessages>({
  protocol: makerProtocol,
  state: () => ({ made: 0, actors: 0, handle: undefined }),
  messages: {
    /** Answered when all of them have handled their first message. */
    make(context, actors) {
      context.state = { made: 0, actors, handle: context.replyHandle() };
      context.tell(makerProtocol, context.key, 'more', undefined);
      return LATER;
    },
    more(context) {
      const { state } = context;
      if (state.made === state.actors) {
        context.reply(state.handle!, state.made);
        return null;
      }
      const end = Math.min(state.actors, state.made + CHUNK_ACTORS);
      for (; state.made < end; state.made++) context.tell(idle, idleKey(state.made), 'hold', numberOf(state.made));
      context.tell(makerProtocol, context.key, 'more', undefined);
      return null;
    },
    collect() {
      collectGarbage();
      return getHeapStatistics().used_heap_size;
    },
  },
});

/** Collects the garbage of the thread that calls it. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
