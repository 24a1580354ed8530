// Batches on their way in, and the stamps that their waits are told by.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Arrivals, msBetween, stampOf } from '../../src/runtime/arrivals.js';
import { ADMIT_MS } from '../../src/runtime/dispatcher.js';
import { ManualClock } from './manual-clock.js';

test('takes in what came in its order, each with the time of the last look, for as long as it may (AR1, AR2)', () => {
  const clock = new ManualClock();
  const begun = clock.monotonic();
  const taken: [connection: number, ms: number][] = [];
  const arrivals = new Arrivals(clock, (connection, _batch, stamp) => {
    taken.push([connection, msBetween(stampOf(begun), stamp)]);
    clock.advance(1);
  });
  assert.equal(arrivals.isEmpty, true);
  for (const connection of [1, 2, 3, 4]) arrivals.push(connection, new ArrayBuffer(0));
  assert.equal(arrivals.admit(begun + ADMIT_MS), true);
  assert.deepEqual(taken, [
    [1, 0],
    [2, 1],
  ]);
  assert.equal(arrivals.admit(clock.monotonic() + ADMIT_MS), false);
  assert.deepEqual(taken.slice(2), [
    [3, 2],
    [4, 3],
  ]);
  assert.equal(arrivals.isEmpty, true);
});

test('a stamp tells a wait to a part of a millisecond, however long the process has run', () => {
  const hour = 3_600_000;
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 10_000 * hour, noNaN: true }),
      fc.double({ min: 0, max: 9 * hour, noNaN: true }),
      (earlier, wait) => {
        const told = msBetween(stampOf(earlier), stampOf(earlier + wait));
        assert.ok(Math.abs(told - wait) <= 1 / 32, `${told} is not ${wait}`);
      },
    ),
  );
  assert.equal(msBetween(stampOf(5), stampOf(4)), 0);
});
