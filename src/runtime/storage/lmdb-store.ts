// LMDB store
//
// The default Store: one LMDB file, raw bytes both ways, one writer, readers in any thread of the process and in other
// processes. All threads of a process share one environment, opened with the flags of whoever was first: the writer
// is opened before any reader of its process. What LMDB and its binding promise, and how that was found out, is in
// docs/decisions/0001-lmdb.md.
//
// Owns:     the file, its map in memory, read snapshots, the flush.
// Does not: keep two servers out of one directory (data-directory.ts) or know its schema (migrations.ts).
//
// It keeps S1 to S4 of store.ts, and:
// D1. Nothing is awaited between the steps of a commit or a range: no snapshot outlives a turn of the event loop, and
//     pages of old versions are used again.
// D2. A failed commit leaves no trace, and the next one works as soon as the disk does.
// D3. A file that is cut short, or no LMDB file, is refused by name when it is opened.
// D4. A reader has read once when it is handed over. The binding makes its transaction and its cursor for the first read;
//     when their thread is terminated just then, Node 24 ends the process.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { invariant } from '../../invariant.js';
import { CommitBatch } from './commit-batch.js';
import { flush } from './flush.js';
import { cutShort, inspectDataFile } from './lmdb-file.js';
import { StorageError } from './storage-error.js';
import type { Bytes, Entry, RangeOptions, Store, StoreReader, WriteBatch } from './store.js';

export const DATA_FILE = 'data.mdb';

/** Address space reserved for the map, so that it does not move while it is read; past it the binding maps anew. */
const MAP_BYTES = 64 * 1024 ** 3;

/** Threads and processes that may read at once. */
const READERS_MAX = 512;

/** After so many commits the slots of readers whose process died are freed, so that their old pages can be used again. */
const COMMITS_PER_READER_CHECK = 128;

type Database = RootDatabase<Uint8Array, Uint8Array>;

/**
 * The one writer of the store in `directory`, which must exist; the tables are made when there are none. Not for a
 * directory that another process writes. Throws a StorageError that names what is wrong with the file.
 */
export function openLmdbWriter(directory: string): Store {
  const path = join(directory, DATA_FILE);
  if (!existsSync(path)) createDataFile(directory);
  const { state, bytes } = inspectDataFile(path);
  if (state === 'shorter') {
    readEverythingApart(directory, bytes);
    // The pages that are not there are free: with them in place, no read through the map can miss.
    truncateSync(path, bytes);
  }
  return new LmdbWriter(openDatabase(directory, false), directory);
}

/**
 * Reads, and copies, what the writer in this or another process commits. In the writer's process it is opened after the
 * writer. Throws a StorageError when there is no sound store.
 */
export function openLmdbReader(directory: string): StoreReader & Pick<Store, 'backup'> {
  const { state, bytes } = inspectDataFile(join(directory, DATA_FILE));
  if (state === 'shorter') readEverythingApart(directory, bytes);
  const reader = new LmdbReader(openDatabase(directory, true), directory);
  reader.range({ start: Uint8Array.of(0), end: Uint8Array.of(1), limit: 1 });
  reader.refresh();
  return reader;
}

class LmdbReader implements StoreReader, Pick<Store, 'backup'> {
  protected readonly database: Database;
  readonly #directory: string;
  readonly #copies = new Set<Promise<void>>();
  #closing: Promise<void> | undefined;

  constructor(database: Database, directory: string) {
    this.database = database;
    this.#directory = directory;
  }

  get(key: Bytes): Bytes | undefined {
    return this.database.getBinary(key);
  }

  range(options: RangeOptions): Entry[] {
    return isEmpty(options) ? [] : Array.from(this.database.getRange(bounds(options)));
  }

  rangeKeys(options: RangeOptions): Bytes[] {
    return isEmpty(options) ? [] : Array.from(this.database.getKeys(bounds(options)));
  }

  count(start: Bytes, end: Bytes): number {
    return Buffer.compare(start, end) >= 0 ? 0 : this.database.getKeysCount({ start, end });
  }

  refresh(): void {
    this.database.resetReadTxn();
  }

  async backup(directory: string): Promise<void> {
    invariant(this.#closing === undefined, 'The store is closed.');
    const copying = this.#copy(directory);
    const over = copying.then(
      () => undefined,
      () => undefined,
    );
    this.#copies.add(over);
    try {
      await copying;
    } finally {
      this.#copies.delete(over);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    // A copying thread reads the map: it must be over before the map goes.
    await Promise.all(this.#copies);
    await this.database.close();
  }

  async #copy(directory: string): Promise<void> {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (readdirSync(directory).length > 0) throw new StorageError(`The backup directory ${directory} is not empty.`);
    try {
      await this.database.backup(directory, true);
    } catch (error) {
      const reason = text(error);
      throw new StorageError(`${this.#directory} could not be copied to ${directory}: ${reason}.`, { cause: error });
    }
    flush(join(directory, DATA_FILE));
    flush(directory);
  }
}

class LmdbWriter extends LmdbReader implements Store {
  #committing = false;
  #commits = 0;

  commit(write: (batch: WriteBatch) => void): void {
    invariant(!this.#committing, 'A commit was begun inside a commit.');
    const database = this.database;
    const batch = new CommitBatch({
      put(key, value) {
        try {
          // The binding takes the address of a value, and a wrong one of shared memory.
          const shared = value.buffer instanceof SharedArrayBuffer;
          database.putSync(key, shared ? new Uint8Array(value) : value);
        } catch (error) {
          throw refused(error);
        }
      },
      delete(key) {
        try {
          database.removeSync(key);
        } catch (error) {
          throw refused(error);
        }
      },
    });
    let written = false;
    this.#committing = true;
    try {
      // A block body: what the callback returns would be awaited, and the flush with it.
      database.transactionSync(() => {
        write(batch);
        written = true;
      });
    } catch (error) {
      throw written ? refused(error) : error;
    } finally {
      batch.end();
      this.#committing = false;
    }
    if (++this.#commits % COMMITS_PER_READER_CHECK === 0) database.readerCheck();
  }
}

function openDatabase(directory: string, readOnly: boolean): Database {
  const options = {
    path: directory,
    readOnly,
    noSubdir: false,
    encoding: 'binary' as const,
    keyEncoding: 'binary' as const,
    cache: false,
    compression: false,
    overlappingSync: false,
    mapSize: MAP_BYTES,
    maxReaders: READERS_MAX,
    permissionsMode: 0o600,
  };
  try {
    return open<Uint8Array, Uint8Array>(options);
  } catch (error) {
    throw new StorageError(`The tables in ${directory} could not be opened: ${text(error)}.`, { cause: error });
  }
}

/** Ends the process by a signal when a page is missing: for readEverythingApart alone. */
export function readEverything(directory: string): void {
  const database = openDatabase(directory, true);
  for (const _ of database.getRange({ start: Uint8Array.of(0) })) {
    // Reading is all that it is for.
  }
  void database.close();
}

/** Reads the whole store in a process of its own, which may die of it. Costs a read of the file, and is rarely needed. */
function readEverythingApart(directory: string, bytes: number): void {
  const script = `import(${JSON.stringify(import.meta.url)}).then((self) => self.readEverything(process.argv[1]))`;
  const { status } = spawnSync(process.execPath, ['--eval', script, directory], { stdio: 'ignore' });
  const path = join(directory, DATA_FILE);
  if (status !== 0) throw cutShort(path, statSync(path).size, bytes);
}

/** Makes an empty store aside and moves it in place, so that a data file which is there was once whole (D3). */
function createDataFile(directory: string): void {
  const aside = join(directory, 'new');
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { mode: 0o700 });
  const made = openDatabase(aside, false);
  void made.close();
  flush(join(aside, DATA_FILE));
  renameSync(join(aside, DATA_FILE), join(directory, DATA_FILE));
  rmSync(aside, { recursive: true });
  flush(directory);
}

function isEmpty({ start, end, limit }: RangeOptions): boolean {
  invariant(Number.isInteger(limit) && limit >= 1, 'A range needs a limit of at least 1.');
  return Buffer.compare(start, end) >= 0;
}

/** LMDB starts a reversed range at its larger end, which ours excludes. */
function bounds({ start, end, limit, reverse = false }: RangeOptions) {
  if (!reverse) return { start, end, limit };
  return { start: end, end: start, limit, reverse, exclusiveStart: true, inclusiveEnd: true };
}

function refused(error: unknown): StorageError {
  return new StorageError(`The disk refused a commit: ${text(error)}.`, { cause: error });
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
