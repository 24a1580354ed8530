// The whole event log of a data directory whose server does not run: archives, tables, and the rest of the journal.

import { join } from 'node:path';
import { auditArchives } from '../../src/archive/archive-audit.js';
import { listArchives } from '../../src/archive/archive-file.js';
import { auditEvents } from '../../src/audit/audit.js';
import { COUNTERS } from '../../src/audit/counters.js';
import { trimmedUpTo } from '../../src/runtime/event-trim.js';
import { journalDirectory, tablesDirectory } from '../../src/runtime/storage/data-directory.js';
import { openLmdbReader } from '../../src/runtime/storage/lmdb-store.js';
import { ReadOnlyDisk } from '../../src/runtime/storage/read-only-disk.js';
import { readWholeState } from '../../src/runtime/storage/whole-state.js';

export interface WholeLog {
  /** What is wrong with it. */
  readonly findings: readonly string[];
  /** Events that are in the archives alone. */
  readonly trimmed: number;
  /** The last event that is archived. */
  readonly archived: number;
  readonly files: number;
}

export async function wholeLog(dataDirectory: string): Promise<WholeLog> {
  const archives = join(dataDirectory, 'archive');
  const tables = openLmdbReader(tablesDirectory(dataDirectory));
  try {
    const state = readWholeState(tables, new ReadOnlyDisk(journalDirectory(dataDirectory)), COUNTERS);
    const events = auditEvents(state.reader).findings.map(({ table, key, problem }) => `${table} ${key}: ${problem}`);
    const files = listArchives(archives);
    const audit = auditArchives({ tables: state.reader, directory: archives });
    const kept = audit.findings.map(({ file, problem }) => `${file}: ${problem}`);
    if (audit.beyond > 0) kept.push(`event ${audit.beyond} is archived, and not in the log`);
    return {
      findings: [...state.problems, ...events, ...kept],
      trimmed: trimmedUpTo(state.reader),
      archived: files.at(-1)?.last ?? 0,
      files: files.length,
    };
  } finally {
    await tables.close();
  }
}
