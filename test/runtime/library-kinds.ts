// Actor kinds as a user of the library writes them: for the tests of the public API on real threads.

import { actor, LATER, refuse } from '../../src/index.js';
import type { ReplyHandle } from '../../src/runtime/actor.js';

/** A promise that is not one of the language's. */
const ofAnotherMaker = { ['th' + 'en']: (resolve: (value: number) => void) => resolve(7) };

/** In memory alone. */
export const counter = actor({
  kind: 'counter',
  state: () => ({ count: 0, from: [] as string[], endings: [] as string[] }),
  messages: {
    add(context, by: number) {
      context.state.count += by;
      context.state.from.push(
        context.sender === undefined ? 'outside' : `${context.sender.kind}/${context.sender.key}`,
      );
      return context.state.count;
    },
    get: (context) => context.state,
    reset(context) {
      context.state = { count: 0, from: [], endings: [] };
    },
    stop(context) {
      context.stop();
      return 'stopped';
    },
    draw: (context, times: number) => Array.from({ length: times }, () => context.random()),
    write(context) {
      context.emit('written', null, {});
    },
    note(context, text: string) {
      context.log.info('noted', { text });
    },
    watch(context, key: string) {
      context.watch(counter, key, 'ended');
    },
    ended(context, { address, ending }: { address: string; ending: string }) {
      context.state.endings.push(`${address} ${ending}`);
    },
    refuse: () => refuse('CONFLICT', { reason: 'it was told to' }),
    fail() {
      throw new RangeError('it was told to fail');
    },
    spin(_context, ms: number) {
      const end = performance.now() + ms;
      while (performance.now() < end);
    },
    exit: () => process.exit(3),
    async dawdle(_context, ms: number) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return ms;
    },
    tellNobody(context) {
      context.tell(counter, '\ud800', 'add', 1);
    },
    later(context, delayMs: number) {
      context.schedule('later', delayMs, 'add', 1);
    },
    thenable: () => Object.assign(Object.create(null), ofAnotherMaker) as Promise<number>,
    /** Nothing of it can be shown, sent or stored. */
    failOddly(context, what: 'bare' | 'stack' | 'args') {
      if (what === 'args') {
        const args: Record<string, unknown> = {};
        args.itself = args;
        context.tell(counter, 'odd', 'takeAndFail', args);
        return;
      }
      context.log.warn('odd', { inspect: () => 'a function cannot be copied' });
      throw what === 'bare' ? Object.create(null) : Object.assign(new Error('odd'), { stack: { at: () => 1 } });
    },
    takeAndFail(_context, _args: object) {
      throw new RangeError('it was told to fail');
    },
    stray(context) {
      const { key } = context;
      void new Promise((resolve) => setImmediate(resolve)).then(() => context.tell(counter, key, 'add', 1));
    },
    remindMuch(context, times: number) {
      for (let i = 0; i < times; i++) context.schedule(`timer ${i}`, 1, 'add', 1);
    },
    *slowSteps(context) {
      for (;;) {
        const end = performance.now() + 1.5;
        while (performance.now() < end);
        yield ++context.state.count;
      }
    },
    *count(context, upTo: number) {
      for (let i = 1; i <= upTo; i++) {
        context.state.count = i;
        yield i;
      }
    },
    async *letters(_context, text: string) {
      for (const letter of text) {
        await new Promise((resolve) => setImmediate(resolve));
        yield letter;
      }
    },
    *countAndFail(_context, upTo: number) {
      for (let i = 1; i <= upTo; i++) yield i;
      throw new RangeError('it was told to fail');
    },
    *endless(context) {
      try {
        for (;;) yield ++context.state.count;
      } finally {
        context.state.endings.push('the generator was ended');
      }
    },
  },
});

/** Its state is stored whole. */
export const account = actor({
  kind: 'account',
  persistence: 'state',
  state: () => ({ balance: 0, history: [] as string[] }),
  messages: {
    deposit(context, amount: number) {
      context.state.balance += amount;
      context.state.history.push(`+${amount}`);
      return context.state.balance;
    },
    balance: (context) => context.state.balance,
    failAfter(context, amount: number): number {
      context.state.balance += amount;
      throw new RangeError('it was told to fail');
    },
    close(context) {
      context.stop();
    },
    *statement(context) {
      for (const line of context.state.history) {
        context.state.balance += 100;
        yield line;
      }
    },
    remindMe(context, { inMs, amount }: { inMs: number; amount: number }) {
      context.remind('deposit', context.now + inMs, 'deposit', amount);
    },
    remindMuch(context, times: number) {
      for (let i = 0; i < times; i++) context.remind(`deposit ${i}`, context.now + 20, 'deposit', 1);
    },
    forgetMe(context) {
      context.forget('deposit');
    },
  },
});

/** Keeps rows of its own. */
export const ledger = actor({
  kind: 'ledger',
  persistence: 'keys',
  tables: ['ledger'],
  counters: ['entries'],
  state: (context) => context.store.count({ under: ['ledger', context.key] }),
  messages: {
    write(context, text: string) {
      context.state++;
      context.store.put(['ledger', context.key, context.state], text);
      context.store.add('entries', 1);
      return context.state;
    },
    read: (context) =>
      context.store.range({ under: ['ledger', context.key], limit: 100 }).map(({ value }) => value as string),
  },
});

/** Asks others. */
export const asker = actor({
  kind: 'asker',
  state: () => ({ waiting: [] as ReplyHandle[] }),
  messages: {
    async add(context, { to, by }: { to: string; by: number }) {
      const answer = await context.ask(counter, to, 'add', by);
      return answer.ok ? answer.value : answer.fault.code;
    },
    async path(context, path: readonly string[]): Promise<readonly string[]> {
      const [next, ...rest] = path;
      if (next === undefined) return [context.key];
      const answer = await context.ask(asker, next, 'path', rest);
      if (!answer.ok) return [context.key, answer.fault.code, String(answer.fault.params?.path ?? '')];
      return [context.key, ...(answer.value as readonly string[])];
    },
    /** Asks the next one, once so many have begun. */
    async meet(context, { next, gate, all }: { next: string; gate: string; all: number }): Promise<string> {
      let begun = await context.ask(counter, gate, 'add', 1);
      while (begun.ok && begun.value < all) begun = await context.ask(counter, gate, 'add', 0);
      const answer = await context.ask(asker, next, 'path', []);
      return answer.ok ? answer.value.join() : `${answer.fault.code} ${answer.fault.params?.path ?? ''}`;
    },
    async streamed(context, key: string) {
      const answer = await context.ask(counter, key, 'endless' as 'get', undefined);
      return answer.ok ? 'answered' : answer.fault.code;
    },
    async limited(context, { to, timeoutMs }: { to: string; timeoutMs: number }) {
      const answer = await context.ask(counter, to, 'dawdle', 2_000, { timeoutMs });
      return answer.ok ? 'answered' : answer.fault.code;
    },
    async refused(context, to: string) {
      const answer = await context.ask(counter, to, 'refuse', undefined);
      return answer.ok ? 'answered' : answer.fault.code;
    },
    later(context) {
      const handle = context.replyHandle();
      if (handle !== undefined) context.state.waiting.push(handle);
      return LATER;
    },
    release(context, value: string) {
      for (const handle of context.state.waiting.splice(0)) context.reply(handle, value);
    },
  },
});

/** One of each strategy. */
const failing = <const K extends string>(kind: K, strategy: 'restart' | 'resume' | 'stop' | 'escalate') =>
  actor({
    kind,
    state: () => ({ count: 0 }),
    supervision: { strategy, failuresMax: 3, backoffMsMin: 1 },
    messages: {
      add(context, by: number) {
        context.state.count += by;
        return context.state.count;
      },
      fail(context) {
        context.state.count += 100;
        throw new RangeError('it was told to fail');
      },
    },
  });
export const restarting = failing('restarting', 'restart');
export const resuming = failing('resuming', 'resume');
export const stopping = failing('stopping', 'stop');
export const escalating = failing('escalating', 'escalate');
