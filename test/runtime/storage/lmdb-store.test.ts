import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { DATA_FILE, openLmdbReader, openLmdbWriter } from '../../../src/runtime/storage/lmdb-store.js';
import { StorageError } from '../../../src/runtime/storage/storage-error.js';
import type { Store, StoreReader } from '../../../src/runtime/storage/store.js';
import { describeStore } from './store-conformance.js';

const moduleUrl = new URL('../../../src/runtime/storage/lmdb-store.js', import.meta.url).href;
const root = mkdtempSync(join(tmpdir(), 'troupe-lmdb-'));
after(() => rmSync(root, { recursive: true }));

let directories = 0;

function newDirectory(): string {
  const directory = join(root, String(directories++));
  mkdirSync(directory);
  return directory;
}

const LOWEST = Uint8Array.of(0);
const HIGHEST = Uint8Array.of(255);
const KEY = Buffer.from('key');

function numbered(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function count(store: StoreReader): number {
  return store.count(LOWEST, HIGHEST);
}

describeStore({
  name: 'LmdbStore',
  open: async () => {
    const store = openLmdbWriter(newDirectory());
    return { store, release: () => store.close() };
  },
});

test('what was committed is there when the store is opened again', async () => {
  const directory = newDirectory();
  const store = openLmdbWriter(directory);
  store.commit((batch) => batch.put(KEY, Buffer.from('kept')));
  await store.close();
  await store.close();
  assert.throws(() => store.get(KEY));
  const again = openLmdbWriter(directory);
  assert.equal(String(again.get(KEY)), 'kept');
  await again.close();
});

// Holds a snapshot without ever turning its loop, and reads again each time that it is told of a commit.
const readingThread = `
const { parentPort, workerData } = require('node:worker_threads');
import(workerData.moduleUrl).then(({ openLmdbReader }) => {
  const store = openLmdbReader(workerData.directory);
  const shared = new Int32Array(workerData.shared);
  const read = () => Buffer.from(store.get(Buffer.from('key'))).readUInt32BE();
  read();
  parentPort.postMessage('reading');
  let behind = 0;
  for (let told = 0; told < workerData.commits; ) {
    Atomics.wait(shared, 0, told);
    told = Atomics.load(shared, 0);
    if (workerData.refresh) store.refresh();
    if (read() < told) behind++;
  }
  parentPort.postMessage(behind);
  return store.close();
});`;

async function readsBehind(refresh: boolean): Promise<number> {
  const directory = newDirectory();
  const store = openLmdbWriter(directory);
  const commits = 200;
  const shared = new Int32Array(new SharedArrayBuffer(4));
  store.commit((batch) => batch.put(KEY, numbered(0)));
  const workerData = { moduleUrl, directory, shared: shared.buffer, commits, refresh };
  const worker = new Worker(readingThread, { eval: true, workerData });
  // Listened for from the start: its last message and its end may come in one go, before who waits for the one goes on.
  const exited = once(worker, 'exit');
  await once(worker, 'message');
  for (let i = 1; i <= commits; i++) {
    store.commit((batch) => batch.put(KEY, numbered(i)));
    Atomics.store(shared, 0, i);
    Atomics.notify(shared, 0);
  }
  const [behind] = (await once(worker, 'message')) as [number];
  await exited;
  await store.close();
  return behind;
}

test('a thread that refreshes sees every commit that had returned (S3)', async () => {
  assert.equal(await readsBehind(true), 0);
});

test('a thread that never refreshes nor turns its loop keeps its snapshot: refresh() is what S3 needs', async () => {
  assert.ok((await readsBehind(false)) > 0);
});

test('readers in other threads see whole commits while the store is written', async () => {
  const directory = newDirectory();
  const store = openLmdbWriter(directory);
  const write = (value: number) =>
    store.commit((batch) => {
      for (let i = 0; i < 20; i++) batch.put(Buffer.from(`part ${i}`), Buffer.alloc(3000, value));
    });
  write(0);
  const source = `
const { parentPort, workerData } = require('node:worker_threads');
import(workerData.moduleUrl).then(({ openLmdbReader }) => {
  const store = openLmdbReader(workerData.directory);
  let mixed = 0;
  let seen = new Set();
  const read = () => {
    store.refresh();
    const parts = store.range({ start: Buffer.from('part '), end: Buffer.from('part:'), limit: 100 });
    if (parts.length !== 20 || parts.some(({ value }) => value.some((byte) => byte !== parts[0].value[0]))) mixed++;
    seen.add(parts[0].value[0]);
    return stopped ? parentPort.postMessage({ mixed, seen: seen.size }) : setImmediate(read);
  };
  let stopped = false;
  parentPort.once('message', () => { stopped = true; });
  read();
  parentPort.postMessage('reading');
});`;
  const worker = new Worker(source, { eval: true, workerData: { moduleUrl, directory } });
  await once(worker, 'message');
  for (let i = 1; i <= 200; i++) write(i);
  worker.postMessage('stop');
  const [{ mixed, seen }] = (await once(worker, 'message')) as [{ mixed: number; seen: number }];
  assert.equal(mixed, 0);
  assert.ok(seen > 1, 'the reader saw one state only: this test shows nothing');
  await worker.terminate();
  await store.close();
});

/** Writes over the same megabyte, and returns the size of the file. */
function overwrite(store: Store, directory: string, commits: number): number {
  for (let commit = 0; commit < commits; commit++) {
    store.commit((batch) => {
      for (let i = 0; i < 20; i++) batch.put(numbered((commit * 20 + i) % 1000), Buffer.alloc(1000, commit));
    });
  }
  return statSync(join(directory, DATA_FILE)).size;
}

test('threads that are terminated while they read leave no snapshot behind: old pages are used again (D1)', async () => {
  const directory = newDirectory();
  const store = openLmdbWriter(directory);
  const before = overwrite(store, directory, 150);
  const source = `
const { parentPort, workerData } = require('node:worker_threads');
import(workerData.moduleUrl).then(({ openLmdbReader }) => {
  const store = openLmdbReader(workerData.directory);
  parentPort.postMessage('reading');
  for (;;) store.get(Buffer.from([0, 0, 0, 1]));
});`;
  for (let i = 0; i < 10; i++) {
    const worker = new Worker(source, { eval: true, workerData: { moduleUrl, directory } });
    await once(worker, 'message');
    overwrite(store, directory, 2);
    await worker.terminate();
  }
  assert.ok(overwrite(store, directory, 300) < before * 2);
  await store.close();
});

test('a process that is killed while it reads stops the use of old pages only for a while (D1)', async () => {
  const directory = newDirectory();
  const store = openLmdbWriter(directory);
  const before = overwrite(store, directory, 150);
  const script = `
import(${JSON.stringify(moduleUrl)}).then(({ openLmdbReader }) => {
  openLmdbReader(${JSON.stringify(directory)}).get(Buffer.from([0, 0, 0, 1]));
  process.stdout.write('reading');
  for (;;);
});`;
  const child = spawn(process.execPath, ['--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const held = overwrite(store, directory, 100);
  assert.ok(held > before * 1.5, 'the snapshot of the dead process held nothing: this test shows nothing');
  const settled = overwrite(store, directory, 200);
  assert.ok(overwrite(store, directory, 500) < settled * 1.1);
  await store.close();
});

test('after kill -9 all that was acknowledged is there, and commits are whole (S2)', async () => {
  const directory = newDirectory();
  const script = `
import(${JSON.stringify(moduleUrl)}).then(({ openLmdbWriter }) => {
  const store = openLmdbWriter(${JSON.stringify(directory)});
  const bytes = (value) => { const b = Buffer.alloc(4); b.writeUInt32BE(value); return b; };
  let next = store.count(Buffer.from([0]), Buffer.from([255])) / 5;
  for (;; next++) {
    store.commit((batch) => { for (let i = 0; i < 5; i++) batch.put(bytes(next * 5 + i), Buffer.alloc(2000, i)); });
    require('node:fs').writeSync(1, next + '\\n');
  }
});`;
  for (let round = 0; round < 4; round++) {
    const child = spawn(process.execPath, ['--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    for await (const chunk of child.stdout) {
      printed += String(chunk);
      if (printed.length > 300 + round * 150) child.kill('SIGKILL');
    }
    const acknowledged = Number(printed.split('\n').at(-2));
    const store = openLmdbWriter(directory);
    const entries = count(store);
    assert.equal(entries % 5, 0);
    assert.ok(entries >= (acknowledged + 1) * 5);
    assert.deepEqual(Buffer.from(store.get(numbered(entries - 1))!), Buffer.alloc(2000, 4));
    await store.close();
  }
});

test('a disk that takes no more fails the commit whole, and the next one that it can take succeeds (D2)', async () => {
  const directory = newDirectory();
  await openLmdbWriter(directory).close();
  const script = `
process.on('unhandledRejection', (error) => { console.log('unhandled ' + error); });
import(${JSON.stringify(moduleUrl)}).then(async ({ openLmdbWriter }) => {
  const store = openLmdbWriter(${JSON.stringify(directory)});
  const put = (name, size) => store.commit((batch) => {
    batch.put(Buffer.from(name + ' first'), Buffer.from('first'));
    batch.put(Buffer.from(name), Buffer.alloc(size, 1));
  });
  put('before', 10_000);
  for (let i = 0; i < 3; i++) {
    try { put('large ' + i, 4_000_000); console.log('fitted'); } catch (error) { console.log(error.name); }
  }
  put('after', 10_000);
  await store.close();
  setImmediate(() => console.log('done'));
});`;
  // 2048 blocks of 512 bytes (or of 1024, as some shells count them): the process may make no file larger.
  const limited = `ulimit -f 2048 && exec "$0" "$@"`;
  const child = spawn('sh', ['-c', limited, process.execPath, '--eval', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let printed = '';
  for await (const chunk of child.stdout) printed += String(chunk);
  assert.equal(printed, 'StorageError\nStorageError\nStorageError\ndone\n');
  const store = openLmdbWriter(directory);
  const names = store.rangeKeys({ start: LOWEST, end: HIGHEST, limit: 10 }).map(String);
  assert.deepEqual(names, ['after', 'after first', 'before', 'before first']);
  assert.equal(store.get(Buffer.from('after'))?.length, 10_000);
  await store.close();
});

test('a backup taken while commits go on is one whole state, into an empty directory only', async () => {
  const store = openLmdbWriter(newDirectory());
  const write = (value: number) =>
    store.commit((batch) => {
      for (let i = 0; i < 200; i++) batch.put(numbered(i), Buffer.alloc(2000, value));
    });
  write(0);
  const target = join(root, 'backup', 'nested');
  const copying = store.backup(target);
  for (let i = 1; i < 20; i++) write(i);
  await copying;
  const copy = openLmdbReader(target);
  const entries = copy.range({ start: LOWEST, end: HIGHEST, limit: 1000 });
  assert.equal(entries.length, 200);
  assert.equal(new Set(entries.map(({ value }) => value[0])).size, 1);
  const second = join(root, 'backup', 'second');
  await copy.backup(second);
  await copy.close();
  assert.deepEqual(readdirSync(second), [DATA_FILE]);
  writeFileSync(join(second, 'something'), '');
  await assert.rejects(
    store.backup(second),
    (error) => error instanceof StorageError && /not empty/.test(error.message),
  );
  await store.close();
});

test('closing waits for a backup that is under way', async () => {
  const store = openLmdbWriter(newDirectory());
  store.commit((batch) => {
    for (let i = 0; i < 2000; i++) batch.put(numbered(i), Buffer.alloc(2000, i));
  });
  const target = join(root, 'backup-at-close');
  const copying = store.backup(target);
  await store.close();
  await copying;
  const copy = openLmdbReader(target);
  assert.equal(count(copy), 2000);
  await copy.close();
});
