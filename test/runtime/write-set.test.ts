import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { hashOf, WriteSet } from '../../src/runtime/write-set.js';

const keys = fc.array(fc.uint8Array({ maxLength: 2, max: 5 }), { maxLength: 60, size: 'max' });

describe('a write set', () => {
  it('holds each key once, in the order of the first writes, with the last of them, however many there are', () => {
    fc.assert(
      fc.property(keys, keys, (first, second) => {
        const set = new WriteSet();
        for (const written of [first, second]) {
          const model = new Map<string, number>();
          written.forEach((key, at) => {
            set.set(key, Uint8Array.of(at));
            model.set(key.toString(), at);
            assert.equal(set.size, model.size);
          });
          assert.deepEqual(
            set.list.map(({ key, value }) => [key.toString(), value![0]]),
            [...model],
          );
          for (const key of written) assert.equal(set.get(key, hashOf(key))!.value![0], model.get(key.toString()));
          set.clear();
          assert.equal(set.size, 0);
        }
      }),
    );
  });

  it('does not take one key for another that has its hash', () => {
    const set = new WriteSet();
    const [key, other] = [Uint8Array.of(1, 2), Uint8Array.of(1, 3)];
    set.set(key, null);
    assert.equal(set.get(other, hashOf(key)), undefined);
    assert.equal(set.get(key, hashOf(other)), undefined);
  });
});
