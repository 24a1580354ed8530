import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Defect } from '../../../src/invariant.js';
import { encodeKey } from '../../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../../src/runtime/storage/memory-store.js';
import { readMetaNumber, writeMetaNumber } from '../../../src/runtime/storage/meta.js';
import { StorageError } from '../../../src/runtime/storage/storage-error.js';

test('a number comes back as it was, and one that was never written is undefined', () => {
  const store = new MemoryStore();
  for (const value of [0, 1, 255, 2 ** 32 + 7, Number.MAX_SAFE_INTEGER]) {
    store.commit((batch) => writeMetaNumber(batch, ['counter', 'agents'], value));
    assert.equal(readMetaNumber(store, ['counter', 'agents']), value);
  }
  assert.equal(readMetaNumber(store, ['counter', 'operators']), undefined);
});

test('a number is stored as 8 big-endian bytes', () => {
  const store = new MemoryStore();
  store.commit((batch) => writeMetaNumber(batch, ['seq'], 258));
  assert.deepEqual([...store.get(encodeKey(['meta', 'seq']))!], [0, 0, 0, 0, 0, 0, 1, 2]);
});

test('refuses to write what is no whole number from 0, and names what it cannot read', () => {
  const store = new MemoryStore();
  for (const value of [-1, 0.5, Number.NaN, 2 ** 53]) {
    assert.throws(() => store.commit((batch) => writeMetaNumber(batch, ['seq'], value)), Defect);
  }
  for (const wrong of [new Uint8Array(7), new Uint8Array(8).fill(255)]) {
    store.commit((batch) => batch.put(encodeKey(['meta', 'seq']), wrong));
    assert.throws(() => readMetaNumber(store, ['seq']), StorageError);
  }
});
