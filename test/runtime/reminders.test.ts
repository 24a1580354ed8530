// Reminders on one shard, with a clock moved by hand.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { actor, anyKind } from '../../src/runtime/actor.js';
import { LOOK_EVERY_MS } from '../../src/runtime/reminders.js';
import { ATTEMPTS_MAX } from '../../src/runtime/supervision.js';
import { LocalSystem } from './local-system.js';

const SOON_MS = 1_000;

/** Rings when it is reminded, unless it is to fail then. */
function makeBell(strategy: 'restart' | 'escalate') {
  const fails = { left: 0 };
  const latches: (() => void)[] = [];
  const bell = actor({
    kind: 'bell',
    persistence: 'state',
    supervision: { strategy },
    state: () => ({ rung: 0 }),
    messages: {
      remindMe(context, inMs: number) {
        context.remind('ring', context.now + inMs, 'ring', undefined);
      },
      /** The same, when it is let. */
      async remindMeLate(context, inMs: number) {
        await new Promise<void>((resolve) => latches.push(resolve));
        context.remind('ring', context.now + inMs, 'ring', undefined);
      },
      ring(context) {
        context.state.rung++;
        if (fails.left-- > 0) throw new RangeError('it was told to fail');
      },
      fail() {
        throw new RangeError('it was told to fail');
      },
      rung: (context) => context.state.rung,
    },
  });
  const system = new LocalSystem({ kinds: [anyKind(bell)] });
  const rung = async (): Promise<unknown> => {
    const asked = system.ask(bell, 'a', 'rung', undefined);
    await system.run();
    const answer = await asked;
    return answer.ok ? answer.value : answer.fault.code;
  };
  return { bell, system, fails, latches, rung };
}

describe('a reminder', () => {
  it('begins a turn at its time, not before, and once (RM1, RM2)', async () => {
    const { bell, system, rung } = makeBell('restart');
    system.tell(bell, 'a', 'remindMe', SOON_MS);
    await system.run();
    await system.pass(SOON_MS - 1);
    assert.equal(await rung(), 0);
    await system.pass(1);
    assert.equal(await rung(), 1);
    await system.pass(10 * LOOK_EVERY_MS);
    assert.equal(await rung(), 1);
  });

  it('comes again after all attempts of its turn failed (RM1)', async () => {
    const { bell, system, fails, rung } = makeBell('restart');
    system.tell(bell, 'a', 'remindMe', SOON_MS);
    await system.run();
    fails.left = ATTEMPTS_MAX;
    for (let passed = 0; passed < SOON_MS + LOOK_EVERY_MS / 2; passed += 100) await system.pass(100);
    assert.equal(system.failures.length, ATTEMPTS_MAX);
    assert.equal(await rung(), 0);
    await system.pass(LOOK_EVERY_MS);
    assert.equal(await rung(), 1);
  });

  it('that was due while its actor was set aside comes when it is back (RM1)', async () => {
    const { bell, system, rung } = makeBell('escalate');
    system.tell(bell, 'a', 'remindMe', SOON_MS);
    system.tell(bell, 'a', 'fail', undefined);
    await system.run();
    await system.pass(SOON_MS + LOOK_EVERY_MS);
    assert.equal(await rung(), 'QUARANTINED');
    assert.equal(system.shard.resume('bell/a', true), true);
    await system.pass(LOOK_EVERY_MS);
    assert.equal(await rung(), 1);
  });

  it('that is set anew while the turn of its first time waits comes once, at the new time or with the next look (RM1, RM3)', async () => {
    const { bell, system, latches, rung } = makeBell('restart');
    system.tell(bell, 'a', 'remindMe', SOON_MS);
    system.tell(bell, 'a', 'remindMeLate', 3 * SOON_MS);
    await system.run();
    await system.pass(SOON_MS);
    latches.shift()!();
    await system.run();
    assert.equal(await rung(), 0);
    await system.pass(3 * SOON_MS - 1);
    assert.equal(await rung(), 0);
    await system.pass(LOOK_EVERY_MS);
    assert.equal(await rung(), 1);
    await system.pass(10 * LOOK_EVERY_MS);
    assert.equal(await rung(), 1);
    assert.deepEqual(system.failures, []);
  });

  it('that waits in memory does not keep its actor there (RM4)', async () => {
    const { bell, system, rung } = makeBell('restart');
    system.tell(bell, 'a', 'remindMe', SOON_MS);
    await system.run();
    system.bury(system.replace(0));
    await system.run();
    await system.pass(SOON_MS - 1);
    assert.equal(system.shard.stats.residentActors, 0);
    await system.pass(1);
    assert.equal(await rung(), 1);
  });

  it('is not looked for any more once its shard is closed: what it is read from is closed next', async () => {
    const { bell, system } = makeBell('restart');
    system.tell(bell, 'a', 'remindMe', SOON_MS);
    await system.run();
    system.shard.close();
    let reads = 0;
    const { tables } = system;
    const rangeKeys = tables.rangeKeys.bind(tables);
    tables.rangeKeys = (options) => {
      reads++;
      return rangeKeys(options);
    };
    await system.pass(3 * LOOK_EVERY_MS);
    assert.equal(reads, 0);
    assert.equal(system.clock.timers, 0);
  });
});
