import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Key } from '../../src/runtime/actor.js';
import { answerEntry, findAnswer, forgettableBefore, IDEMPOTENCY_MS } from '../../src/runtime/idempotency.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';

const idempotency = { scope: 'scope', key: 'key', fingerprint: 'print' };
const payload = Uint8Array.of(1, 2, 3);
const wall = fc.integer({ min: 1_600_000_000_000, max: 1_900_000_000_000 });

function remembered(at: number): (key: Key) => unknown {
  const entry = answerEntry(idempotency, at, payload);
  const stored = Buffer.from(encodeKey(entry.key)).toString('hex');
  return (key) => (Buffer.from(encodeKey(key)).toString('hex') === stored ? entry.value : undefined);
}

describe('a remembered answer', () => {
  it('is found for a day, over midnight too, and then no more (I1)', () => {
    fc.assert(
      fc.property(wall, fc.nat({ max: 3 * IDEMPOTENCY_MS }), (at, later) => {
        const found = findAnswer(remembered(at), idempotency, at + later);
        assert.deepEqual(found, later < IDEMPOTENCY_MS ? { kind: 'answer', payload } : undefined);
        const conflict = findAnswer(remembered(at), { ...idempotency, fingerprint: 'other' }, at + later);
        assert.deepEqual(conflict, later < IDEMPOTENCY_MS ? { kind: 'conflict' } : undefined);
      }),
    );
  });

  it('of another scope or key is not found', () => {
    const at = 1_700_000_000_000;
    assert.equal(findAnswer(remembered(at), { ...idempotency, scope: 'x' }, at), undefined);
    assert.equal(findAnswer(remembered(at), { ...idempotency, key: 'x' }, at), undefined);
  });

  it('may be forgotten only when it can no longer be found, and at the latest after two days more (I3)', () => {
    fc.assert(
      fc.property(wall, fc.nat({ max: 5 * IDEMPOTENCY_MS }), (at, later) => {
        const entry = Buffer.from(encodeKey(answerEntry(idempotency, at, payload).key));
        const forgettable = Buffer.compare(entry, encodeKey(forgettableBefore(at + later))) < 0;
        if (forgettable) assert.ok(later >= IDEMPOTENCY_MS);
        if (later >= 3 * IDEMPOTENCY_MS) assert.ok(forgettable);
      }),
    );
  });
});
