// Toy kinds: a durable counter that can do everything a turn may do, for tests within one thread.

import {
  type ActorKind,
  type AnyKind,
  anyKind,
  type Context,
  LATER,
  protocol,
  type ReplyHandle,
  refuse,
} from '../../src/runtime/actor.js';

export type CounterMessages = {
  readonly add: { readonly args: number; readonly reply: number };
  readonly read: { readonly args: null; readonly reply: number };
  /** Reads through the store. */
  readonly readStored: { readonly args: null; readonly reply: number };
  readonly fail: { readonly args: { readonly add: number; readonly times: number }; readonly reply: number };
  readonly failAfterState: { readonly args: null; readonly reply: null };
  readonly slowAdd: { readonly args: number; readonly reply: number };
  readonly refuseButWrite: { readonly args: number; readonly reply: null };
  /** Adds here and tells another to add the same. */
  readonly addAndTell: { readonly args: { readonly to: string; readonly by: number }; readonly reply: number };
  readonly tellOnly: {
    readonly args: { readonly to: string; readonly values: readonly number[] };
    readonly reply: null;
  };
  readonly note: { readonly args: number; readonly reply: null };
  readonly notes: { readonly args: null; readonly reply: readonly number[] };
  readonly wait: { readonly args: null; readonly reply: number };
  readonly release: { readonly args: number; readonly reply: number };
  readonly later: { readonly args: { readonly delayMs: number; readonly by: number }; readonly reply: null };
  readonly cancel: { readonly args: null; readonly reply: null };
  readonly reserve: { readonly args: { readonly by: number; readonly max: number }; readonly reply: boolean };
  readonly reserveAndFail: { readonly args: { readonly by: number; readonly max: number }; readonly reply: null };
  readonly badTell: { readonly args: 'kind' | 'args'; readonly reply: null };
  readonly badResident: { readonly args: null; readonly reply: null };
  readonly foreignTable: { readonly args: null; readonly reply: null };
  /** The value of another, as it is stored. */
  readonly observe: { readonly args: string; readonly reply: number };
  /** The values of all, as they are stored. */
  readonly observeAll: { readonly args: null; readonly reply: Readonly<Record<string, number>> };
};

export const counter = protocol<CounterMessages>('counter', [
  'add',
  'read',
  'readStored',
  'fail',
  'failAfterState',
  'slowAdd',
  'refuseButWrite',
  'addAndTell',
  'tellOnly',
  'note',
  'notes',
  'wait',
  'release',
  'later',
  'cancel',
  'reserve',
  'reserveAndFail',
  'badTell',
  'badResident',
  'foreignTable',
  'observe',
  'observeAll',
]);

export interface CounterState {
  value: number;
  readonly notes: number[];
  readonly waiting: ReplyHandle[];
  heldBytes: number;
  badResident: boolean;
}

/** What a test sees of its kind, and moves by hand. */
export interface Toys {
  readonly kind: AnyKind;
  activations: number;
  /** Turns of slowAdd that are running, by key. */
  readonly running: Map<string, number>;
  mostRunning: number;
  /** Ends of the slow turns that wait, in order. */
  readonly latches: { readonly end: () => void; readonly fail: (error: Error) => void }[];
  /** Failures so far, by key. */
  readonly failed: Map<string, number>;
  /** How many times activate() throws. */
  activationsToFail: number;
}

export interface ToyOptions {
  readonly capacity?: number;
  readonly bytesMax?: number;
  readonly residentBytes?: number;
  /** The counter that `reserve` takes from; `total` if not given. */
  readonly reserveFrom?: string;
}

export function makeToys(bounds: ToyOptions = {}): Toys {
  const toys: Toys = {
    kind: undefined as unknown as AnyKind,
    activations: 0,
    running: new Map(),
    mostRunning: 0,
    latches: [],
    failed: new Map(),
    activationsToFail: 0,
  };
  const kind: ActorKind<CounterState, CounterMessages> = {
    protocol: counter,
    tables: ['counter'],
    mailbox: { capacity: bounds.capacity ?? 1000, bytesMax: bounds.bytesMax ?? 1024 * 1024 },
    activate(context) {
      toys.activations++;
      if (toys.activationsToFail > 0) {
        toys.activationsToFail--;
        throw new Error('the actor cannot start');
      }
      const value = (context.store.get(['counter', context.key]) as number | undefined) ?? 0;
      return { value, notes: [], waiting: [], heldBytes: bounds.residentBytes ?? 0, badResident: false };
    },
    reads: { observe: (_, key) => [['counter', key]], observeAll: () => [['counter']] },
    residentBytes(state) {
      if (state.badResident) throw new Error('the size is not known');
      return state.heldBytes;
    },
    handlers: { ...growing(bounds.reserveFrom ?? 'total'), ...failing(toys), ...slow(toys), ...talking, ...observing },
  };
  Object.assign(toys, { kind: anyKind(kind) });
  return toys;
}

/** The value grows, and one event tells by how much. */
function grow(context: Context<CounterState, CounterMessages>, by: number): void {
  const { state } = context;
  state.value += by;
  context.store.put(['counter', context.key], state.value);
  context.emit('added', context.key, { by });
}

type Handlers = ActorKind<CounterState, CounterMessages>['handlers'];

const growing = (
  reserveFrom: string,
): Pick<Handlers, 'add' | 'read' | 'readStored' | 'refuseButWrite' | 'reserve' | 'foreignTable'> => ({
  add: (context, by) => {
    const { state } = context;
    grow(context, by);
    context.store.add('total', by);
    return state.value;
  },
  read: ({ state }) => state.value,
  readStored: (context) => (context.store.get(['counter', context.key]) as number | undefined) ?? 0,
  refuseButWrite: (context, by) => {
    const { state } = context;
    state.value += by;
    context.store.put(['counter', context.key], state.value);
    return refuse('CONFLICT', { reason: 'it was told to refuse' });
  },
  reserve: (context, { by, max }) => {
    if (!context.store.reserve(reserveFrom, by, max)) return false;
    grow(context, by);
    return true;
  },
  foreignTable: (context) => {
    context.store.put(['other', context.key], 1);
    return null;
  },
});

const failing = (
  toys: Toys,
): Pick<Handlers, 'fail' | 'failAfterState' | 'reserveAndFail' | 'badTell' | 'badResident'> => ({
  fail(context, { add, times }) {
    const { state } = context;
    state.value += add;
    context.store.put(['counter', context.key], state.value);
    context.tell(counter, 'witness', 'note', state.value);
    const failed = (toys.failed.get(context.key) ?? 0) + 1;
    toys.failed.set(context.key, failed);
    if (failed <= times) throw new RangeError('it was told to fail');
    return state.value;
  },
  failAfterState: ({ state }) => {
    state.value = -1;
    throw new RangeError('it was told to fail');
  },
  reserveAndFail: (context, { by, max }) => {
    context.store.reserve('total', by, max);
    throw new RangeError('it was told to fail');
  },
  badTell: (context, what) => {
    if (what === 'kind') context.tell(protocol<CounterMessages>('nobody', ['add']), 'x', 'add', 1);
    else context.tell(counter, 'x', 'add', (2n ** 100n) as unknown as number);
    return null;
  },
  badResident: (context) => {
    const { state } = context;
    state.badResident = true;
    context.store.put(['counter', context.key], 99);
    context.store.reserve('total', 5, 1000);
    return null;
  },
});

const slow = (toys: Toys): Pick<Handlers, 'slowAdd'> => ({
  async slowAdd(context, by) {
    const { state } = context;
    const running = (toys.running.get(context.key) ?? 0) + 1;
    toys.running.set(context.key, running);
    toys.mostRunning = Math.max(toys.mostRunning, running);
    try {
      await new Promise<void>((resolve, reject) => toys.latches.push({ end: resolve, fail: reject }));
    } finally {
      toys.running.set(context.key, running - 1);
    }
    grow(context, by);
    context.store.add('total', by);
    return state.value;
  },
});

const talking: Pick<Handlers, 'addAndTell' | 'tellOnly' | 'note' | 'notes' | 'wait' | 'release' | 'later' | 'cancel'> =
  {
    addAndTell: (context, { to, by }) => {
      const { state } = context;
      grow(context, by);
      context.store.add('total', by);
      context.tell(counter, to, 'add', by);
      return state.value;
    },
    tellOnly: (context, { to, values }) => {
      for (const value of values) context.tell(counter, to, 'note', value);
      return null;
    },
    note: ({ state }, value) => {
      state.notes.push(value);
      return null;
    },
    notes: ({ state }) => state.notes,
    wait: (context) => {
      const { state } = context;
      const handle = context.replyHandle();
      if (handle !== undefined) state.waiting.push(handle);
      return LATER;
    },
    release: (context, by) => {
      const { state } = context;
      state.value += by;
      context.store.put(['counter', context.key], state.value);
      for (const handle of state.waiting.splice(0)) {
        context.reply(handle, state.value);
        context.reply(handle, -1);
      }
      return state.value;
    },
    later: (context, { delayMs, by }) => {
      context.schedule('add', delayMs, 'add', by);
      return null;
    },
    cancel: (context) => {
      context.cancel('add');
      return null;
    },
  };

const observing: Pick<Handlers, 'observe' | 'observeAll'> = {
  observe: (context, key) => (context.store.get(['counter', key]) as number | undefined) ?? 0,
  observeAll: (context) =>
    Object.fromEntries(
      context.store
        .range({ under: ['counter'], limit: 1000 })
        .map(({ key, value }) => [String(key[1]), value as number] as const),
    ),
};
