import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureCase, type Sample, type Subject, spreadOf } from '../../bench/harness/measure.js';

const BUDGET = { warmUpMs: 1, sampleMs: 10, rounds: 3 };

function subject(name: string, rates: readonly number[], log: string[] = []): Subject {
  let turn = 0;
  return {
    name,
    run: async (budgetMs): Promise<Sample> => {
      log.push(`${name} ${budgetMs}`);
      return { operations: rates[turn++ % rates.length]!, elapsedMs: 1000, latency: null };
    },
  };
}

test('warms up first, then interleaves the rounds and turns their order around (B2)', async () => {
  const log: string[] = [];
  await measureCase({ name: 'c', floor: subject('f', [1], log), subjects: [subject('s', [1], log)] }, BUDGET);
  assert.deepEqual(log, ['f 1', 's 1', 'f 10', 's 10', 's 10', 'f 10', 'f 10', 's 10']);
});

test('gives medians and spreads, and ratios to the floor of the same round (B3)', async () => {
  // The first of each is the warm-up, which must not count.
  const floor = subject('f', [9, 100, 200, 400]);
  const { results } = await measureCase({ name: 'c', floor, subjects: [subject('s', [9, 50, 150, 100])] }, BUDGET);
  assert.deepEqual(results[0]!.perSecond, { median: 200, least: 100, greatest: 400 });
  assert.deepEqual(results[1]!.ratio, { median: 0.5, least: 0.25, greatest: 0.75 });
});

test('ends with an error when the far end holds less or more than was acknowledged (B1)', async () => {
  for (const error of [-1, 1]) {
    let held = 0;
    const honest = subject('s', [5]);
    const wrong: Subject = {
      ...honest,
      run: async (budgetMs) => {
        held += 5;
        return await honest.run(budgetMs);
      },
      countFarEnd: async () => (held > 10 ? held + error : held),
    };
    const measured = measureCase({ name: 'c', floor: subject('f', [1]), subjects: [wrong] }, BUDGET);
    await assert.rejects(measured, /15 were acknowledged, and the far end holds 1[46]/);
  }
});

test('ends with an error when nothing was acknowledged (B1)', async () => {
  const measured = measureCase({ name: 'c', floor: subject('f', [0]), subjects: [] }, BUDGET);
  await assert.rejects(measured, /nothing was acknowledged/);
});

test('the median of an even count is the mean of the middle two', () => {
  assert.deepEqual(spreadOf([4, 1, 3, 2]), { median: 2.5, least: 1, greatest: 4 });
});
