// troupe check
//
// Looks at what a server would find in a data directory: its tables, and what its journal has beyond them. Writes nothing,
// but for --repair with --yes (repair.ts).

import { type ArchiveReport, auditArchives } from '../archive/archive-audit.js';
import { auditTables } from '../audit/audit.js';
import { COUNTERS } from '../audit/counters.js';
import { EventFold } from '../audit/event-fold.js';
import { journalDirectory, tablesDirectory } from '../runtime/storage/data-directory.js';
import { openLmdbReader } from '../runtime/storage/lmdb-store.js';
import { refuseNewer } from '../runtime/storage/migrations.js';
import { ReadOnlyDisk } from '../runtime/storage/read-only-disk.js';
import { readWholeState, type WholeState } from '../runtime/storage/whole-state.js';
import { CONFIG_OPTIONS, type Command, print, readArguments, UsageError } from './command.js';
import { beyondTheLog, dataPlace } from './data-place.js';
import { repair } from './repair.js';

type Facts = Readonly<Record<string, unknown>>;

export const check: Command = async (args) => {
  const given = readArguments(args, CONFIG_OPTIONS, 1, ['repair', 'yes']);
  const { directory, archives } = dataPlace(given);
  const isAgreed = given.flags.has('yes');
  if (given.flags.has('repair')) return repair(directory, isAgreed);
  if (isAgreed) throw new UsageError('--yes is for --repair');
  const tables = openLmdbReader(tablesDirectory(directory));
  try {
    refuseNewer(tables);
    // Without a turn of the event loop from here on: a server may be writing, and this is one moment of it.
    const state = readWholeState(tables, new ReadOnlyDisk(journalDirectory(directory)), COUNTERS);
    const fold = new EventFold();
    const archived = auditArchives({
      tables: state.reader,
      directory: archives,
      seen: ({ type, agent, data }) => fold.take(type, agent, data as Facts),
    });
    const isWhole = archived.findingsTotal === 0;
    const { findings, findingsTotal, rows } = auditTables(state.reader, isWhole ? fold : undefined);
    for (const { table, key, problem } of findings) print(`${table} ${key}: ${problem}`);
    for (const problem of state.problems) print(`journal: ${problem}`);
    print(`journal: ${groupsNotApplied(state)}`);
    printArchives(archived, archives);
    const counted = Object.entries(rows).map(([table, count]) => `${table} ${count}`);
    print(`checked ${directory}: ${counted.length === 0 ? 'empty' : counted.join(', ')}`);
    const foreign = beyondTheLog(archived, tables);
    for (const problem of foreign) print(problem);
    const total = findingsTotal + state.problems.length + archived.findingsTotal + foreign.length;
    print(total === 0 ? 'nothing wrong found' : `${total} problems found`);
    return total === 0 ? 0 : 1;
  } finally {
    await tables.close();
  }
};

function printArchives({ findings, files, events }: ArchiveReport, directory: string): void {
  for (const { file, problem } of findings) print(`archives ${file}: ${problem}`);
  if (files > 0) print(`archives: ${events} events in ${files} files in ${directory}`);
}

/** What is no fault: every kill leaves such. */
function groupsNotApplied({ unapplied, torn }: WholeState): string {
  const groups = unapplied === 1 ? '1 group is' : `${unapplied} groups are`;
  const waiting = `${groups} not in the tables yet${unapplied === 0 ? '' : ': the next start applies what is there'}`;
  if (torn === undefined) return waiting;
  return `${waiting}; group ${torn} is not whole, and was not acknowledged`;
}
