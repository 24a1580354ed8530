import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NewestWrites } from '../../src/runtime/newest-writes.js';
import { hashOf } from '../../src/runtime/write-set.js';
import { latin1 } from './record-batches.js';

interface Write {
  readonly key: Uint8Array;
  /** null: deleted. */
  readonly value: Uint8Array | null;
}

/** Each buffer holds some of the writes, with a byte between them. */
function gathered(buffers: readonly (readonly Write[])[]): NewestWrites {
  const newest = new NewestWrites();
  for (const writes of buffers) {
    const bytes = Buffer.concat(
      writes.flatMap(({ key, value }) => [key, value ?? '', '|']).map((part) => Buffer.from(part)),
    );
    let at = 0;
    for (const { key, value } of writes) {
      const keyEnd = at + key.length;
      const end = keyEnd + (value?.length ?? 0);
      if (value === null) newest.delete(bytes, at, keyEnd);
      else newest.put(bytes, at, keyEnd, end);
      at = end + 1;
    }
  }
  return newest;
}

function written(newest: NewestWrites): [string, string | null][] {
  const touched: [string, string | null][] = [];
  newest.writeTo({
    put: (key, value) => touched.push([latin1(key), latin1(value)]),
    delete: (key) => touched.push([latin1(key), null]),
  });
  return touched;
}

/** A map keeps the place of a key's first write, too. */
function expected(writes: readonly Write[]): [string, string | null][] {
  return [...new Map(writes.map(({ key, value }) => [latin1(key), value === null ? null : latin1(value)]))];
}

/** Two keys that only their bytes tell apart: among 100,000 keys there is such a pair more often than not. */
function keysOfOneHash(): [Uint8Array, Uint8Array] {
  const keys = new Map<number, Buffer>();
  for (let n = 0; ; n++) {
    const key = Buffer.from(String(n).padStart(8, '0'));
    const other = keys.get(hashOf(key));
    if (other !== undefined) return [other, key];
    keys.set(hashOf(key), key);
  }
}

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'ab', 'ba').map((text) => Buffer.from(text)),
  fc.uint8Array({ minLength: 1, maxLength: 3 }),
);
const value = fc.option(fc.uint8Array({ maxLength: 5 }));
const writes = fc.array(fc.record({ key, value }), { maxLength: 40 });

describe('newest writes', () => {
  it('are each key once, with what was written last, in the order of the first writes (NW1)', () => {
    fc.assert(
      fc.property(fc.array(writes, { maxLength: 6 }), (buffers) => {
        assert.deepEqual(written(gathered(buffers)), expected(buffers.flat()));
      }),
    );
  });

  it('are the same when there are many keys (NW1)', () => {
    const buffers = Array.from({ length: 12 }, (_, round) =>
      Array.from({ length: 1_000 }, (_, n) => ({
        key: Buffer.from(`key ${(n * (round + 1)) % 5_003}`),
        value: (n + round) % 7 === 0 ? null : Buffer.from(`${round} ${n}`),
      })),
    );
    const touched = written(gathered(buffers));
    assert.ok(touched.length > 4_000);
    assert.deepEqual(touched, expected(buffers.flat()));
  });

  it('keep keys apart that have the same hash (NW1)', () => {
    const [one, other] = keysOfOneHash();
    const some = [
      { key: one, value: Buffer.from('1') },
      { key: other, value: Buffer.from('2') },
      { key: one, value: null },
    ];
    assert.deepEqual(written(gathered([some])), [
      [latin1(one), null],
      [latin1(other), '2'],
    ]);
  });

  it('can be written again, and then are the same', () => {
    const newest = gathered([[{ key: Buffer.from('a'), value: Buffer.from('1') }]]);
    assert.deepEqual(written(newest), written(newest));
  });
});
