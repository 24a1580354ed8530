import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { HeavyHitters } from '../../src/runtime/heavy-hitters.js';

const CAPACITY = 8;

describe('heavy hitters', () => {
  it('hold every key heavier than its share of the total, and never tell too little (HH1, HH2)', () => {
    const weights = fc.array(fc.tuple(fc.nat({ max: 30 }), fc.integer({ min: 1, max: 50 })), { maxLength: 300 });
    fc.assert(
      fc.property(weights, (adds) => {
        const hitters = new HeavyHitters(CAPACITY);
        const exact = new Map<string, number>();
        let total = 0;
        for (const [key, weight] of adds) {
          hitters.add(`${key}`, weight);
          exact.set(`${key}`, (exact.get(`${key}`) ?? 0) + weight);
          total += weight;
        }
        const top = hitters.top(100);
        assert.ok(top.length <= CAPACITY);
        for (const { key, weight } of top) assert.ok(weight >= exact.get(key)!);
        for (const [key, weight] of exact) {
          if (weight > total / CAPACITY) assert.ok(hitters.get(key) >= weight, `${key} of ${weight} is not held`);
        }
        assert.deepEqual(
          top.map(({ weight }) => weight),
          top.map(({ weight }) => weight).sort((a, b) => b - a),
        );
      }),
    );
  });

  it('let what was long ago count less and less, and at last nothing', () => {
    const hitters = new HeavyHitters(CAPACITY);
    hitters.add('old', 8);
    hitters.halve();
    hitters.add('new', 5);
    assert.deepEqual(hitters.top(2), [
      { key: 'new', weight: 5 },
      { key: 'old', weight: 4 },
    ]);
    for (let i = 0; i < 40; i++) hitters.halve();
    assert.deepEqual(hitters.top(2), []);
  });
});
