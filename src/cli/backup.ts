// troupe backup

import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { tablesDirectory } from '../runtime/storage/data-directory.js';
import { openLmdbReader } from '../runtime/storage/lmdb-store.js';
import { CONFIG_OPTIONS, type Command, configOf, print, readArguments, UsageError } from './command.js';

export const backup: Command = async (args) => {
  const given = readArguments(args, CONFIG_OPTIONS, 1);
  const [target] = given.positionals;
  if (target === undefined) throw new UsageError('troupe backup needs the directory to copy to');
  const config = configOf(given);
  refuseOccupied(resolve(target));
  const reader = openLmdbReader(tablesDirectory(config.dataDir));
  try {
    await reader.backup(join(resolve(target), 'tables'));
  } finally {
    await reader.close();
  }
  print(`copied ${resolve(config.dataDir)} to ${resolve(target)}`);
  return 0;
};

/** A copy among other things would be no data directory, and whose they are is not known. */
function refuseOccupied(target: string): void {
  const found = statSync(target, { throwIfNoEntry: false });
  if (found === undefined || (found.isDirectory() && readdirSync(target).length === 0)) return;
  throw new Error(`${target} is not an empty directory: a backup is copied into a new one`);
}
