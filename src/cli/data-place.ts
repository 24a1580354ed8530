// Data place
//
// Where a command finds a data directory, and the archives of its event log: those of the config, for the directory of the
// config; for any other, the ones in it.

import { resolve } from 'node:path';
import { archiveDirectory } from '../runtime/storage/data-directory.js';
import { type Arguments, configOf } from './command.js';

export interface DataPlace {
  readonly directory: string;
  readonly archives: string;
}

export function dataPlace(given: Arguments): DataPlace {
  const config = configOf(given);
  const configured = resolve(config.dataDir);
  const directory = resolve(given.positionals[0] ?? configured);
  const archives = archiveDirectory(directory, directory === configured ? config.eventLog.archiveDir : null);
  return { directory, archives };
}
