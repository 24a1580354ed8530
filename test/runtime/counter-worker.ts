// The worker module of the tests with real threads: a durable counter and its unruly relatives.

import { isMainThread } from 'node:worker_threads';
import { type ActorKind, anyKind, protocol } from '../../src/runtime/actor.js';
import { runShardWorker } from '../../src/runtime/threads/shard-worker.js';

export type CounterMessages = {
  readonly add: { readonly args: number; readonly reply: number };
  readonly read: { readonly args: null; readonly reply: number };
  /** Adds, tells the counter `to` to add the same. */
  readonly forward: { readonly args: { readonly to: string; readonly by: number }; readonly reply: number };
  readonly reserve: { readonly args: { readonly by: number; readonly max: number }; readonly reply: boolean };
};
export const counter = protocol<CounterMessages>('counter', ['add', 'read', 'forward', 'reserve']);

export type UnrulyMessages = {
  readonly throw: { readonly args: null; readonly reply: null };
  readonly exit: { readonly args: number; readonly reply: null };
  /** Throws where nobody catches. */
  readonly burst: { readonly args: null; readonly reply: null };
  readonly spin: { readonly args: null; readonly reply: null };
  readonly slow: { readonly args: number; readonly reply: number };
  readonly never: { readonly args: null; readonly reply: null };
};
export const unruly = protocol<UnrulyMessages>('unruly', ['throw', 'exit', 'burst', 'spin', 'slow', 'never']);

const counterKind: ActorKind<{ value: number }, CounterMessages> = {
  protocol: counter,
  tables: ['counter'],
  mailbox: { capacity: 10_000, bytesMax: 1024 * 1024 },
  activate: (context) => ({ value: (context.store.get(['counter', context.key]) as number | undefined) ?? 0 }),
  residentBytes: () => 8,
  handlers: {
    add(context, by) {
      const { state } = context;
      state.value += by;
      context.store.put(['counter', context.key], state.value);
      context.store.add('total', by);
      return state.value;
    },
    read: ({ state }) => state.value,
    forward(context, { to, by }) {
      const { state } = context;
      state.value += by;
      context.store.put(['counter', context.key], state.value);
      context.store.add('total', by);
      context.tell(counter, to, 'add', by);
      return state.value;
    },
    reserve(context, { by, max }) {
      const { state } = context;
      if (!context.store.reserve('total', by, max)) return false;
      state.value += by;
      context.store.put(['counter', context.key], state.value);
      return true;
    },
  },
};

const unrulyKind: ActorKind<null, UnrulyMessages> = {
  protocol: unruly,
  tables: [],
  mailbox: { capacity: 100, bytesMax: 1024 * 1024 },
  activate: () => null,
  residentBytes: () => 0,
  handlers: {
    throw() {
      throw new RangeError('it was told to fail');
    },
    exit: (_, code) => process.exit(code),
    burst() {
      setImmediate(() => {
        throw new Error('nobody catches this');
      });
      return new Promise(() => undefined);
    },
    spin() {
      for (;;);
    },
    async slow(_, ms) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return ms;
    },
    never: () => new Promise(() => undefined),
  },
};

export interface CounterSettings {
  /** The worker cannot start. */
  readonly broken?: boolean;
}

// The tests import the protocols from here.
if (!isMainThread) {
  runShardWorker((settings) => {
    if ((settings as CounterSettings).broken === true) throw new Error('the worker is broken');
    return [anyKind(counterKind), anyKind(unrulyKind)];
  });
}
