import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { UPGRADES_PER_TURN, UpgradePace } from '../../../src/transport/listener/upgrade-pace.js';

/** As a listener does: at once where there is room, else later. */
function ask(pace: UpgradePace, begin: () => void): void {
  if (pace.hasRoom) {
    pace.took();
    begin();
  } else {
    pace.later(begin);
  }
}

describe('the pace of upgrades', () => {
  test('begins so many in a turn, in the order in which they came, and the rest in the turns behind it (UP1, UP2)', async () => {
    const pace = new UpgradePace();
    const begun: number[] = [];
    const all = Array.from({ length: 2 * UPGRADES_PER_TURN + 3 }, (_, place) => place);
    for (const place of all) ask(pace, () => begun.push(place));
    for (let turns = 1; begun.length < all.length; turns++) {
      assert.equal(begun.length, turns * UPGRADES_PER_TURN);
      await turn();
    }
    assert.deepEqual(begun, all);
  });

  test('lets nobody overtake those who wait (UP2)', async () => {
    const pace = new UpgradePace();
    const begun: number[] = [];
    let asked = 0;
    const total = 5 * UPGRADES_PER_TURN;
    while (begun.length < total) {
      for (let n = 0; n < UPGRADES_PER_TURN + 1 && asked < total; n++) {
        const place = asked++;
        ask(pace, () => begun.push(place));
      }
      await turn();
    }
    assert.deepEqual(
      begun,
      Array.from({ length: total }, (_, place) => place),
    );
  });

  test('has room again for whoever comes after a quiet turn', async () => {
    const pace = new UpgradePace();
    for (let n = 0; n < UPGRADES_PER_TURN; n++) ask(pace, () => undefined);
    assert.equal(pace.hasRoom, false);
    await turn();
    await turn();
    assert.equal(pace.hasRoom, true);
  });
});
