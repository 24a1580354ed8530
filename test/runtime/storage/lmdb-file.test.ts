import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspectDataFile } from '../../../src/runtime/storage/lmdb-file.js';
import { DATA_FILE, openLmdbReader, openLmdbWriter } from '../../../src/runtime/storage/lmdb-store.js';
import { StorageError } from '../../../src/runtime/storage/storage-error.js';

const root = mkdtempSync(join(tmpdir(), 'troupe-lmdb-file-'));
after(() => rmSync(root, { recursive: true }));

let stores = 0;

/** A closed store of about a megabyte, and its path. */
async function filledStore(): Promise<{ directory: string; path: string }> {
  const directory = join(root, `store-${stores++}`);
  mkdirSync(directory);
  const store = openLmdbWriter(directory);
  for (let i = 0; i < 20; i++) {
    store.commit((batch) => {
      for (let j = 0; j < 50; j++) batch.put(Buffer.from(`key ${i * 50 + j}`), Buffer.alloc(1000, i));
    });
  }
  await store.close();
  return { directory, path: join(directory, DATA_FILE) };
}

function refuses(directory: string, reason: RegExp): void {
  for (const open of [openLmdbWriter, openLmdbReader]) {
    assert.throws(
      () => open(directory),
      (error) => error instanceof StorageError && reason.test(error.message) && error.message.includes(directory),
    );
  }
}

test('a file that lost its end is refused by name, wherever it was cut, and left as it is (D3)', async () => {
  const { directory, path } = await filledStore();
  const whole = readFileSync(path);
  assert.equal(inspectDataFile(path).state, 'whole');
  for (const share of [0, 0.002, 0.01, 0.3, 0.6, 0.9]) {
    truncateSync(path, Math.floor(whole.length * share));
    const before = readFileSync(path);
    refuses(directory, /cut short|no LMDB record/);
    assert.ok(readFileSync(path).equals(before));
    writeFileSync(path, whole);
  }
  const store = openLmdbWriter(directory);
  assert.equal(store.count(Uint8Array.of(0), Uint8Array.of(255)), 1000);
  await store.close();
});

test('a missing page that only reading can find is found in another process, not by a signal in this one (D3)', async () => {
  const { directory, path } = await filledStore();
  // Small commits move the root to pages that were freed before, away from the end of the file.
  const store = openLmdbWriter(directory);
  store.commit((batch) => {
    for (let i = 0; i < 300; i++) batch.delete(Buffer.from(`key ${i}`));
  });
  for (let i = 0; i < 10; i++) store.commit((batch) => batch.put(Buffer.from('key 0'), Buffer.alloc(1000, i)));
  await store.close();
  truncateSync(path, statSync(path).size - 50_000);
  assert.equal(inspectDataFile(path).state, 'shorter', 'the root was cut off: this test shows nothing');
  refuses(directory, /cut short: \d+ bytes of \d+/);
});

test('a file that is something else, or of another format, is refused by name (D3)', async () => {
  const { directory, path } = await filledStore();
  const whole = readFileSync(path);
  const changed = (at: number, value: number) => {
    const copy = Buffer.from(whole);
    copy.writeUInt32LE(value, at);
    return copy;
  };
  const cases: [Buffer, RegExp][] = [
    [Buffer.from('This is a text of some length. '.repeat(1000)), /no LMDB record/],
    [Buffer.alloc(100_000), /no LMDB record/],
    [changed(24, 7), /no LMDB record at byte 0/],
    [changed(4096 + 24, 7), /no LMDB record at byte 4096/],
    [changed(28, 1), /its LMDB format is 1, not 2/],
    [changed(48, 3), /its pages have 3 bytes/],
  ];
  for (const [content, reason] of cases) {
    writeFileSync(path, content);
    refuses(directory, reason);
  }
});

test('a file whose last pages are only free is opened, and made whole', async () => {
  const { directory, path } = await filledStore();
  const store = openLmdbWriter(directory);
  store.commit((batch) => {
    batch.put(Buffer.from('large'), Buffer.alloc(4 * 1024 * 1024));
    batch.delete(Buffer.from('large'));
    batch.put(Buffer.from('small'), Buffer.from('kept'));
  });
  await store.close();
  const { state, bytes } = inspectDataFile(path);
  assert.equal(state, 'shorter', 'LMDB wrote the free pages: this test shows nothing');
  const reader = openLmdbReader(directory);
  assert.equal(String(reader.get(Buffer.from('small'))), 'kept');
  await reader.close();
  const again = openLmdbWriter(directory);
  assert.equal(statSync(path).size, bytes);
  assert.equal(again.count(Uint8Array.of(0), Uint8Array.of(255)), 1001);
  for (let i = 0; i < 30; i++) again.commit((batch) => batch.put(Buffer.from(`more ${i}`), Buffer.alloc(100_000, i)));
  assert.equal(again.get(Buffer.from('more 29'))?.length, 100_000);
  await again.close();
});

test('a reader does not make a store where there is none', () => {
  const directory = join(root, 'nothing');
  mkdirSync(directory);
  assert.throws(() => openLmdbReader(directory), /There is no store/);
});

test('what a crash left of a store that was being made is cleared away', async () => {
  const directory = join(root, 'half-made');
  mkdirSync(join(directory, 'new'), { recursive: true });
  writeFileSync(join(directory, 'new', DATA_FILE), '');
  const store = openLmdbWriter(directory);
  store.commit((batch) => batch.put(Buffer.from('a'), Buffer.from('1')));
  assert.equal(String(store.get(Buffer.from('a'))), '1');
  await store.close();
});
