import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { auditTables } from '../../../src/audit/audit.js';
import type { Key } from '../../../src/runtime/actor.js';
import { encodeValue } from '../../../src/runtime/codec.js';
import { eventRows } from '../../../src/runtime/event-blocks.js';
import { EventIndex, seqsOf } from '../../../src/runtime/event-index.js';
import { encodeKey, rangeOf } from '../../../src/runtime/storage/keys.js';
import { openLmdbReader, openLmdbWriter } from '../../../src/runtime/storage/lmdb-store.js';
import { MemoryStore } from '../../../src/runtime/storage/memory-store.js';
import { readMetaNumber, writeMetaNumber } from '../../../src/runtime/storage/meta.js';
import { type Migration, migrate, SCHEMA_VERSION } from '../../../src/runtime/storage/migrations.js';
import { StorageError } from '../../../src/runtime/storage/storage-error.js';
import type { Store } from '../../../src/runtime/storage/store.js';

const root = mkdtempSync(join(tmpdir(), 'troupe-migrations-'));
after(() => rmSync(root, { recursive: true }));

const KEY = Buffer.from('key');
const noBackup = { backupDirectory: () => assert.fail('nothing was to be migrated') };

function versionOf(store: Store): number | undefined {
  return readMetaNumber(store, ['schema']);
}

let stores = 0;

/** A store of schema version 1 with one entry, and where its copies go. */
function oldStore(): { store: Store; backupDirectory: (version: number) => string } {
  const directory = join(root, String(stores++));
  mkdirSync(join(directory, 'tables'), { recursive: true });
  const store = openLmdbWriter(join(directory, 'tables'));
  store.commit((batch) => {
    writeMetaNumber(batch, ['schema'], 1);
    batch.put(KEY, Buffer.from('one'));
  });
  return { store, backupDirectory: (version) => join(directory, 'backups', `schema-${version}`) };
}

/** Each step appends its version to the entry. */
const appending: Migration[] = [3, 2].map((to) => ({
  to,
  run: (batch, store) => batch.put(KEY, Buffer.from(`${store.get(KEY)} ${to}`)),
}));

test('a fresh store gets the version of this program, and opening it again changes nothing', async () => {
  const store = new MemoryStore();
  assert.deepEqual(await migrate(store, noBackup), { from: undefined, to: SCHEMA_VERSION });
  assert.deepEqual(await migrate(store, noBackup), { from: SCHEMA_VERSION, to: SCHEMA_VERSION });
  assert.equal(versionOf(store), SCHEMA_VERSION);
});

test('a newer store is refused with both versions named, and not written (V1)', async () => {
  const store = new MemoryStore();
  store.commit((batch) => writeMetaNumber(batch, ['schema'], 7));
  await assert.rejects(migrate(store, noBackup), (error) => {
    assert.ok(error instanceof StorageError);
    assert.match(error.message, new RegExp(`schema version 7, .* up to ${SCHEMA_VERSION}\\.`));
    return true;
  });
  assert.equal(versionOf(store), 7);
});

test('a store with data but without a version is refused (V1)', async () => {
  const store = new MemoryStore();
  store.commit((batch) => batch.put(KEY, Buffer.from('whose?')));
  await assert.rejects(migrate(store, noBackup), StorageError);
  assert.equal(versionOf(store), undefined);
});

test('an older store is brought forward step by step, with a copy of it as it was (V2)', async () => {
  const { store, backupDirectory } = oldStore();
  const done = await migrate(store, { backupDirectory, version: 3, migrations: appending });
  assert.deepEqual(done, { from: 1, to: 3, backup: backupDirectory(1) });
  assert.equal(String(store.get(KEY)), 'one 2 3');
  assert.equal(versionOf(store), 3);
  await store.close();
  const copy = openLmdbReader(backupDirectory(1));
  assert.equal(String(copy.get(KEY)), 'one');
  assert.equal(readMetaNumber(copy, ['schema']), 1);
  await copy.close();
});

test('a step that fails leaves the version before it, and a later run goes on there (V3)', async () => {
  const { store, backupDirectory } = oldStore();
  const [third, second] = appending as [Migration, Migration];
  const failing: Migration = {
    to: 3,
    run: (batch, current) => {
      third.run(batch, current);
      throw new Error('on purpose');
    },
  };
  const run = (migrations: Migration[]) => migrate(store, { backupDirectory, version: 3, migrations });
  await assert.rejects(run([second, failing]), /on purpose/);
  assert.equal(versionOf(store), 2);
  assert.equal(String(store.get(KEY)), 'one 2');
  await run([second, third]);
  assert.equal(String(store.get(KEY)), 'one 2 3');
  await store.close();
});

test('without a step for every version nothing is copied or written (V1)', async () => {
  const { store, backupDirectory } = oldStore();
  const [third] = appending as [Migration];
  await assert.rejects(migrate(store, { backupDirectory, version: 3, migrations: [third] }), /no migration leads/);
  assert.equal(versionOf(store), 1);
  assert.equal(existsSync(backupDirectory(1)), false);
  await store.close();
});

test('a copy that a crash left unfinished is made anew (V2)', async () => {
  const { store, backupDirectory } = oldStore();
  mkdirSync(join(`${backupDirectory(1)}.unfinished`, 'half'), { recursive: true });
  await migrate(store, { backupDirectory, version: 3, migrations: appending });
  assert.equal(existsSync(`${backupDirectory(1)}.unfinished`), false);
  const copy = openLmdbReader(backupDirectory(1));
  assert.equal(String(copy.get(KEY)), 'one');
  await copy.close();
  await store.close();
});

test('version 3 files every event once, also those that were recovered into version 2 just before', async () => {
  const { store, backupDirectory } = oldStore();
  const event = (seq: number) => encodeValue([seq, `type ${seq % 3}`, seq % 2 === 0 ? null : 'about', {}]);
  const events = Array.from({ length: 5_000 }, (_, place) => event(place + 1));
  store.commit((batch) => {
    writeMetaNumber(batch, ['schema'], 2);
    writeMetaNumber(batch, ['seq'], events.length);
    batch.delete(KEY);
    for (const row of eventRows(1, events)) batch.put(encodeKey(row.key), row.value);
    const recovered = new EventIndex();
    for (const seq of [4_998, 4_999, 5_000]) recovered.add(seq, event(seq));
    for (const row of recovered.rows()) batch.put(encodeKey(row.key), row.value);
  });
  await migrate(store, { backupDirectory });
  const filed = (under: Key) => store.range({ ...rangeOf(under), limit: 1_000 }).flatMap(({ value }) => seqsOf(value));
  const all = events.map((_, place) => place + 1);
  assert.deepEqual(
    filed(['event_type', 'type 1']),
    all.filter((seq) => seq % 3 === 1),
  );
  assert.deepEqual(
    filed(['event_about', 'about']),
    all.filter((seq) => seq % 2 === 1),
  );
  assert.deepEqual(auditTables(store).findings, []);
  await store.close();
});
