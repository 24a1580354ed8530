// Tally kinds
//
// Actors that count what they are told, and a driver that tells them in its own turns: the load of benches in which the
// sender is an actor of the same thread.
//
// TK1. A chunk is smaller than a mailbox, and the next one is told when the last of it was handled: nothing is refused.

import { actor, LATER, protocol } from '../../src/index.js';
import type { ReplyHandle } from '../../src/runtime/actor.js';

/** Tells of one turn of the driver. */
export const CHUNK_TELLS = 512;

export interface Tallied {
  count: number;
}

export interface TellPlan {
  /** Told in turn. */
  readonly actors: number;
  readonly budgetMs: number;
}

/** What a driver has done: everything is handled. */
export interface Driven {
  readonly operations: number;
  readonly elapsedMs: number;
}

export type DriverMessages = {
  tellAll: { readonly args: TellPlan; readonly reply: Driven };
  handled: { readonly args: undefined; readonly reply: null };
};

export const driverProtocol = protocol<DriverMessages>('driver', ['tellAll', 'handled']);

export function tallyKeys(actors: number): string[] {
  return Array.from({ length: actors }, (_, place) => `tally-${place}`);
}

/** The work of a handler, with or without an actor around it. */
export function addTo(of: { readonly state: Tallied }, by: number): void {
  of.state.count += by;
}

/** The states of all that live in this thread: what the far end holds. */
const tallies: Tallied[] = [];

export const tally = actor({
  kind: 'tally',
  state: () => {
    const state: Tallied = { count: 0 };
    tallies.push(state);
    return state;
  },
  messages: {
    add: addTo,
    /** As `add`, and its sender hears of it. */
    addLast(context, by: number) {
      addTo(context, by);
      context.tell(driverProtocol, context.sender!.key, 'handled', undefined);
    },
  },
});

export const auditor = actor({
  kind: 'auditor',
  state: () => null,
  messages: { total: () => tallies.reduce((sum, { count }) => sum + count, 0) },
});

interface Driving {
  keys: readonly string[];
  next: number;
  told: number;
  startedAt: number;
  deadline: number;
  handle: ReplyHandle | undefined;
}

export const driver = actor<Driving, DriverMessages>({
  protocol: driverProtocol,
  state: () => ({ keys: [], next: 0, told: 0, startedAt: 0, deadline: 0, handle: undefined }),
  messages: {
    tellAll(context, { actors, budgetMs }) {
      const startedAt = performance.now();
      context.state = {
        keys: context.state.keys.length === actors ? context.state.keys : tallyKeys(actors),
        next: context.state.next % actors,
        told: 0,
        startedAt,
        deadline: startedAt + budgetMs,
        handle: context.replyHandle(),
      };
      context.tell(driverProtocol, context.key, 'handled', undefined);
      return LATER;
    },
    /** Everything told so far is handled. */
    handled(context) {
      const { state } = context;
      const { keys, startedAt, deadline, handle } = state;
      const now = performance.now();
      if (now >= deadline && state.told > 0) {
        context.reply(handle!, { operations: state.told, elapsedMs: now - startedAt } satisfies Driven);
        return null;
      }
      let { next } = state;
      for (let tells = 1; tells < CHUNK_TELLS; tells++) {
        context.tell(tally, keys[next]!, 'add', 1);
        if (++next === keys.length) next = 0;
      }
      context.tell(tally, keys[next]!, 'addLast', 1);
      state.next = next + 1 === keys.length ? 0 : next + 1;
      state.told += CHUNK_TELLS;
      return null;
    },
  },
});
