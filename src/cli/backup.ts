// troupe backup

import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { copyArchives } from '../archive/archive-copy.js';
import { trimmedUpTo } from '../runtime/event-trim.js';
import { archiveDirectory, summariesDirectory, tablesDirectory } from '../runtime/storage/data-directory.js';
import { copyDataDirectory } from '../runtime/storage/data-directory-copy.js';
import { DATA_FILE, openLmdbReader } from '../runtime/storage/lmdb-store.js';
import { readMetaNumber } from '../runtime/storage/meta.js';
import { StorageError } from '../runtime/storage/storage-error.js';
import type { StoreReader } from '../runtime/storage/store.js';
import { META_FOLDED } from '../summaries/rows.js';
import { CONFIG_OPTIONS, type Command, configOf, print, readArguments, UsageError } from './command.js';

/** Of one backup. */
const COPIES_MAX = 5;

export const backup: Command = async (args) => {
  const given = readArguments(args, CONFIG_OPTIONS, 1);
  const [target] = given.positionals;
  if (target === undefined) throw new UsageError('troupe backup needs the directory to copy to');
  const config = configOf(given);
  refuseOccupied(resolve(target));
  const trimmed = await copyAll(config.dataDir, target);
  const archives = archiveDirectory(config.dataDir, config.eventLog.archiveDir);
  const { missingFrom } = copyArchives(archives, archiveDirectory(target, null), trimmed);
  if (missingFrom !== undefined) print(`the archive of event ${missingFrom} is not in ${archives}: it was not copied`);
  print(`copied ${resolve(config.dataDir)} to ${resolve(target)}`);
  return 0;
};

/**
 * Gives the last event that the tables of the copy do not have. Sums are copied before tables: should more have been taken
 * out of the tables meanwhile than the copied sums hold, all of it is copied once more.
 */
async function copyAll(from: string, to: string): Promise<number> {
  for (let copies = 1; ; copies++) {
    const before = await readMeta(tablesDirectory(from), trimmedUpTo);
    await copyDataDirectory(from, to);
    const trimmed = await readMeta(tablesDirectory(to), trimmedUpTo);
    const summed = await readMeta(summariesDirectory(to), (sums) => readMetaNumber(sums, META_FOLDED) ?? 0);
    if (trimmed <= Math.max(before, summed)) return trimmed;
    if (copies === COPIES_MAX) throw new StorageError('Old events are taken out faster than they can be copied.');
    for (const name of readdirSync(to)) rmSync(join(to, name), { recursive: true });
  }
}

async function readMeta(directory: string, read: (reader: StoreReader) => number): Promise<number> {
  if (!existsSync(join(directory, DATA_FILE))) return 0;
  const reader = openLmdbReader(directory);
  try {
    return read(reader);
  } finally {
    await reader.close();
  }
}

/** A copy among other things would be no data directory, and whose they are is not known. */
function refuseOccupied(target: string): void {
  const found = statSync(target, { throwIfNoEntry: false });
  if (found === undefined || (found.isDirectory() && readdirSync(target).length === 0)) return;
  throw new Error(`${target} is not an empty directory: a backup is copied into a new one`);
}
