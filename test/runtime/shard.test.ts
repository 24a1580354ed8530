import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Answer } from '../../src/runtime/ref.js';
import { BACKOFF_MS_MAX } from '../../src/runtime/supervision.js';
import { LocalSystem } from './local-system.js';
import { counter, makeToys } from './toy-kinds.js';

function setUp(
  options: { workers?: number; capacity?: number; residentBytes?: number; residentBytesMax?: number } = {},
) {
  const toys = makeToys(options);
  const { workers, residentBytesMax } = options;
  const system = new LocalSystem({
    kinds: [toys.kind],
    ...(workers === undefined ? {} : { workers }),
    ...(residentBytesMax === undefined ? {} : { residentBytesMax }),
  });
  return { toys, system };
}

/** Answers in the order in which they came. */
function collect(order: string[], name: string, answer: Promise<Answer<unknown>>): void {
  void answer.then((came) => order.push(`${name}:${came.ok ? JSON.stringify(came.value) : came.fault.code}`));
}

const ok = (value: unknown, replayed = false) => ({ ok: true, value, replayed });
const fault = (answer: Answer<unknown>) => (answer.ok ? 'none' : answer.fault.code);

describe('a turn of a shard', () => {
  it('lets nothing out before its commit is durable: no answer, no write, no event, no tell, no counter (G5, O1)', async () => {
    const { system } = setUp();
    system.autoCommit = false;
    const order: string[] = [];
    collect(order, 'add', system.ask(counter, 'a', 'addAndTell', { to: 'b', by: 3 }));
    collect(order, 'b', system.ask(counter, 'b', 'read', null));
    await system.run();
    assert.deepEqual(order, ['b:0']);
    assert.equal(system.stored(['counter', 'a']), undefined);
    assert.equal(system.event(1), undefined);
    assert.equal(system.counters.committed(0), 0);
    collect(order, 'b', system.ask(counter, 'b', 'read', null));
    await system.run();
    assert.deepEqual(order, ['b:0', 'b:0']);
    system.commit();
    await system.run();
    assert.deepEqual(order, ['b:0', 'b:0', 'add:3']);
    assert.equal(system.stored(['counter', 'a']), 3);
    assert.equal(system.counters.committed(0), 3);
    assert.deepEqual((system.event(1) as unknown[]).slice(1), ['added', 'a', { by: 3 }]);
    assert.equal(system.stored(['counter', 'b']), undefined);
    system.commit();
    await system.run();
    assert.equal(system.stored(['counter', 'b']), 3);
    assert.equal(system.counters.committed(0), 6);
    assert.deepEqual((system.event(2) as unknown[]).slice(1), ['added', 'b', { by: 3 }]);
  });

  it("sees its actor's own writes before they are durable, and nobody else does (A2, T2)", async () => {
    const { system } = setUp();
    system.autoCommit = false;
    const order: string[] = [];
    collect(order, 'add', system.ask(counter, 'a', 'add', 5));
    collect(order, 'stored', system.ask(counter, 'a', 'readStored', null, { durability: 'volatile' }));
    await system.run();
    assert.deepEqual(order, ['stored:5']);
    assert.equal(system.stored(['counter', 'a']), undefined);
  });

  it('answers a read behind the write that it saw, in order (GT1, G6)', async () => {
    const { system } = setUp();
    system.autoCommit = false;
    const order: string[] = [];
    collect(order, '1', system.ask(counter, 'a', 'add', 1));
    collect(order, '2', system.ask(counter, 'a', 'read', null));
    collect(order, '3', system.ask(counter, 'a', 'add', 1));
    collect(order, '4', system.ask(counter, 'a', 'read', null));
    collect(order, 'other', system.ask(counter, 'b', 'read', null));
    await system.run();
    assert.deepEqual(order, ['other:0']);
    system.commit();
    await system.run();
    assert.deepEqual(order, ['other:0', '1:1', '2:1', '3:2', '4:2']);
  });

  it('answers a volatile ask without waiting for its commit, and still commits it', async () => {
    const { system } = setUp();
    system.autoCommit = false;
    const order: string[] = [];
    collect(order, 'add', system.ask(counter, 'a', 'add', 1, { durability: 'volatile' }));
    await system.run();
    assert.deepEqual(order, ['add:1']);
    system.commit();
    assert.equal(system.stored(['counter', 'a']), 1);
  });

  it('is one at a time per actor, async handlers included, while other actors go on (G2, SH2)', async () => {
    const { system, toys } = setUp();
    const order: string[] = [];
    for (const by of [1, 2, 3]) collect(order, `slow${by}`, system.ask(counter, 'a', 'slowAdd', by));
    collect(order, 'b', system.ask(counter, 'b', 'add', 1));
    await system.run();
    assert.deepEqual(order, ['b:1']);
    while (toys.latches.length > 0) {
      assert.equal(toys.latches.length, 1);
      toys.latches.shift()!.end();
      await system.run();
    }
    assert.deepEqual(order, ['b:1', 'slow1:1', 'slow2:3', 'slow3:6']);
    assert.equal(toys.mostRunning, 1);
  });

  it('is not idle while an async turn runs', async () => {
    const { system, toys } = setUp();
    void system.ask(counter, 'a', 'slowAdd', 1);
    await system.run();
    assert.equal(system.shard.isIdle, false);
    toys.latches.shift()!.end();
    await system.run();
    assert.equal(system.shard.isIdle, true);
  });

  it('handles what one sender says in the order said, within a worker and across (G3)', async () => {
    for (const workers of [1, 2, 3]) {
      const { system } = setUp({ workers });
      const values = Array.from({ length: 300 }, (_, index) => index);
      for (const from of values) system.tell(counter, 'teller', 'tellOnly', { to: 'told', values: [from, from + 0.5] });
      await system.run();
      const notes = await Promise.all([system.ask(counter, 'told', 'notes', null), system.run()]);
      assert.deepEqual(notes[0], ok(values.flatMap((value) => [value, value + 0.5])));
    }
  });

  it('has effects when it refuses, and none when it throws (A1, T1)', async () => {
    const { system } = setUp();
    const refused = system.ask(counter, 'a', 'refuseButWrite', 4);
    await system.run();
    assert.equal(fault(await refused), 'CONFLICT');
    assert.equal(system.stored(['counter', 'a']), 4);
    const failed = system.ask(counter, 'a', 'reserveAndFail', { by: 10, max: 100 });
    await system.run();
    for (let retry = 0; retry < 3; retry++) await system.pass(BACKOFF_MS_MAX);
    assert.equal(fault(await failed), 'INTERNAL');
    assert.equal(system.counters.used(0), 0);
  });

  it('fails alone when what it says cannot be sent, before anything was committed', async () => {
    const { system } = setUp();
    const asks = [
      system.ask(counter, 'a', 'badTell', 'kind'),
      system.ask(counter, 'b', 'badTell', 'args'),
      system.ask(counter, 'c', 'badResident', null),
      system.ask(counter, 'd', 'foreignTable', null),
    ];
    await system.run();
    for (let retry = 0; retry < 3; retry++) await system.pass(BACKOFF_MS_MAX);
    assert.deepEqual((await Promise.all(asks)).map(fault), ['INTERNAL', 'INTERNAL', 'INTERNAL', 'INTERNAL']);
    assert.equal(system.stored(['counter', 'c']), undefined);
    assert.equal(system.stored(['other', 'd']), undefined);
    assert.equal(system.counters.used(0), 0);
  });
});

describe('a mailbox of a shard', () => {
  it('refuses what exceeds its capacity at once: an ask is answered, a tell is a dead letter (G4, IN1)', async () => {
    const { system, toys } = setUp({ capacity: 3 });
    const slow = system.ask(counter, 'a', 'slowAdd', 1);
    await system.run();
    const asks = [1, 2, 3, 4].map(() => system.ask(counter, 'a', 'add', 1));
    system.tell(counter, 'a', 'add', 1);
    await system.run();
    assert.equal(fault(await asks[3]!), 'OVERLOADED');
    assert.equal(system.shard.deadLetters.total, 1);
    assert.equal(system.shard.deadLetters.recent()[0]!.reason, 'OVERLOADED');
    toys.latches.shift()!.end();
    await system.run();
    assert.deepEqual(await slow, ok(1));
    assert.deepEqual(await asks[2], ok(4));
  });

  it('gives all credit back, whatever became of the envelopes (IN2, L2)', async () => {
    const { system, toys } = setUp({ capacity: 3 });
    void system.ask(counter, 'a', 'slowAdd', 1);
    for (let i = 0; i < 6; i++) void system.ask(counter, 'a', 'add', 1);
    void system.ask(counter, 'b', 'fail', { add: 1, times: 99 });
    void system.ask(counter, 'c', 'wait', null);
    await system.run();
    assert.ok(system.shards[0]!.front.inFlightBytes > 0);
    toys.latches.shift()!.end();
    for (let retry = 0; retry < 3; retry++) await system.pass(BACKOFF_MS_MAX);
    assert.equal(system.shards[0]!.front.inFlightBytes, 0);
  });
});

describe('an actor that fails', () => {
  it('restarts from the store after a pause, and the envelope is tried again in its place (G9, SH3)', async () => {
    const { system, toys } = setUp();
    const order: string[] = [];
    collect(order, 'add', system.ask(counter, 'a', 'add', 7));
    collect(order, 'fail', system.ask(counter, 'a', 'fail', { add: 1, times: 2 }));
    collect(order, 'read', system.ask(counter, 'a', 'read', null));
    await system.run();
    assert.deepEqual(order, ['add:7']);
    assert.equal(system.shard.isIdle, false);
    await system.pass(10);
    assert.deepEqual(order, ['add:7']);
    await system.pass(20);
    assert.deepEqual(order, ['add:7', 'fail:8', 'read:8']);
    assert.equal(toys.activations, 3 + 1);
    assert.equal(system.failures.length, 2);
    const notes = system.ask(counter, 'witness', 'notes', null);
    await system.run();
    assert.deepEqual(await notes, ok([8]));
  });

  it('gives the same envelope up after three failures: INTERNAL to the caller, a dead letter, and the next is served (SV1)', async () => {
    const { system } = setUp();
    const failing = system.ask(counter, 'a', 'fail', { add: 1, times: 99 });
    const next = system.ask(counter, 'a', 'add', 1);
    await system.run();
    for (let retry = 0; retry < 3; retry++) await system.pass(BACKOFF_MS_MAX);
    assert.equal(fault(await failing), 'INTERNAL');
    assert.deepEqual(await next, ok(1));
    assert.equal(system.failures.length, 3);
    assert.equal(system.shard.deadLetters.recent()[0]!.message, 'fail');
  });

  it('is set aside after ten failures, answers with the reason, and works again when resumed (SV2)', async () => {
    const { system, toys } = setUp();
    const asks = Array.from({ length: 5 }, () => system.ask(counter, 'a', 'fail', { add: 1, times: 10 }));
    await system.run();
    for (let retry = 0; retry < 9; retry++) await system.pass(3_000);
    assert.deepEqual((await Promise.all(asks)).map(fault), [
      'INTERNAL',
      'INTERNAL',
      'INTERNAL',
      'QUARANTINED',
      'QUARANTINED',
    ]);
    const [aside] = system.shard.quarantine.list();
    assert.equal(aside!.address, 'counter/a');
    assert.equal(aside!.reason, 'RangeError');
    const refused = system.ask(counter, 'a', 'read', null);
    await system.run();
    assert.equal(fault(await refused), 'QUARANTINED');
    assert.equal(toys.failed.get('a'), 10);
    assert.equal(system.shard.resume('counter/nobody'), false);
    assert.equal(system.shard.resume('counter/a'), true);
    const served = system.ask(counter, 'a', 'add', 1);
    await system.run();
    assert.deepEqual(await served, ok(1));
  });

  it('waits for its own earlier commits before it starts again (SH3)', async () => {
    const { system, toys } = setUp();
    system.autoCommit = false;
    const add = system.ask(counter, 'a', 'add', 7);
    const fail = system.ask(counter, 'a', 'fail', { add: 1, times: 1 });
    await system.run();
    await system.pass(10);
    assert.equal(system.failures.length, 1);
    assert.equal(toys.activations, 1);
    system.autoCommit = true;
    await system.run();
    assert.deepEqual(await add, ok(7));
    assert.deepEqual(await fail, ok(8));
  });

  it('is paused and tried again when it cannot even be activated', async () => {
    const { system, toys } = setUp();
    toys.activationsToFail = 2;
    const add = system.ask(counter, 'a', 'add', 1);
    await system.run();
    await system.pass(10);
    await system.pass(20);
    assert.deepEqual(await add, ok(1));
  });

  it('fails when its promise does, and the next turn begins after the pause', async () => {
    const { system, toys } = setUp();
    const slow = system.ask(counter, 'a', 'slowAdd', 1);
    await system.run();
    toys.latches.shift()!.fail(new Error('it was told to fail'));
    await system.run();
    assert.equal(toys.latches.length, 0);
    await system.pass(10);
    toys.latches.shift()!.end();
    await system.run();
    assert.deepEqual(await slow, ok(1));
  });
});

describe('an ask kept open', () => {
  it("is answered in a later turn, once, behind that turn's commit", async () => {
    const { system } = setUp();
    const order: string[] = [];
    collect(order, 'wait', system.ask(counter, 'a', 'wait', null));
    await system.run();
    system.autoCommit = false;
    collect(order, 'release', system.ask(counter, 'a', 'release', 2));
    await system.run();
    assert.deepEqual(order, []);
    system.commit();
    await system.run();
    assert.deepEqual(order.sort(), ['release:2', 'wait:2']);
  });

  it('is told when the activation that kept it ends (SH4, R1)', async () => {
    const { system } = setUp();
    const waiting = system.ask(counter, 'a', 'wait', null);
    await system.run();
    system.tell(counter, 'a', 'failAfterState', null);
    await system.run();
    assert.equal(fault(await waiting), 'INTERNAL');
    for (let retry = 0; retry < 3; retry++) await system.pass(BACKOFF_MS_MAX);
    const release = system.ask(counter, 'a', 'release', 1);
    await system.run();
    assert.deepEqual(await release, ok(1));
  });
});

describe('a timer of an actor', () => {
  it('comes once, replaces the one of its name, and can be cancelled', async () => {
    const { system } = setUp();
    const { timers } = system.clock;
    system.tell(counter, 'a', 'later', { delayMs: 100, by: 1 });
    system.tell(counter, 'a', 'later', { delayMs: 200, by: 10 });
    system.tell(counter, 'b', 'later', { delayMs: 100, by: 1 });
    system.tell(counter, 'b', 'cancel', null);
    await system.run();
    await system.pass(150);
    assert.equal(system.stored(['counter', 'a']), undefined);
    await system.pass(100);
    assert.equal(system.stored(['counter', 'a']), 10);
    await system.pass(1_000);
    assert.equal(system.stored(['counter', 'a']), 10);
    assert.equal(system.stored(['counter', 'b']), undefined);
    assert.equal(system.clock.timers, timers);
  });

  it('overtakes what users have queued, and is admitted to a full mailbox (G4, M3)', async () => {
    const { system, toys } = setUp({ capacity: 2 });
    const order: string[] = [];
    system.tell(counter, 'a', 'later', { delayMs: 10, by: 100 });
    collect(order, 'slow', system.ask(counter, 'a', 'slowAdd', 1));
    await system.run();
    collect(order, 'add', system.ask(counter, 'a', 'add', 1));
    collect(order, 'add', system.ask(counter, 'a', 'add', 1));
    await system.pass(10);
    toys.latches.shift()!.end();
    await system.run();
    assert.deepEqual(order, ['slow:1', 'add:102', 'add:103']);
  });

  it('dies with its activation (R1)', async () => {
    const { system } = setUp();
    system.tell(counter, 'a', 'later', { delayMs: 50, by: 1 });
    system.tell(counter, 'a', 'fail', { add: 0, times: 1 });
    await system.run();
    await system.pass(10_000);
    assert.equal(system.stored(['counter', 'a']), 0);
  });
});

describe('passivation in a shard', () => {
  it('lets the least recently used go past the bound of bytes, and brings them back from the store (G10, CT2)', async () => {
    const { system, toys } = setUp({ residentBytes: 1_000, residentBytesMax: 10_000 });
    for (let i = 0; i < 30; i++) {
      system.tell(counter, `k${i}`, 'add', i);
      await system.run();
    }
    const { residentActors, residentBytes } = system.shard.stats;
    assert.ok(residentBytes <= 10_000, `${residentBytes}`);
    assert.ok(residentActors >= 5 && residentActors < 10, `${residentActors}`);
    const before = toys.activations;
    const [old, young] = [system.ask(counter, 'k3', 'read', null), system.ask(counter, 'k29', 'read', null)];
    await system.run();
    assert.deepEqual([await old, await young], [ok(3), ok(29)]);
    assert.equal(toys.activations, before + 1);
  });

  it('never lets go of an actor with an open ask, a timer, an unsettled commit or a turn that runs', async () => {
    const { system, toys } = setUp({ residentBytes: 1_000, residentBytesMax: 100 });
    const open = system.ask(counter, 'open', 'wait', null);
    system.tell(counter, 'timer', 'later', { delayMs: 100, by: 1 });
    const slow = system.ask(counter, 'slow', 'slowAdd', 1);
    await system.run();
    system.autoCommit = false;
    const pending = system.ask(counter, 'pending', 'add', 1);
    await system.run();
    assert.equal(system.shard.stats.residentActors, 4);
    system.autoCommit = true;
    system.tell(counter, 'open', 'release', 5);
    await system.pass(100);
    toys.latches.shift()!.end();
    await system.run();
    assert.deepEqual([await open, await slow, await pending], [ok(5), ok(1), ok(1)]);
    assert.equal(system.stored(['counter', 'timer']), 1);
    assert.equal(system.shard.stats.residentActors, 0);
  });
});
