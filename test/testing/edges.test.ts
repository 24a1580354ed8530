// What a hard look at the runtime has found broken once, each over many schedules.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { actor } from '../../src/runtime/actor.js';
import { createTestSystem, type TestSystem } from '../../src/testing/testing.js';

const SEEDS = 60;

const tally = actor({
  kind: 'tally',
  persistence: 'state',
  supervision: { backoffMsMin: 0 },
  state: () => ({ count: 0 }),
  messages: {
    set(context, count: number) {
      context.state.count = count;
      return count;
    },
    add: (context) => ++context.state.count,
    get: (context) => context.state.count,
    stop(context) {
      context.stop();
    },
    fail(): null {
      throw new RangeError('it was told to fail');
    },
    *countTo(context, last: number) {
      for (;;) {
        if (context.state.count === last) throw new RangeError('it was told to fail');
        yield ++context.state.count;
      }
    },
    *countAndStop(context, last: number) {
      for (;;) {
        if (context.state.count === last) context.stop();
        yield ++context.state.count;
      }
    },
  },
});

const nothing = actor({
  kind: 'nothing',
  persistence: 'state',
  state: (): number | null => 7,
  messages: {
    set(context, value: number | null) {
      context.state = value;
    },
    get: (context) => ({ value: context.state }),
  },
});

/** Keeps nothing: it is gone with its stop. */
const brief = actor({
  kind: 'brief',
  state: () => ({ count: 0 }),
  messages: {
    add: (context) => ++context.state.count,
    get: (context) => context.state.count,
    stop(context) {
      context.stop();
    },
  },
});

/** Tells, then waits until it is let go. */
function makeSlow() {
  const latch = { go: (): void => undefined };
  const slow = actor({
    kind: 'slow',
    state: () => 0,
    messages: {
      async tellAndWait(context, to: string) {
        context.tell(brief, to, 'add', undefined);
        await new Promise<void>((resolve) => {
          latch.go = resolve;
        });
      },
    },
  });
  return { slow, latch };
}

async function overSeeds(run: (seed: number) => Promise<void>): Promise<void> {
  for (let seed = 1; seed <= SEEDS; seed++) await run(seed);
}

async function itemsOf(system: TestSystem, items: AsyncIterator<number>): Promise<{ items: number[]; end: unknown }> {
  const all: number[] = [];
  try {
    for (;;) {
      const next = await system.until(items.next());
      if (next.done === true) return { items: all, end: 'done' };
      all.push(next.value);
    }
  } catch (error) {
    return { items: all, end: (error as { code?: string }).code };
  }
}

describe('an actor whose state is stored', () => {
  it('loses no acknowledged write that follows its stop, though it makes the state what it was', () =>
    overSeeds(async (seed) => {
      const system = createTestSystem({ kinds: [tally], seed });
      const a = system.ref(tally, 'a');
      await system.until(a.ask('add'));
      await system.pass(1_000);
      const stopped = a.ask('stop');
      const added = a.ask('add');
      await system.until(stopped);
      const count = await system.until(added);
      await system.pass(1_000);
      system.crash();
      assert.equal(await system.until(a.ask('get')), count, `seed ${seed}`);
    }));

  it('compares its state with what is stored, and not with bytes that others have used since', () =>
    overSeeds(async (seed) => {
      const system = createTestSystem({ kinds: [tally], seed, workers: 1 });
      const [a, b] = [system.ref(tally, 'a'), system.ref(tally, 'b')];
      const first = a.ask('set', 1);
      a.tell('fail');
      const seen = a.ask('get');
      await system.until(first);
      await system.until(seen);
      await system.pass(2_000);
      await system.until(b.ask('set', 2));
      await system.until(a.ask('set', 2));
      system.crash();
      assert.equal(await system.until(a.ask('get')), 2, `seed ${seed}`);
    }));

  it('gives every item of a stream that was committed before the stream fails, or its actor stops', () =>
    overSeeds(async (seed) => {
      const system = createTestSystem({ kinds: [tally], seed });
      const failing = await itemsOf(system, system.ref(tally, 'f').stream('countTo', 3));
      assert.deepEqual(failing, { items: [1, 2, 3], end: 'INTERNAL' }, `seed ${seed}`);
      const stopping = await itemsOf(system, system.ref(tally, 's').stream('countAndStop', 3));
      assert.deepEqual(stopping, { items: [1, 2, 3, 4], end: 'STOPPED' }, `seed ${seed}`);
    }));

  it('may be nothing', async () => {
    const system = createTestSystem({ kinds: [nothing], seed: 1 });
    await system.until(system.ref(nothing, 'a').ask('set', null));
    await system.pass(1_000);
    system.crash();
    assert.deepEqual(await system.until(system.ref(nothing, 'a').ask('get')), { value: null });
  });
});

describe('a tell of a turn that goes on', () => {
  it('reaches the actor that has the address when it leaves, not the one that had it', () =>
    overSeeds(async (seed) => {
      const { slow, latch } = makeSlow();
      const system = createTestSystem({ kinds: [brief, slow], seed, workers: 1 });
      const b = system.ref(brief, 'b');
      await system.until(b.ask('add'));
      await system.pass(1_000);
      const waiting = system.ref(slow, 'a').ask('tellAndWait', 'b');
      await system.run();
      await system.until(b.ask('stop'));
      await system.pass(1_000);
      latch.go();
      await system.until(waiting);
      await system.run();
      assert.equal(await system.until(b.ask('get')), 1, `seed ${seed}`);
    }));
});

describe('a context after its turn', () => {
  it('puts nothing into the turn of another', async () => {
    const late: (() => void)[] = [];
    const leaky = actor({
      kind: 'leaky',
      persistence: 'keys',
      tables: ['leaky'],
      counters: ['leaks'],
      state: () => 0,
      messages: {
        leak(context) {
          late.push(
            () => context.stop(),
            () => context.emit('leaked', null, {}),
            () => context.store.put(['leaky', 1], 1),
            () => context.store.add('leaks', 1),
            () => void context.store.reserve('leaks', 1, 10),
            () => context.cancel('x'),
            () => context.forget('x'),
            () => void context.replyHandle(),
            () => context.tell(leaky, 'b', 'get', undefined),
          );
        },
        get: () => 1,
      },
    });
    const system = createTestSystem({ kinds: [leaky], seed: 1 });
    await system.until(system.ref(leaky, 'a').ask('leak'));
    for (const leak of late) assert.throws(leak, /after it had ended/);
    await system.until(system.ref(leaky, 'b').ask('get'));
    await system.run();
    assert.equal(system.counter('leaks'), 0);
  });
});

describe('actors that keep nothing', () => {
  it('give their room back when they stop, fail, or were only watched', async () => {
    const passing = actor({
      kind: 'passing',
      state: () => 0,
      supervision: { attemptsMax: 1 },
      messages: {
        stop(context) {
          context.emit('stopped', null, {});
          context.stop();
        },
        fail(): null {
          throw new RangeError('it was told to fail');
        },
        get: () => 1,
      },
    });
    const system = createTestSystem({ kinds: [passing], seed: 1, workers: 1, residentBytesMax: 20_000 });
    for (let i = 0; i < 200; i++) {
      await system.until(system.ref(passing, `stops ${i}`).ask('stop'));
      await system.until(
        system
          .ref(passing, `fails ${i}`)
          .ask('fail')
          .catch(() => null),
      );
      const leave = new AbortController();
      const watching = system
        .ref(passing, `watched ${i}`)
        .watch({ signal: leave.signal })
        .catch(() => null);
      leave.abort();
      await system.until(watching);
      // The memory of a failure is kept for a minute.
      await system.pass(5_000);
    }
    assert.equal(await system.until(system.ref(passing, 'new').ask('get')), 1);
  });
});

describe('options that cannot be', () => {
  it('are refused, with the reason', async () => {
    const system = createTestSystem({ kinds: [tally], seed: 1 });
    const ask = (options: object) => system.until(system.ref(tally, 'a').ask('get', undefined, options));
    await assert.rejects(ask({ timeoutMs: Number.NaN }), /a time limit/);
    const idempotency = { scope: 's', key: 'k'.repeat(70_000), fingerprint: '' };
    await assert.rejects(ask({ idempotency }), /an idempotency key/);
  });
});
