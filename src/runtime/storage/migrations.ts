// Migrations
//
// The schema version of a data directory, and the way from an older one to this one.
//
// V1. A store that this program cannot read is never written: a newer version is refused, with both versions named.
// V2. Before the first step of a migration there is a whole copy of the store as it was.
// V3. A step and its version number are one commit: after a crash, migration goes on where it was.

import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { invariant } from '../../invariant.js';
import { EVENT_TABLE, eventRows, eventsOf } from '../event-blocks.js';
import { EVENT_ABOUT_TABLE, EVENT_TYPE_TABLE, EventIndex } from '../event-index.js';
import { afterKey, decodeKey, encodeKey, rangeOf } from './keys.js';
import { readMetaNumber, writeMetaNumber } from './meta.js';
import { StorageError } from './storage-error.js';
import type { Store, StoreReader, WriteBatch } from './store.js';

/** The version that this program reads and writes. */
export const SCHEMA_VERSION = 3;

const SCHEMA = ['schema'];
/** Read at a time: an event can hold a value of megabytes. */
const EVENTS_PER_PAGE = 64;
const EVENT_ROWS_PER_PAGE = 16;

export interface Migration {
  /** The version that it makes, from the one before it. */
  readonly to: number;
  /** Runs inside one commit: `store` shows the writes made so far. */
  readonly run: (batch: WriteBatch, store: Store) => void;
}

/** In order, one for each version after the first. */
export const MIGRATIONS: readonly Migration[] = [
  // From version 2 on there is a journal beside the tables, which a program of version 1 would not see, and a row of the
  // event log holds many events (event-blocks.ts).
  { to: 2, run: joinEvents },
  // From version 3 on events are filed by type and by what they are about (event-index.ts).
  { to: 3, run: indexEvents },
];

export interface MigrateOptions {
  /** Where the copy goes: a directory that is made for it, named after the version. */
  readonly backupDirectory: (version: number) => string;
  readonly version?: number;
  readonly migrations?: readonly Migration[];
}

export interface Migrated {
  /** The version found; undefined in a fresh directory. */
  readonly from: number | undefined;
  readonly to: number;
  /** Where the store as it was lies, when something was changed. */
  readonly backup?: string;
}

/** Brings the store to the newest version. Throws a StorageError when it is newer than this program, or has no way here. */
export async function migrate(store: Store, options: MigrateOptions): Promise<Migrated> {
  const { backupDirectory, version: newest = SCHEMA_VERSION, migrations = MIGRATIONS } = options;
  const from = readMetaNumber(store, SCHEMA);
  if (from === undefined) {
    refuseForeign(store);
    store.commit((batch) => writeMetaNumber(batch, SCHEMA, newest));
    return { from, to: newest };
  }
  refuseNewer(store, newest);
  if (from === newest) return { from, to: newest };
  const steps = stepsFrom(from, newest, migrations);
  const backup = backupDirectory(from);
  await copyOnce(store, backup);
  for (const step of steps) {
    store.commit((batch) => {
      step.run(batch, store);
      writeMetaNumber(batch, SCHEMA, step.to);
    });
  }
  return { from, to: newest, backup };
}

/** Version 1 had a row for each event. */
function joinEvents(batch: WriteBatch, store: Store): void {
  const { start, end } = rangeOf([EVENT_TABLE]);
  let from: Uint8Array = start;
  for (let seq = 1; ; ) {
    const rows = store.range({ start: from, end, limit: EVENTS_PER_PAGE });
    const last = rows.at(-1);
    if (last === undefined) return;
    for (const { key } of rows) batch.delete(key);
    const events = rows.map(({ value }) => value);
    for (const row of eventRows(seq, events)) batch.put(encodeKey(row.key), row.value);
    seq += rows.length;
    from = afterKey(last.key);
  }
}

/** Version 2 had the log without its index, but for what this program has just recovered from its journal. */
function indexEvents(batch: WriteBatch, store: Store): void {
  for (const table of [EVENT_TYPE_TABLE, EVENT_ABOUT_TABLE]) {
    for (const key of store.rangeKeys({ ...rangeOf([table]), limit: Number.MAX_SAFE_INTEGER })) batch.delete(key);
  }
  const { start, end } = rangeOf([EVENT_TABLE]);
  for (let from: Uint8Array = start; ; ) {
    const rows = store.range({ start: from, end, limit: EVENT_ROWS_PER_PAGE });
    const last = rows.at(-1);
    if (last === undefined) return;
    const index = new EventIndex();
    for (const { key, value } of rows) {
      for (const event of eventsOf(Number(decodeKey(key)[1]), value)) index.add(event.seq, event.value);
    }
    for (const row of index.rows()) batch.put(encodeKey(row.key), row.value);
    from = afterKey(last.key);
  }
}

/** Throws a StorageError when the store was written by a newer program (V1). */
export function refuseNewer(store: StoreReader, newest = SCHEMA_VERSION): void {
  const found = readMetaNumber(store, SCHEMA) ?? 0;
  if (found <= newest) return;
  throw new StorageError(
    `The data directory has schema version ${found}, and this program knows versions up to ${newest}. ` +
      'Use the program that wrote it, or a newer one.',
  );
}

/** A store without a version must be empty: what else lies in it was not written by this program. */
function refuseForeign(store: Store): void {
  const [any] = store.rangeKeys({ start: Uint8Array.of(0), end: Uint8Array.of(0xff), limit: 1 });
  if (any !== undefined)
    throw new StorageError('The store holds data but no schema version: it is damaged or not ours.');
}

function stepsFrom(from: number, to: number, migrations: readonly Migration[]): Migration[] {
  const steps: Migration[] = [];
  for (let version = from + 1; version <= to; version++) {
    const step = migrations.find((each) => each.to === version);
    if (step === undefined) {
      throw new StorageError(`The data directory has schema version ${from}: no migration leads from it to ${to}.`);
    }
    steps.push(step);
  }
  return steps;
}

/** A copy under its final name is whole. A later run, after a crash among the steps, keeps the first copy. */
async function copyOnce(store: Store, directory: string): Promise<void> {
  if (existsSync(directory)) return;
  const unfinished = `${directory}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(dirname(directory), { recursive: true, mode: 0o700 });
  await store.backup(unfinished);
  invariant(existsSync(unfinished), 'A backup made no directory.');
  renameSync(unfinished, directory);
}
