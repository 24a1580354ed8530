import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect, done, keyOn, setUp } from './lagging-system.js';
import { NOTICE, shelf } from './shelf-kind.js';
import { counter } from './toy-kinds.js';

const idempotency = { scope: 's', key: 'k', fingerprint: 'f' };

describe('a turn that reads what others wrote', () => {
  it('waits until the tables hold what was acknowledged, then sees it; one that says nothing does not wait (A4, CU1)', async () => {
    const { system, act } = setUp({ workers: 2 });
    const [here, there] = [keyOn(system, 0), keyOn(system, 1)];
    await done(system, act(here, [['x', 7]]));
    const order: string[] = [];
    collect(order, 'peek', system.ask(shelf, there, 'peek', { shelf: here, name: 'x' }));
    await system.run();
    assert.deepEqual(order, []);
    assert.equal(system.settles, 1);
    assert.equal(system.shards[1]!.shard.isIdle, false);
    collect(order, 'glance', system.ask(shelf, 'other', 'glance', { shelf: here, name: 'x' }));
    await system.run();
    assert.deepEqual(order, ['glance:null']);
    system.apply();
    await system.run();
    assert.deepEqual(order, ['glance:null', 'peek:7']);
  });

  it('does not wait for keys that nobody wrote, for its own, or when nothing is behind', async () => {
    const { system, act } = setUp();
    await done(system, act('a', [['x', 7]]));
    assert.equal(await done(system, system.ask(shelf, 'b', 'peek', { shelf: 'a', name: 'nothing' })), null);
    assert.equal(await done(system, system.ask(shelf, 'a', 'peek', { shelf: 'a', name: 'x' })), 7);
    system.apply();
    assert.equal(await done(system, system.ask(shelf, 'b', 'peek', { shelf: 'a', name: 'x' })), 7);
    assert.deepEqual(await done(system, system.ask(shelf, 'b', 'survey', null)), ['a/x']);
    assert.equal(system.settles, 0);
  });

  it('waits for what was durable when its time had come, and for nothing later (CU2)', async () => {
    const { system, act } = setUp();
    await done(system, act('a', [['x', 1]]));
    const order: string[] = [];
    collect(order, 'survey', system.ask(shelf, 'b', 'survey', null));
    await system.run();
    system.applier.applyOnce();
    await done(system, act('a', [['y', 2]]));
    assert.deepEqual(order, []);
    // Now the shard is told how far the tables are: as far as the survey needs, and behind the journal.
    system.journal.applied(system.applier.applied);
    await system.run();
    assert.ok(system.progress.behind > 0);
    assert.deepEqual(order, ['survey:["a/x"]']);
  });

  it('goes on when the tables are as far as it needs, and not when they have only come further (CU1)', async () => {
    const { system, act } = setUp({ workers: 2 });
    const [here, there] = [keyOn(system, 0), keyOn(system, 1)];
    await done(system, act(here, [['x', 1]]));
    system.applier.applyOnce();
    await done(system, act(here, [['x', 2]]));
    const order: string[] = [];
    collect(order, 'peek', system.ask(shelf, there, 'peek', { shelf: here, name: 'x' }));
    await system.run();
    system.journal.applied(system.applier.applied);
    await system.run();
    assert.deepEqual(order, []);
    system.apply();
    await system.run();
    assert.deepEqual(order, ['peek:2']);
  });

  it('over everything sees what others made of its own rows, though it has not forgotten writing them', async () => {
    const { system, act } = setUp();
    await done(system, act('c', [['z', 0]]));
    const group = system.journal.durable;
    await done(system, act('a', [['x', 1]]));
    await done(system, system.ask(shelf, 'b', 'take', { shelf: 'a', name: 'x' }));
    // The tables are up to date, and the shard was not told; then only of the first group.
    system.applier.applyOnce();
    assert.equal(system.progress.behind, 0);
    const order: string[] = [];
    collect(order, 'survey', system.ask(shelf, 'a', 'survey', null));
    await system.run();
    system.journal.applied(group);
    await system.run();
    assert.deepEqual(order, []);
    system.apply();
    await system.run();
    assert.deepEqual(order, ['survey:["c/z"]']);
  });

  it('keeps the order of its sender, before and behind it (G3, M1)', async () => {
    const { system, act, shelves } = setUp();
    await done(system, act('a', [['x', 1]]));
    const order: string[] = [];
    collect(order, '1', system.ask(shelf, 'b', 'found', null));
    collect(order, '2', system.ask(shelf, 'b', 'peek', { shelf: 'a', name: 'x' }));
    collect(order, '3', system.ask(shelf, 'b', 'found', null));
    collect(order, '4', system.ask(shelf, 'b', 'survey', null));
    collect(order, '5', system.ask(shelf, 'b', 'found', null));
    await system.run();
    assert.deepEqual(order, ['1:[]']);
    system.apply();
    await system.run();
    assert.deepEqual(order, ['1:[]', '2:1', '3:[]', '4:["a/x"]', '5:[]']);
    assert.equal(shelves.activations, 2);
  });

  it('counts in the mailbox while it waits (M2, G4)', async () => {
    const { system, act } = setUp({ capacity: 2 });
    await done(system, act('a', [['x', 1]]));
    const order: string[] = [];
    collect(order, 'peek', system.ask(shelf, 'b', 'peek', { shelf: 'a', name: 'x' }));
    await system.run();
    for (const name of ['2', '3']) collect(order, name, system.ask(shelf, 'b', 'found', null));
    await system.run();
    assert.deepEqual(order, ['3:OVERLOADED']);
    system.apply();
    await system.run();
    assert.deepEqual(order, ['3:OVERLOADED', 'peek:1', '2:[]']);
    assert.equal(system.shards[0]!.front.inFlightBytes, 0);
  });

  it('asks once for all who wait (CU4), and they go on in the order in which they were parked (CU3)', async () => {
    const { system, act } = setUp();
    await done(system, act('a', [['x', 1]]));
    const order: string[] = [];
    for (const key of ['b', 'c', 'd']) collect(order, key, system.ask(shelf, key, 'peek', { shelf: 'a', name: 'x' }));
    await system.run();
    await done(system, act('a', [['y', 2]]));
    collect(order, 'e', system.ask(shelf, 'e', 'peek', { shelf: 'a', name: 'y' }));
    await system.run();
    assert.equal(system.settles, 1);
    system.apply();
    await system.run();
    assert.deepEqual(order, ['b:1', 'c:1', 'd:1', 'e:2']);
    assert.equal(system.settles, 1);
  });

  it('begins anew when its actor lost its state while it waited, and waits for what that needs too (SH4, CU1)', async () => {
    const { system, act, shelves } = setUp();
    await done(system, act('a', [['x', 1]]));
    await done(system, system.ask(shelf, 'b', 'found', null));
    system.autoCommit = false;
    const order: string[] = [];
    collect(order, 'act', act('b', [['z', 1]]));
    collect(order, 'peek', system.ask(shelf, 'b', 'peek', { shelf: 'a', name: 'x' }));
    await system.run();
    system.log.failuresLeft = 1;
    system.commit();
    system.autoCommit = true;
    await done(system, act(NOTICE.shelf, []));
    system.applier.applyOnce();
    await done(system, act(NOTICE.shelf, [[NOTICE.name, 5]]));
    // The tables hold what the peek waited for, and not the notice that its actor must read to start again.
    system.journal.applied(system.applier.applied);
    await system.run();
    assert.deepEqual(order, ['act:COMMIT_FAILED']);
    system.apply();
    await system.run();
    assert.deepEqual(order, ['act:COMMIT_FAILED', 'peek:1']);
    assert.deepEqual(await done(system, system.ask(shelf, 'b', 'found', null)), []);
    assert.equal(await done(system, system.ask(shelf, 'b', 'notice', null)), 5);
    assert.equal(shelves.activations, 4);
  });
});

describe('an ask with an idempotency key, while the tables are behind', () => {
  it('is found by another actor, which waits for it (I1)', async () => {
    const { system } = setUp({ workers: 2 });
    const [a, b] = [keyOn(system, 0, 'counter'), keyOn(system, 1, 'counter')];
    assert.equal(await done(system, system.ask(counter, a, 'add', 1, { idempotency })), 1);
    const order: string[] = [];
    const other = { ...idempotency, fingerprint: 'g' };
    collect(order, 'other', system.ask(counter, b, 'add', 5, { idempotency: other }));
    collect(order, 'same', system.ask(counter, b, 'add', 5, { idempotency }));
    await system.run();
    assert.deepEqual(order, []);
    system.apply();
    await system.run();
    assert.deepEqual(order, ['other:CONFLICT', 'same:1']);
    assert.equal(system.stored(['counter', b]), undefined);
  });

  it('is answered at once by the actor that answered it first', async () => {
    const { system } = setUp();
    await done(system, system.ask(counter, 'a', 'add', 1, { idempotency }));
    const repeat = system.ask(counter, 'a', 'add', 1, { idempotency });
    await system.run();
    assert.deepEqual(await repeat, { ok: true, value: 1, replayed: true });
    assert.equal(system.settles, 0);
  });
});

describe('a new life of a shard', () => {
  it('activates nobody before the tables hold what the former life wrote (CU5)', async () => {
    const { system, act, shelves } = setUp({ workers: 2 });
    const key = keyOn(system, 0);
    await done(system, act(key, [['x', 1]]));
    system.bury(system.replace(0));
    const order: string[] = [];
    collect(order, 'act', act(key, [['y', 2]]));
    collect(order, 'found', system.ask(shelf, key, 'found', null));
    await system.run();
    assert.deepEqual(order, []);
    assert.equal(shelves.activations, 1);
    assert.equal(system.settles, 1);
    system.apply();
    await system.run();
    assert.deepEqual(order, ['act:{"rows":[["x",1],["y",2]],"names":["x","y"],"count":2}', 'found:[["x",1]]']);
  });
});
