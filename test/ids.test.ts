import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createIdSource, newAgentAddress, newId } from '../src/ids.js';

describe('an id', () => {
  it('is a UUIDv7', () => {
    assert.match(newId(), /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('is larger than the one before it, a hundred thousand times over (D1)', () => {
    let last = newId();
    for (let i = 0; i < 100_000; i++) {
      const next = newId();
      assert.ok(next > last, `${next} after ${last}`);
      last = next;
    }
  });

  it('is larger than the one before it when the wall clock goes back by a year (D1)', () => {
    let nowMs = 1_800_000_000_000;
    const next = createIdSource(() => nowMs);
    const before = next();
    nowMs -= 365 * 86_400_000;
    const after = next();
    assert.ok(after > before);
    nowMs = 1_800_000_000_001;
    assert.ok(next() > after);
  });
});

describe('an agent address', () => {
  it('is the prefix and twenty of [a-z0-9]', () => {
    for (let i = 0; i < 1000; i++) assert.match(newAgentAddress('tab_'), /^tab_[a-z0-9]{20}$/);
    assert.match(newAgentAddress('x-'), /^x-[a-z0-9]{20}$/);
  });

  it('is not met twice', () => {
    assert.equal(new Set(Array.from({ length: 50_000 }, () => newAgentAddress('tab_'))).size, 50_000);
  });

  it('uses each of its 36 characters equally often (D2)', () => {
    const counts = new Map<string, number>();
    const addresses = 20_000;
    for (let i = 0; i < addresses; i++) {
      for (const char of newAgentAddress('')) counts.set(char, (counts.get(char) ?? 0) + 1);
    }
    assert.equal(counts.size, 36);
    // Chi-squared with 35 degrees of freedom exceeds 120 once in 10^11; taking 256 % 36 without care gives over 1,000.
    const expected = (addresses * 20) / 36;
    const chiSquared = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    assert.ok(chiSquared < 120, `chi-squared ${chiSquared}`);
  });
});
