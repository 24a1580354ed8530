import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ExpiringMap } from '../../../src/transport/gate/expiring-map.js';

describe('an expiring map', () => {
  it('forgets an entry at the end of its life and not before (X1)', () => {
    const map = new ExpiringMap<number>({ lifetimeMs: 100, entriesMax: 10 });
    map.set('a', 1, 1000);
    assert.equal(map.get('a', 1099), 1);
    assert.equal(map.get('a', 1100), undefined);
    assert.equal(map.size, 0);
  });

  it('drops the oldest entry when it is full (X2)', () => {
    const map = new ExpiringMap<number>({ lifetimeMs: 100, entriesMax: 2 });
    map.set('a', 1, 0);
    map.set('b', 2, 1);
    map.set('a', 3, 2);
    map.set('c', 4, 3);
    assert.deepEqual([map.get('a', 4), map.get('b', 4), map.get('c', 4)], [3, undefined, 4]);
  });

  it('drops expired entries a few at a time', () => {
    const map = new ExpiringMap<number>({ lifetimeMs: 100, entriesMax: 1000 });
    for (let i = 0; i < 100; i++) map.set(String(i), i, i);
    map.dropExpired(149, 10);
    assert.equal(map.size, 90);
    map.dropExpired(149, 1000);
    assert.equal(map.size, 50);
    assert.equal(map.get('50', 149), 50);
  });

  it('behaves as a plain list of its entries does, and tells of each that leaves (X1, X2, X3)', () => {
    const step = fc.record({
      kind: fc.constantFrom('set' as const, 'get' as const, 'delete' as const, 'drop' as const),
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      passMs: fc.nat(60),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const left: string[] = [];
        const map = new ExpiringMap<number>({
          lifetimeMs: 100,
          entriesMax: 4,
          onDrop: (key, v) => left.push(`${key}${v}`),
        });
        let model: { key: string; value: number; bornMs: number }[] = [];
        const everSet: string[] = [];
        let nowMs = 0;
        for (const [value, { kind, key, passMs }] of steps.entries()) {
          nowMs += passMs;
          if (kind === 'set') {
            model = model.filter((entry) => entry.key !== key).slice(-3);
            model.push({ key, value, bornMs: nowMs });
            everSet.push(`${key}${value}`);
            map.set(key, value, nowMs);
          } else if (kind === 'get') {
            const alive = model.find((entry) => entry.key === key && nowMs - entry.bornMs < 100);
            assert.equal(map.get(key, nowMs), alive?.value);
            if (alive === undefined) model = model.filter((entry) => entry.key !== key);
          } else if (kind === 'delete') {
            model = model.filter((entry) => entry.key !== key);
            map.delete(key);
          } else {
            model = model.filter((entry) => nowMs - entry.bornMs < 100);
            map.dropExpired(nowMs, 100);
          }
          assert.equal(map.size, model.length);
        }
        const kept = model.map((entry) => `${entry.key}${entry.value}`);
        assert.deepEqual([...left, ...kept].sort(), everSet.sort());
      }),
      { numRuns: 1000 },
    );
  });
});
