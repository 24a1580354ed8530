// What an actor reads of its own, and whether it may leave, while the tables are behind.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { done, setUp } from './lagging-system.js';
import { shelf } from './shelf-kind.js';

describe('an actor whose writes are durable and not in the tables', () => {
  it('reads them in every way, turn after turn (A2, T2)', async () => {
    const { system, act } = setUp();
    await done(
      system,
      act('s', [
        ['a', 1],
        ['b', 2],
        ['c', 3],
      ]),
    );
    system.apply();
    const first = await done(
      system,
      act(
        's',
        [
          ['b', 20],
          ['d', 4],
        ],
        ['a'],
      ),
    );
    assert.deepEqual(first, {
      rows: [
        ['b', 20],
        ['c', 3],
        ['d', 4],
      ],
      names: ['b', 'c', 'd'],
      count: 3,
    });
    assert.equal(system.inTables(['shelf', 's', 'b']), 2);
    assert.deepEqual(await done(system, act('s', [])), first);
    const last = system.ask(shelf, 's', 'act', { puts: [], drops: ['d'], look: { limit: 1, reverse: true } });
    assert.deepEqual(await done(system, last), { rows: [['c', 3]], names: ['c'], count: 2 });
    system.apply();
    assert.deepEqual(await done(system, act('s', [])), {
      rows: [
        ['b', 20],
        ['c', 3],
      ],
      names: ['b', 'c'],
      count: 2,
    });
  });

  it('finds them when it is activated again after a throw (SH3, OV1)', async () => {
    const { system, act, shelves } = setUp();
    await done(
      system,
      act('s', [
        ['a', 1],
        ['b', 2],
      ]),
    );
    shelves.failuresLeft = 1;
    const fails = system.ask(shelf, 's', 'fail', null);
    await system.run();
    await system.pass(10);
    assert.ok((await fails).ok);
    assert.equal(shelves.activations, 2);
    assert.equal(system.inTables(['shelf', 's', 'a']), undefined);
    const found = await done(system, system.ask(shelf, 's', 'found', null));
    assert.deepEqual(found, [
      ['a', 1],
      ['b', 2],
    ]);
  });

  it('finds them after a commit that failed, also those that the failed one had replaced (OV3, SH5)', async () => {
    const { system, act } = setUp();
    await done(
      system,
      act('s', [
        ['a', 1],
        ['b', 2],
      ]),
    );
    system.log.failuresLeft = 1;
    const failed = act(
      's',
      [
        ['a', 10],
        ['c', 30],
      ],
      ['b'],
    );
    await system.run();
    assert.ok(!(await failed).ok);
    assert.deepEqual(await done(system, act('s', [])), {
      rows: [
        ['a', 1],
        ['b', 2],
      ],
      names: ['a', 'b'],
      count: 2,
    });
    assert.deepEqual(await done(system, system.ask(shelf, 's', 'found', null)), [
      ['a', 1],
      ['b', 2],
    ]);
    system.apply();
    assert.deepEqual(await done(system, act('s', [['b', 5]])), {
      rows: [
        ['a', 1],
        ['b', 5],
      ],
      names: ['a', 'b'],
      count: 2,
    });
  });

  it('starts from the store after a failed commit that wrote no key (SH5)', async () => {
    const { system, shelves } = setUp();
    await done(system, system.ask(shelf, 's', 'found', null));
    system.log.failuresLeft = 1;
    const failed = system.ask(shelf, 's', 'emit', null);
    await system.run();
    assert.ok(!(await failed).ok);
    await done(system, system.ask(shelf, 's', 'found', null));
    assert.equal(shelves.activations, 2);
  });

  it('stays in memory until they are, and is let go then (CT2, G10)', async () => {
    const { system, act } = setUp({ residentBytesMax: 100 });
    const keys = ['a', 'b', 'c'];
    for (const key of keys) await done(system, act(key, [['x', 1]]));
    assert.deepEqual([system.shard.stats.residentActors, system.shard.stats.recordsUnapplied], [3, 3]);
    assert.equal(system.shard.stats.recordsUnsettled, 0);
    system.apply();
    await system.run();
    assert.deepEqual([system.shard.stats.residentActors, system.shard.stats.recordsUnapplied], [0, 0]);
    for (const key of keys) assert.deepEqual(await done(system, system.ask(shelf, key, 'found', null)), [['x', 1]]);
  });

  it('may go after its commit failed, when the tables hold the rest (CT2)', async () => {
    const { system, act } = setUp({ residentBytesMax: 100 });
    system.log.failuresLeft = 1;
    const failed = act('a', [['x', 1]]);
    await system.run();
    assert.ok(!(await failed).ok);
    assert.deepEqual([system.shard.stats.residentActors, system.shard.stats.recordsUnapplied], [0, 0]);
  });
});
