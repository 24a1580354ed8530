// Data place
//
// Where a command finds a data directory, and the archives of its event log: those of the config, for the directory of the
// config; for any other, the ones in it.

import { resolve } from 'node:path';
import type { ArchiveReport } from '../archive/archive-audit.js';
import { archiveDirectory } from '../runtime/storage/data-directory.js';
import { readMetaNumber } from '../runtime/storage/meta.js';
import type { StoreReader } from '../runtime/storage/store.js';
import { type Arguments, configOf } from './command.js';

/** What is wrong where archives go beyond the log as it is by now. After it `tables` are those of another moment. */
export function beyondTheLog({ beyond }: Pick<ArchiveReport, 'beyond'>, tables: StoreReader): readonly string[] {
  tables.refresh();
  const last = readMetaNumber(tables, ['seq']) ?? 0;
  return beyond > last
    ? [`archives: event ${beyond} is archived; the last of the log is ${last}: they are not of this log`]
    : [];
}

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
