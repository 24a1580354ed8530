// Data directory copy
//
// A data directory once more, in another place, while its server runs or not.
//
//     sums      then      journal: the groups that are not in the tables ──▶ one segment      then      tables, as of one moment
//
// DC1. The copy holds everything that was acknowledged when the copying began: what was not in the tables then is in the
//      copied journal, or was applied before the tables are copied, which is later.
// DC2. The groups of the copied journal follow its tables without a gap; those that the tables hold already are passed over.
// DC3. The copy is another history: one that goes on from it is not the one that it was copied from (history.ts).
// DC4. A journal that is damaged is not copied: its copy would hide what it lacks.
// DC5. The sums of the event log are as of a moment before the tables: they are never ahead of them.

import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readTablesState } from '../tables.js';
import { journalDirectory, summariesDirectory, tablesDirectory } from './data-directory.js';
import { type Disk, type DiskReader, RealDisk } from './disk.js';
import { flush } from './flush.js';
import { endHistory } from './history.js';
import { SegmentCopy } from './journal-copy.js';
import { readTail } from './journal-tail.js';
import { DATA_FILE, openLmdbReader } from './lmdb-store.js';
import { ReadOnlyDisk } from './read-only-disk.js';
import type { StoreReader } from './store.js';

/**
 * `to` is empty or not there. Resolves when the disk has all of the copy. Throws a StorageError where there is no sound
 * store, a JournalDamage (DC4), or what the disk throws; what was copied by then stays.
 */
export async function copyDataDirectory(from: string, to: string): Promise<void> {
  await copySummaries(summariesDirectory(from), summariesDirectory(to));
  const tables = openLmdbReader(tablesDirectory(from));
  try {
    copyJournal(tables, new ReadOnlyDisk(journalDirectory(from)), new RealDisk(journalDirectory(to)));
    await tables.backup(tablesDirectory(to));
    endHistory(to);
    flush(to);
    flush(dirname(resolve(to)));
  } finally {
    await tables.close();
  }
}

/** Where anything was summed up. */
async function copySummaries(from: string, to: string): Promise<void> {
  if (!existsSync(join(from, DATA_FILE))) return;
  const sums = openLmdbReader(from);
  try {
    await sums.backup(to);
  } finally {
    await sums.close();
  }
}

/** The groups after the last one in `tables`, as one segment of an empty directory. Blocks until the disk has them. */
export function copyJournal(tables: StoreReader, from: DiskReader, to: Disk): void {
  let copy: SegmentCopy | undefined;
  const begin = () => {
    copy?.abandon();
    copy = new SegmentCopy(to, 1);
    tables.refresh();
    return readTablesState(tables, []).applied;
  };
  try {
    const { damage } = readTail(from, { begin, take: (group) => copy?.append(group) });
    if (damage !== undefined) throw damage;
    copy?.end();
  } catch (error) {
    copy?.abandon();
    throw error;
  }
}
