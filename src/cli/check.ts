// troupe check
//
// Looks at what a server would find in a data directory: its tables, and what its journal has beyond them. Writes nothing,
// but for --repair with --yes (repair.ts).

import { resolve } from 'node:path';
import { auditTables } from '../audit/audit.js';
import { COUNTERS } from '../audit/counters.js';
import { journalDirectory, tablesDirectory } from '../runtime/storage/data-directory.js';
import { openLmdbReader } from '../runtime/storage/lmdb-store.js';
import { refuseNewer } from '../runtime/storage/migrations.js';
import { ReadOnlyDisk } from '../runtime/storage/read-only-disk.js';
import { readWholeState, type WholeState } from '../runtime/storage/whole-state.js';
import { CONFIG_OPTIONS, type Command, configOf, print, readArguments, UsageError } from './command.js';
import { repair } from './repair.js';

export const check: Command = async (args) => {
  const given = readArguments(args, CONFIG_OPTIONS, 1, ['repair', 'yes']);
  const config = configOf(given);
  const directory = resolve(given.positionals[0] ?? config.dataDir);
  const isAgreed = given.flags.has('yes');
  if (given.flags.has('repair')) return repair(directory, isAgreed);
  if (isAgreed) throw new UsageError('--yes is for --repair');
  const tables = openLmdbReader(tablesDirectory(directory));
  try {
    refuseNewer(tables);
    // Without a turn of the event loop from here on: a server may be writing, and this is one moment of it.
    const state = readWholeState(tables, new ReadOnlyDisk(journalDirectory(directory)), COUNTERS);
    const { findings, findingsTotal, rows } = auditTables(state.reader);
    for (const { table, key, problem } of findings) print(`${table} ${key}: ${problem}`);
    for (const problem of state.problems) print(`journal: ${problem}`);
    print(`journal: ${groupsNotApplied(state)}`);
    const counted = Object.entries(rows).map(([table, count]) => `${table} ${count}`);
    print(`checked ${directory}: ${counted.length === 0 ? 'empty' : counted.join(', ')}`);
    const total = findingsTotal + state.problems.length;
    print(total === 0 ? 'nothing wrong found' : `${total} problems found`);
    return total === 0 ? 0 : 1;
  } finally {
    await tables.close();
  }
};

/** What is no fault: every kill leaves such. */
function groupsNotApplied({ unapplied, torn }: WholeState): string {
  const groups = unapplied === 1 ? '1 group is' : `${unapplied} groups are`;
  const waiting = `${groups} not in the tables yet${unapplied === 0 ? '' : ': the next start applies what is there'}`;
  if (torn === undefined) return waiting;
  return `${waiting}; group ${torn} is not whole, and was not acknowledged`;
}
