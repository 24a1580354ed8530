// troupe backup

import { readdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { copyArchives } from '../archive/archive-copy.js';
import { trimmedUpTo } from '../runtime/event-trim.js';
import { archiveDirectory, tablesDirectory } from '../runtime/storage/data-directory.js';
import { copyDataDirectory } from '../runtime/storage/data-directory-copy.js';
import { openLmdbReader } from '../runtime/storage/lmdb-store.js';
import { CONFIG_OPTIONS, type Command, configOf, print, readArguments, UsageError } from './command.js';

export const backup: Command = async (args) => {
  const given = readArguments(args, CONFIG_OPTIONS, 1);
  const [target] = given.positionals;
  if (target === undefined) throw new UsageError('troupe backup needs the directory to copy to');
  const config = configOf(given);
  refuseOccupied(resolve(target));
  await copyDataDirectory(config.dataDir, target);
  const tables = openLmdbReader(tablesDirectory(target));
  const trimmed = trimmedUpTo(tables);
  await tables.close();
  const archives = archiveDirectory(config.dataDir, config.eventLog.archiveDir);
  const { missingFrom } = copyArchives(archives, archiveDirectory(target, null), trimmed);
  if (missingFrom !== undefined) print(`the archive of event ${missingFrom} is not in ${archives}: it was not copied`);
  print(`copied ${resolve(config.dataDir)} to ${resolve(target)}`);
  return 0;
};

/** A copy among other things would be no data directory, and whose they are is not known. */
function refuseOccupied(target: string): void {
  const found = statSync(target, { throwIfNoEntry: false });
  if (found === undefined || (found.isDirectory() && readdirSync(target).length === 0)) return;
  throw new Error(`${target} is not an empty directory: a backup is copied into a new one`);
}
