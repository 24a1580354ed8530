// The guarantees of the runtime under thousands of schedules: which worker's turn it is, when batches arrive, when the
// journal writes and the tables follow, what fails and what dies, all by seed. TESTING_SCHEDULES=100000 tries more of them,
// TESTING_SEED tries those of a failure again.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, it } from 'node:test';
import { guarantees } from './guarantees.js';

const SCHEDULES = 10_000;
const SEED_MAX = 2 ** 31;

const all = Object.values(guarantees);
const total = Number(process.env.TESTING_SCHEDULES ?? SCHEDULES);
const each = Math.ceil(total / all.length);

describe('under any schedule', () => {
  for (const { name, explore } of all) {
    it(name, async () => {
      assert.ok(each > 0, 'TESTING_SCHEDULES is a number of schedules');
      await explore(each, Number(process.env.TESTING_SEED ?? randomInt(SEED_MAX)));
    });
  }
});
