import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { RUNS_PER_TURN, TurnPace } from '../../../src/transport/session/turn-pace.js';
import { SessionWorld } from './session-world.js';

test('begins with some of many tokens that come at once, and with the others in the turns behind it (SS5)', async () => {
  const world = new SessionWorld(100);
  let begun = 0;
  world.authenticate = () => {
    begun += 1;
    return new Promise(() => undefined);
  };
  const sockets = Array.from({ length: 3 * RUNS_PER_TURN }, () => world.open());
  assert.equal(begun, RUNS_PER_TURN);
  sockets.at(-1)?.leave();
  await turn();
  assert.equal(begun, 2 * RUNS_PER_TURN);
  await turn();
  assert.equal(begun, 3 * RUNS_PER_TURN - 1, 'the one that left is forgotten');
});

describe('the pace of a turn', () => {
  test('begins so many in a turn, in the order in which they came, and the rest in the turns behind it (TP1, TP2)', async () => {
    const pace = new TurnPace();
    const begun: number[] = [];
    const all = Array.from({ length: 2 * RUNS_PER_TURN + 3 }, (_, place) => place);
    for (const place of all) pace.run(() => begun.push(place));
    for (let turns = 1; begun.length < all.length; turns++) {
      assert.equal(begun.length, turns * RUNS_PER_TURN);
      await turn();
    }
    assert.deepEqual(begun, all);
  });

  test('lets nobody overtake those who wait (TP2)', async () => {
    const pace = new TurnPace();
    const begun: number[] = [];
    let asked = 0;
    const total = 5 * RUNS_PER_TURN;
    while (begun.length < total) {
      for (let n = 0; n < RUNS_PER_TURN + 1 && asked < total; n++) {
        const place = asked++;
        pace.run(() => begun.push(place));
      }
      await turn();
    }
    assert.deepEqual(
      begun,
      Array.from({ length: total }, (_, place) => place),
    );
  });

  test('has room again for whoever comes after a quiet turn', async () => {
    const pace = new TurnPace();
    for (let n = 0; n < RUNS_PER_TURN; n++) pace.run(() => undefined);
    let hasBegun = false;
    const begin = () => {
      hasBegun = true;
    };
    pace.run(begin);
    assert.equal(hasBegun, false);
    await turn();
    await turn();
    assert.equal(hasBegun, true);
    hasBegun = false;
    await turn();
    pace.run(begin);
    assert.equal(hasBegun, true);
  });
});
