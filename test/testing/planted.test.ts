// The guarantees can fail: bugs planted in copies of the runtime are found by the schedules, and by what they do.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Patch } from '../crash/planted-build.js';
import { BROKEN } from './explore.js';
import type { GuaranteeName } from './guarantees.js';
import { plantRuntime } from './planted-runtime.js';
import { plants } from './runtime-plants.js';

const SEED = 4_711;
const SCHEDULES_MAX = 4_000;

function explore(patches: readonly Patch[], name: GuaranteeName, schedules: number) {
  const runtime = plantRuntime(patches);
  try {
    return runtime.explore(name, schedules, SEED);
  } finally {
    runtime.remove();
  }
}

describe('a planted bug is found', () => {
  for (const { bug, foundBy, says, patches } of plants) {
    it(`${bug} (by ${foundBy})`, () => {
      const { code, said } = explore(patches, foundBy, SCHEDULES_MAX);
      assert.equal(code, BROKEN, `not found in ${SCHEDULES_MAX} schedules: ${said}`);
      assert.match(said, says);
    });
  }

  it('and in a copy without one there is nothing to find', () => {
    const { code, said } = explore([], 'G1', SCHEDULES_MAX / 20);
    assert.equal(code, 0, said);
  });
});
