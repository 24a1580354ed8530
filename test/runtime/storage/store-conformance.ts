// What every Store must do (S1 to S4 of store.ts), run over each implementation.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { Defect } from '../../../src/invariant.js';
import { VALUE_BYTES_MAX } from '../../../src/runtime/storage/commit-batch.js';
import { KEY_BYTES_MAX } from '../../../src/runtime/storage/keys.js';
import type { Bytes, RangeOptions, Store, WriteBatch } from '../../../src/runtime/storage/store.js';

export interface StoreUnderTest {
  readonly name: string;
  /** A new and empty store, and what releases it. */
  open(): Promise<{ readonly store: Store; readonly release: () => Promise<void> }>;
}

const LOWEST = Uint8Array.of(0);
const HIGHEST = new Uint8Array(8).fill(255);

function bytes(text: string): Bytes {
  return Buffer.from(text, 'latin1');
}

function plain(entries: readonly { key: Bytes; value: Bytes }[]): string[][] {
  return entries.map(({ key, value }) => [Buffer.from(key).toString('latin1'), Buffer.from(value).toString('latin1')]);
}

export function describeStore(subject: StoreUnderTest): void {
  describe(subject.name, () => {
    let store: Store;
    let release: () => Promise<void>;

    before(async () => {
      ({ store, release } = await subject.open());
    });
    after(() => release());
    beforeEach(() => {
      const keys = store.rangeKeys({ start: LOWEST, end: HIGHEST, limit: 1_000_000 });
      store.commit((batch) => {
        for (const key of keys) batch.delete(key);
      });
    });

    const put = (...pairs: [string, string][]) =>
      store.commit((batch) => {
        for (const [key, value] of pairs) batch.put(bytes(key), bytes(value));
      });
    const all = (options: Partial<RangeOptions> = {}) =>
      plain(store.range({ start: LOWEST, end: HIGHEST, limit: 1000, ...options }));

    test('gives back what was put, the last of several writes, and nothing for a key that is not there', () => {
      store.commit((batch) => {
        batch.put(bytes('a'), bytes('1'));
        batch.put(bytes('a'), bytes('2'));
        batch.put(bytes('b'), bytes(''));
        batch.put(bytes('c'), bytes('3'));
        batch.delete(bytes('c'));
        batch.delete(bytes('never there'));
      });
      assert.deepEqual(all(), [
        ['a', '2'],
        ['b', ''],
      ]);
      assert.deepEqual(Buffer.from(store.get(bytes('a'))!), bytes('2'));
      assert.equal(store.get(bytes('b'))?.length, 0);
      assert.equal(store.get(bytes('c')), undefined);
    });

    test('orders keys by unsigned bytes (S1)', () => {
      put(['\xff', ''], ['b', ''], ['a\0', ''], ['\x80', ''], ['a', ''], ['\x01', ''], ['a\xff', ''], ['B', '']);
      const keys = all().map(([key]) => key);
      assert.deepEqual(keys, ['\x01', 'B', 'a', 'a\0', 'a\xff', 'b', '\x80', '\xff']);
    });

    test('a range includes its start, excludes its end and stops at its limit, in both directions (S4)', () => {
      put(['a', '1'], ['b', '2'], ['c', '3'], ['d', '4']);
      const range = { start: bytes('b'), end: bytes('d') };
      const keysOf = (options: Partial<RangeOptions>) => all(options).map(([key]) => key);
      assert.deepEqual(keysOf(range), ['b', 'c']);
      assert.deepEqual(keysOf({ ...range, reverse: true }), ['c', 'b']);
      assert.deepEqual(keysOf({ ...range, limit: 1 }), ['b']);
      assert.deepEqual(keysOf({ ...range, limit: 1, reverse: true }), ['c']);
      assert.deepEqual(keysOf({ start: bytes('aa'), end: bytes('cc'), reverse: true }), ['c', 'b']);
      assert.deepEqual(keysOf({ start: bytes('bb'), end: bytes('c') }), []);
      assert.deepEqual(keysOf({ start: bytes('c'), end: bytes('c') }), []);
      assert.deepEqual(keysOf({ start: bytes('d'), end: bytes('a') }), []);
      assert.deepEqual(keysOf({ start: bytes('d'), end: bytes('a'), reverse: true }), []);
      assert.throws(() => keysOf({ limit: 0 }), Defect);
    });

    test('reads, ranges and counts agree with a sorted list, whatever was written (S1, S4)', () => {
      const someKey = fc.array(fc.constantFrom(0, 1, 97, 98, 254, 255), { minLength: 1, maxLength: 3 });
      const steps = fc.array(fc.tuple(someKey, fc.boolean()), { maxLength: 60 });
      fc.assert(
        fc.property(steps, someKey, someKey, fc.integer({ min: 1, max: 9 }), (list, from, to, limit) => {
          const expected = new Map<string, Bytes>();
          store.commit((batch) => {
            for (const key of store.rangeKeys({ start: LOWEST, end: HIGHEST, limit: 1000 })) batch.delete(key);
          });
          for (let i = 0; i < list.length; i += 20) {
            store.commit((batch) => {
              for (const [key, remove] of list.slice(i, i + 20)) {
                const name = Buffer.from(key);
                if (remove) batch.delete(name);
                else batch.put(name, name);
                if (remove) expected.delete(name.toString('hex'));
                else expected.set(name.toString('hex'), name);
              }
            });
          }
          const [start, end] = [Buffer.from(from), Buffer.from(to)];
          const within = [...expected.values()]
            .filter((key) => Buffer.compare(start, key) <= 0 && Buffer.compare(key, end) < 0)
            .sort(Buffer.compare);
          const found = (reverse: boolean) => store.rangeKeys({ start, end, limit, reverse }).map((each) => [...each]);
          assert.equal(store.count(start, end), within.length);
          assert.deepEqual(
            found(false),
            within.slice(0, limit).map((each) => [...each]),
          );
          assert.deepEqual(
            found(true),
            within
              .toReversed()
              .slice(0, limit)
              .map((each) => [...each]),
          );
          assert.equal(store.get(start) !== undefined, expected.has(start.toString('hex')));
        }),
        { numRuns: 200 },
      );
    });

    test('keeps thousands of entries in order, however they came and went', () => {
      const numbered = (i: number) => {
        const key = Buffer.alloc(4);
        key.writeUInt32BE(i);
        return key;
      };
      const count = 5000;
      store.commit((batch) => {
        // 7 and 5000 have no common factor: every number once, in no order.
        for (let i = 0; i < count; i++) batch.put(numbered((i * 7) % count), numbered(i));
      });
      assert.equal(store.count(LOWEST, HIGHEST), count);
      const read = store.rangeKeys({ start: LOWEST, end: HIGHEST, limit: count });
      assert.deepEqual(
        read.map((key) => Buffer.from(key).readUInt32BE()),
        Array.from({ length: count }, (_, i) => i),
      );
      store.commit((batch) => {
        for (let i = 0; i < count; i++) if (i % 1000 !== 0) batch.delete(numbered(i));
      });
      assert.equal(store.count(LOWEST, HIGHEST), 5);
      assert.equal(store.range({ start: numbered(1), end: numbered(4000), limit: 9, reverse: true }).length, 3);
    });

    test('a commit whose function throws leaves nothing of itself (S2)', () => {
      put(['a', '1'], ['b', '2']);
      const failure = new Error('on purpose');
      const run = () =>
        store.commit((batch) => {
          batch.put(bytes('a'), bytes('changed'));
          batch.delete(bytes('b'));
          batch.put(bytes('b'), bytes('again'));
          batch.put(bytes('c'), bytes('new'));
          batch.delete(bytes('a'));
          throw failure;
        });
      assert.throws(run, failure);
      assert.deepEqual(all(), [
        ['a', '1'],
        ['b', '2'],
      ]);
      put(['c', '3']);
      assert.equal(all().length, 3);
    });

    test('reads inside a commit see the writes made so far', () => {
      put(['a', '1']);
      store.commit((batch) => {
        batch.put(bytes('a'), bytes('2'));
        assert.deepEqual(Buffer.from(store.get(bytes('a'))!), bytes('2'));
        batch.put(bytes('b'), bytes('3'));
        assert.deepEqual(all(), [
          ['a', '2'],
          ['b', '3'],
        ]);
        batch.delete(bytes('a'));
        assert.equal(store.get(bytes('a')), undefined);
        assert.equal(store.count(LOWEST, HIGHEST), 1);
      });
    });

    test('a commit inside a commit, and a write after its commit, are defects', () => {
      let kept: WriteBatch | undefined;
      store.commit((batch) => {
        kept = batch;
        assert.throws(() => store.commit(() => {}), Defect);
        batch.put(bytes('a'), bytes('1'));
      });
      assert.throws(() => kept?.put(bytes('b'), bytes('2')), Defect);
      assert.throws(() => kept?.delete(bytes('a')), Defect);
      assert.deepEqual(all(), [['a', '1']]);
    });

    test('what was read stays valid after later reads and commits', () => {
      put(['a', 'first'], ['b', 'second']);
      const single = store.get(bytes('a'))!;
      const listed = store.range({ start: LOWEST, end: HIGHEST, limit: 2 });
      put(['a', 'XXXXX'], ['b', 'YYYYYY']);
      all();
      store.get(bytes('b'));
      assert.deepEqual(Buffer.from(single), bytes('first'));
      assert.deepEqual(plain(listed), [
        ['a', 'first'],
        ['b', 'second'],
      ]);
    });

    test('what was put is a copy: the caller may use its buffers again', () => {
      const key = Buffer.from('k');
      const slab = Buffer.from('..value..');
      store.commit((batch) => {
        batch.put(key, slab.subarray(2, 7));
        slab.fill(0);
        key.write('x');
        batch.put(key, slab.subarray(0, 1));
      });
      assert.deepEqual(all(), [
        ['k', 'value'],
        ['x', '\0'],
      ]);
    });

    test('takes keys and values that lie in memory shared between threads', () => {
      const shared = new Uint8Array(new SharedArrayBuffer(16));
      shared.set(bytes('..key..value..'));
      store.commit((batch) => batch.put(shared.subarray(2, 5), shared.subarray(7, 12)));
      shared.fill(0);
      assert.deepEqual(all(), [['key', 'value']]);
    });

    test('holds keys and values of the largest size, and refuses anything over it', () => {
      const key = new Uint8Array(KEY_BYTES_MAX).fill(7);
      const large = new Uint8Array(1024 * 1024).map((_, i) => i * 31);
      const message = new Uint8Array(64 * 1024).fill(9);
      store.commit((batch) => {
        batch.put(key, large);
        batch.put(bytes('message'), message);
        batch.put(bytes('largest'), new Uint8Array(VALUE_BYTES_MAX).fill(5));
      });
      assert.ok(Buffer.from(large).equals(store.get(key)!));
      assert.equal(store.get(bytes('largest'))?.lastIndexOf(5), VALUE_BYTES_MAX - 1);
      const entries = store.range({ start: LOWEST, end: HIGHEST, limit: 10 });
      assert.deepEqual(
        entries.map((entry) => entry.value.length),
        [large.length, VALUE_BYTES_MAX, message.length],
      );
      for (const wrong of [new Uint8Array(0), new Uint8Array(KEY_BYTES_MAX + 1)]) {
        assert.throws(() => store.commit((batch) => batch.put(wrong, message)), Defect);
        assert.throws(() => store.commit((batch) => batch.delete(wrong)), Defect);
      }
      assert.throws(() => store.commit((batch) => batch.put(key, new Uint8Array(VALUE_BYTES_MAX + 1))), Defect);
      assert.ok(Buffer.from(large).equals(store.get(key)!));
    });
  });
}
