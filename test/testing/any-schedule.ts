// The guarantees of the runtime under thousands of schedules: which worker's turn it is, when batches arrive, when the
// journal writes and the tables follow, what fails and what dies, all by seed. TESTING_SCHEDULES=10000 tries more of each
// (`npm run test:schedules`), TESTING_SEED tries those of a failure again.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, it } from 'node:test';
import { type GuaranteeName, guarantees } from './guarantees.js';

/** Of each guarantee. */
const SCHEDULES = 1_000;
const SEED_MAX = 2 ** 31;

export function holdUnderAnySchedule(names: readonly GuaranteeName[]): void {
  const schedules = Number(process.env.TESTING_SCHEDULES ?? SCHEDULES);
  describe('under any schedule', () => {
    for (const { name, explore } of names.map((each) => guarantees[each])) {
      it(name, async () => {
        assert.ok(schedules > 0, 'TESTING_SCHEDULES is a number of schedules');
        await explore(schedules, Number(process.env.TESTING_SEED ?? randomInt(SEED_MAX)));
      });
    }
  });
}
