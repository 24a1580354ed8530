import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Defect } from '../../../src/invariant.js';
import { CaughtUpReader } from '../../../src/runtime/storage/caught-up-reader.js';
import { MemoryStore } from '../../../src/runtime/storage/memory-store.js';
import type { Entry, RangeOptions, StoreReader, WriteBatch } from '../../../src/runtime/storage/store.js';

type Write = readonly [key: readonly number[], value: number | null];

/** Few keys that begin each other, so that writes meet what is stored. */
const someKey = fc.array(fc.constantFrom(0, 1, 97, 254, 255), { minLength: 1, maxLength: 3 });
const someWrites = fc.array(fc.tuple(someKey, fc.option(fc.nat({ max: 255 }))), { maxLength: 60 });

function writing(writes: readonly Write[]): (batch: WriteBatch) => void {
  return (batch) => {
    for (const [key, value] of writes) {
      if (value === null) batch.delete(Buffer.from(key));
      else batch.put(Buffer.from(key), Uint8Array.of(value));
    }
  };
}

function storeWith(...commits: readonly (readonly Write[])[]): MemoryStore {
  const store = new MemoryStore();
  for (const writes of commits) store.commit(writing(writes));
  return store;
}

function plain(entries: readonly Entry[]): number[][][] {
  return entries.map(({ key, value }) => [[...key], [...value]]);
}

test('answers every read as the store does with the writes in it (CR1)', () => {
  const limits = fc.integer({ min: 1, max: 9 });
  fc.assert(
    fc.property(
      someWrites,
      someWrites,
      someKey,
      someKey,
      limits,
      fc.boolean(),
      (stored, written, from, to, limit, reverse) => {
        const expected = storeWith(stored, written);
        const reader = new CaughtUpReader(storeWith(stored), writing(written));
        const options: RangeOptions = { start: Buffer.from(from), end: Buffer.from(to), limit, reverse };
        assert.deepEqual(plain(reader.range(options)), plain(expected.range(options)));
        const keysOf = (store: StoreReader) => store.rangeKeys(options).map((key) => [...key]);
        assert.deepEqual(keysOf(reader), keysOf(expected));
        assert.equal(reader.count(options.start, options.end), expected.count(options.start, options.end));
        for (const key of [from, to, ...stored.map(([each]) => each), ...written.map(([each]) => each)]) {
          assert.deepEqual(reader.get(Buffer.from(key)), expected.get(Buffer.from(key)));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('reads of the store no more than it needs, however many of its entries the writes delete (CR2)', () => {
  const numbered = (number: number) => [number >> 8, number & 0xff];
  const stored = Array.from({ length: 1000 }, (_, i): Write => [numbered(i), 1]);
  const deletes = stored.slice(10, 510).map(([key]): Write => [key, null]);
  const limits: number[] = [];
  const store = storeWith(stored);
  const counting: StoreReader = {
    get: (key) => store.get(key),
    count: (start, end) => store.count(start, end),
    refresh: () => undefined,
    close: () => store.close(),
    range: (options) => {
      const entries = store.range(options);
      limits.push(entries.length);
      return entries;
    },
    rangeKeys: () => [],
  };
  const reader = new CaughtUpReader(counting, writing(deletes));
  const range = { start: Buffer.from(numbered(0)), end: Buffer.from(numbered(1000)) };
  assert.equal(reader.range({ ...range, limit: 10 }).length, 10);
  assert.deepEqual(limits, [10]);
  limits.length = 0;
  assert.equal(reader.range({ ...range, limit: 100 }).length, 100);
  assert.deepEqual(limits, [100, 100, 100, 100, 100, 100]);
});

test('refuses a range without a limit, as every store does', () => {
  const reader = new CaughtUpReader(new MemoryStore(), writing([]));
  assert.throws(() => reader.range({ start: Uint8Array.of(0), end: Uint8Array.of(1), limit: 0 }), Defect);
});
