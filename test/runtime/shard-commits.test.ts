import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { slotOf } from '../../src/runtime/address.js';
import type { Answer } from '../../src/runtime/ref.js';
import { LocalSystem } from './local-system.js';
import { counter, makeToys } from './toy-kinds.js';

function setUp(workers = 1) {
  const toys = makeToys();
  return { toys, system: new LocalSystem({ kinds: [toys.kind], workers }) };
}

const ok = (value: unknown, replayed = false) => ({ ok: true, value, replayed });
const fault = (answer: Answer<unknown>) => (answer.ok ? 'none' : answer.fault.code);

/** A key of a counter that the given worker owns. */
function keyOn(system: LocalSystem, worker: number): string {
  for (let i = 0; ; i++) if (system.map.owner(slotOf('counter', `k${i}`)) === worker) return `k${i}`;
}

describe('a commit that fails', () => {
  it('tells every ask that waits for it, undoes the state, and lets nothing out (SH5, O2)', async () => {
    const { system } = setUp();
    const first = system.ask(counter, 'a', 'add', 1);
    await system.run();
    assert.deepEqual(await first, ok(1));
    system.autoCommit = false;
    system.log.failuresLeft = 1;
    const asks = [
      system.ask(counter, 'a', 'add', 10),
      system.ask(counter, 'a', 'read', null),
      system.ask(counter, 'b', 'addAndTell', { to: 'c', by: 5 }),
      system.ask(counter, 'd', 'reserve', { by: 4, max: 100 }),
      system.ask(counter, 'd', 'wait', null),
    ];
    await system.run();
    system.commit();
    await system.run();
    assert.deepEqual((await Promise.all(asks)).map(fault), Array(5).fill('COMMIT_FAILED'));
    assert.equal(system.stored(['counter', 'a']), 1);
    assert.equal(system.stored(['counter', 'b']), undefined);
    assert.deepEqual([system.counters.committed(0), system.counters.used(0)], [1, 1]);
    system.autoCommit = true;
    const reads = ['a', 'b', 'c', 'd'].map((key) => system.ask(counter, key, 'read', null));
    await system.run();
    assert.deepEqual(await Promise.all(reads), [ok(1), ok(0), ok(0), ok(0)]);
    const again = system.ask(counter, 'a', 'add', 10);
    await system.run();
    assert.deepEqual(await again, ok(11));
    assert.equal(system.stored(['counter', 'a']), 11);
    assert.deepEqual([system.counters.committed(0), system.counters.used(0)], [11, 11]);
    assert.equal((system.event(2) as unknown[])[1], 'added');
    assert.equal(system.event(3), undefined);
  });

  it('takes along what was built on it and sent already, and not what comes after (J4, JF2)', async () => {
    const { system } = setUp();
    system.autoCommit = false;
    system.log.failuresLeft = 1;
    const one = system.ask(counter, 'a', 'add', 1);
    await system.run();
    system.journal.commitGroup();
    const two = system.ask(counter, 'a', 'add', 2);
    await system.run();
    assert.equal(system.journal.hasWork, true);
    system.acknowledge();
    const three = system.ask(counter, 'a', 'add', 4);
    await system.run();
    system.autoCommit = true;
    await system.run();
    assert.deepEqual((await Promise.all([one, two])).map(fault), ['COMMIT_FAILED', 'COMMIT_FAILED']);
    assert.deepEqual(await three, ok(4));
    assert.equal(system.stored(['counter', 'a']), 4);
    assert.equal(system.counters.used(0), 4);
  });

  it('ends an async turn that was under way with COMMIT_FAILED, and never runs two at once (SH2)', async () => {
    const { system, toys } = setUp();
    system.autoCommit = false;
    system.log.failuresLeft = 1;
    const add = system.ask(counter, 'a', 'add', 1);
    const slow = system.ask(counter, 'a', 'slowAdd', 10);
    const next = system.ask(counter, 'a', 'slowAdd', 100);
    await system.run();
    system.commit();
    await system.run();
    assert.equal(toys.latches.length, 1);
    toys.latches.shift()!.end();
    system.autoCommit = true;
    await system.run();
    toys.latches.shift()!.end();
    await system.run();
    assert.deepEqual((await Promise.all([add, slow])).map(fault), ['COMMIT_FAILED', 'COMMIT_FAILED']);
    assert.deepEqual(await next, ok(100));
    assert.equal(toys.mostRunning, 1);
    assert.equal(system.stored(['counter', 'a']), 100);
  });

  it('of one worker does not touch another that had nothing in the group', async () => {
    const { system } = setUp(2);
    const [a, b] = [keyOn(system, 0), keyOn(system, 1)];
    system.autoCommit = false;
    const failed = system.ask(counter, a, 'add', 1);
    await system.run();
    system.log.failuresLeft = 1;
    system.commit();
    const fine = system.ask(counter, b, 'add', 1);
    await system.run();
    system.commit();
    await system.run();
    assert.equal(fault(await failed), 'COMMIT_FAILED');
    assert.deepEqual(await fine, ok(1));
  });

  it('comes alone: an actor in a pause for its own failure stays in it', async () => {
    const { system } = setUp();
    system.autoCommit = false;
    system.log.failuresLeft = 1;
    void system.ask(counter, 'a', 'add', 1);
    const failing = system.ask(counter, 'a', 'fail', { add: 1, times: 1 });
    await system.run();
    system.commit();
    await system.run();
    assert.equal(system.failures.length, 1);
    system.autoCommit = true;
    await system.pass(9);
    assert.equal(system.stored(['counter', 'a']), undefined);
    await system.pass(1);
    assert.deepEqual(await failing, ok(1));
  });
});

describe('a worker that was replaced', () => {
  it('writes nothing after the fence, and its callers are told nothing was kept (J2, G1)', async () => {
    const { system } = setUp(2);
    const key = keyOn(system, 0);
    system.autoCommit = false;
    const before = system.ask(counter, key, 'add', 1);
    await system.run();
    const zombie = system.replace(0);
    assert.equal(fault(await before), 'WORKER_LOST');
    system.send(zombie, counter, key, 'add', 50, 7, {});
    const after = system.ask(counter, key, 'add', 100);
    system.autoCommit = true;
    await system.run();
    assert.deepEqual(await after, ok(100));
    system.send(zombie, counter, key, 'reserve', { by: 50, max: 1_000 }, 8, {});
    await system.run();
    assert.equal(system.stored(['counter', key]), 100);
    assert.deepEqual([system.counters.committed(0), system.counters.used(0)], [100, 100]);
    system.bury(zombie);
    assert.equal(system.counters.used(0), 100);
  });

  it('keeps what was durable before the fence', async () => {
    const { system } = setUp(2);
    const key = keyOn(system, 1);
    const add = system.ask(counter, key, 'add', 9);
    await system.run();
    assert.deepEqual(await add, ok(9));
    system.bury(system.replace(1));
    const read = system.ask(counter, key, 'add', 1);
    await system.run();
    assert.deepEqual(await read, ok(10));
  });

  it('gives back what it had reserved, when its thread has ended (C3)', async () => {
    const { system } = setUp(2);
    const key = keyOn(system, 0);
    system.autoCommit = false;
    void system.ask(counter, key, 'reserve', { by: 60, max: 100 });
    await system.run();
    const zombie = system.replace(0);
    assert.equal(system.counters.used(0), 60);
    system.bury(zombie);
    assert.equal(system.counters.used(0), 0);
  });

  it('can be told by others again, however much of its former life they still had in hand (O3, L2)', async () => {
    const { system, toys } = setUp(2);
    const [here, there] = [keyOn(system, 0), keyOn(system, 1)];
    const slow = system.ask(counter, there, 'slowAdd', 1);
    system.tell(counter, here, 'tellOnly', { to: there, values: [1, 2, 3] });
    await system.run();
    system.bury(system.replace(0));
    toys.latches.shift()!.end();
    await system.run();
    assert.deepEqual(await slow, ok(1));
    system.tell(counter, here, 'tellOnly', { to: there, values: [4, 5] });
    await system.run();
    const notes = system.ask(counter, there, 'notes', null);
    await system.run();
    assert.deepEqual(await notes, ok([1, 2, 3, 4, 5]));
  });

  it('acknowledges what it had committed before a stale record, although both came in one group (J3)', async () => {
    const { system } = setUp(2);
    const [mine, moved] = [keyOn(system, 0), keyOn(system, 0)];
    const other = [...Array(100).keys()]
      .map((i) => `k${i}`)
      .find((key) => system.ownerOf('counter', key) === system.shards[0] && key !== mine)!;
    assert.equal(mine, moved);
    system.autoCommit = false;
    const kept = system.ask(counter, mine, 'add', 1);
    await system.run();
    const stale = system.ask(counter, other, 'add', 1);
    await system.run();
    system.journal.fence([slotOf('counter', other)]);
    system.commit();
    await system.run();
    assert.deepEqual(await kept, ok(1));
    assert.equal(fault(await stale), 'COMMIT_FAILED');
    assert.equal(system.stored(['counter', mine]), 1);
    assert.equal(system.stored(['counter', other]), undefined);
  });
});

describe('an ask with an idempotency key', () => {
  const idempotency = { scope: 's', key: 'k', fingerprint: 'f' };

  it('happens once: a repeat gets the first answer, even before it is durable (I1)', async () => {
    const { system } = setUp();
    system.autoCommit = false;
    const first = system.ask(counter, 'a', 'add', 1, { idempotency });
    const early = system.ask(counter, 'a', 'add', 1, { idempotency });
    await system.run();
    system.autoCommit = true;
    await system.run();
    const late = system.ask(counter, 'a', 'add', 1, { idempotency });
    await system.run();
    assert.deepEqual(await Promise.all([first, early, late]), [ok(1), ok(1, true), ok(1, true)]);
    assert.equal(system.stored(['counter', 'a']), 1);
  });

  it('is known to every actor once it is durable, across passivation and replacement', async () => {
    const { system } = setUp(2);
    const [a, b] = [keyOn(system, 0), keyOn(system, 1)];
    const first = system.ask(counter, a, 'add', 1, { idempotency });
    await system.run();
    system.bury(system.replace(0));
    const repeats = [a, b].map((key) => system.ask(counter, key, 'add', 1, { idempotency }));
    await system.run();
    assert.deepEqual(await Promise.all([first, ...repeats]), [ok(1), ok(1, true), ok(1, true)]);
    assert.equal(system.stored(['counter', b]), undefined);
  });

  it('is a conflict with another fingerprint, and another scope or key is another ask', async () => {
    const { system } = setUp();
    const asks = [
      system.ask(counter, 'a', 'add', 1, { idempotency }),
      system.ask(counter, 'a', 'add', 1, { idempotency: { ...idempotency, fingerprint: 'g' } }),
      system.ask(counter, 'a', 'add', 1, { idempotency: { ...idempotency, scope: 't' } }),
      system.ask(counter, 'a', 'add', 1, { idempotency: { ...idempotency, key: 'l' } }),
    ];
    await system.run();
    assert.deepEqual((await Promise.all(asks)).map(fault), ['none', 'CONFLICT', 'none', 'none']);
    assert.equal(system.stored(['counter', 'a']), 3);
  });

  it('is not remembered when it was refused or its commit failed (I2)', async () => {
    const { system } = setUp();
    const refused = system.ask(counter, 'a', 'refuseButWrite', 1, { idempotency });
    await system.run();
    system.log.failuresLeft = 1;
    const failed = system.ask(counter, 'a', 'add', 1, { idempotency });
    await system.run();
    const done = system.ask(counter, 'a', 'add', 1, { idempotency });
    await system.run();
    assert.deepEqual((await Promise.all([refused, failed])).map(fault), ['CONFLICT', 'COMMIT_FAILED']);
    assert.deepEqual(await done, ok(2));
  });

  it('may be new again after a day, and is forgotten after two (I1, I3)', async () => {
    const { system } = setUp();
    void system.ask(counter, 'a', 'add', 1, { idempotency });
    await system.run();
    const dayMs = 24 * 60 * 60 * 1000;
    await system.pass(dayMs - 1);
    assert.equal(system.applier.forgetAnswers(system.clock.now()), false);
    const repeat = system.ask(counter, 'a', 'add', 1, { idempotency });
    await system.run();
    assert.deepEqual(await repeat, ok(1, true));
    await system.pass(1);
    const anew = system.ask(counter, 'a', 'add', 1, { idempotency });
    await system.run();
    assert.deepEqual(await anew, ok(2));
    const day = Math.floor(system.clock.now() / dayMs);
    await system.pass(2 * dayMs);
    system.applier.forgetAnswers(system.clock.now());
    assert.equal(system.inTables(['idem', day, 's', 'k']), undefined);
  });
});

describe('a reservation', () => {
  it('never exceeds its maximum between two workers, and every answer is the truth (C2)', async () => {
    const { system } = setUp(2);
    const keys = [keyOn(system, 0), keyOn(system, 1)];
    const asks = Array.from({ length: 100 }, (_, i) =>
      system.ask(counter, keys[i % 2]!, 'reserve', { by: 7, max: 300 }),
    );
    await system.run();
    const answers = await Promise.all(asks);
    const granted = answers.filter((answer) => answer.ok && answer.value === true).length;
    assert.equal(granted, Math.floor(300 / 7));
    assert.deepEqual([system.counters.committed(0), system.counters.used(0)], [granted * 7, granted * 7]);
  });
});
