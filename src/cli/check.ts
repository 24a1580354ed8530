// troupe check
//
// Looks at what a server would find in a data directory: its tables, and what its journal has beyond them. Writes nothing,
// but for --repair with --yes (repair.ts).

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ArchiveReport, auditArchives } from '../archive/archive-audit.js';
import { type AuditReport, auditSummaries, auditTables, type SummaryReport, tallyFor } from '../audit/audit.js';
import { COUNTERS } from '../audit/counters.js';
import { EventFold } from '../audit/event-fold.js';
import { journalDirectory, summariesDirectory, tablesDirectory } from '../runtime/storage/data-directory.js';
import { DATA_FILE, openLmdbReader } from '../runtime/storage/lmdb-store.js';
import { refuseNewer } from '../runtime/storage/migrations.js';
import { ReadOnlyDisk } from '../runtime/storage/read-only-disk.js';
import type { StoreReader } from '../runtime/storage/store.js';
import { readWholeState, type WholeState } from '../runtime/storage/whole-state.js';
import { CONFIG_OPTIONS, type Command, print, readArguments, UsageError } from './command.js';
import { beyondTheLog, dataPlace } from './data-place.js';
import { repair } from './repair.js';

type Facts = Readonly<Record<string, unknown>>;

/** A read that takes a snapshot of a store. */
const FIRST_OF_ALL = { start: Uint8Array.of(0), end: Uint8Array.of(0xff), limit: 1 };

export const check: Command = async (args) => {
  const given = readArguments(args, CONFIG_OPTIONS, 1, ['repair', 'yes']);
  const { directory, archives } = dataPlace(given);
  const isAgreed = given.flags.has('yes');
  if (given.flags.has('repair')) return repair(directory, isAgreed);
  if (isAgreed) throw new UsageError('--yes is for --repair');
  const tables = openLmdbReader(tablesDirectory(directory));
  const sums = openSummaries(directory);
  try {
    refuseNewer(tables);
    // Before the tables, of which they must not be ahead.
    sums?.refresh();
    sums?.rangeKeys(FIRST_OF_ALL);
    // Without a turn of the event loop from here on: a server may be writing, and this is one moment of it.
    const state = readWholeState(tables, new ReadOnlyDisk(journalDirectory(directory)), COUNTERS);
    const fold = new EventFold();
    const tally = sums === undefined ? undefined : tallyFor(sums);
    const archived = auditArchives({
      tables: state.reader,
      directory: archives,
      seen(event) {
        fold.take(event.type, event.agent, event.data as Facts);
        tally?.archived(event);
      },
    });
    const isWhole = archived.findingsTotal === 0;
    const { findings, findingsTotal, rows } = auditTables(state.reader, isWhole ? fold : undefined);
    const summed = sums === undefined ? undefined : auditSummaries(state.reader, sums, tally);
    for (const { table, key, problem } of findings) print(`${table} ${key}: ${problem}`);
    for (const { table, key, problem } of summed?.findings ?? []) print(`summaries: ${table} ${key}: ${problem}`);
    for (const problem of state.problems) print(`journal: ${problem}`);
    print(`journal: ${groupsNotApplied(state)}`);
    printArchives(archived, archives);
    if (summed !== undefined) print(summaryLine(summed));
    print(`checked ${directory}: ${countedIn({ rows })}`);
    const foreign = beyondTheLog(archived, tables);
    for (const problem of foreign) print(problem);
    const found = findingsTotal + archived.findingsTotal + (summed?.findingsTotal ?? 0);
    const total = found + state.problems.length + foreign.length;
    print(total === 0 ? 'nothing wrong found' : `${total} problems found`);
    return total === 0 ? 0 : 1;
  } finally {
    await sums?.close();
    await tables.close();
  }
};

function printArchives({ findings, files, events }: ArchiveReport, directory: string): void {
  for (const { file, problem } of findings) print(`archives ${file}: ${problem}`);
  if (files > 0) print(`archives: ${events} events in ${files} files in ${directory}`);
}

/** Undefined where nothing was summed up yet. */
function openSummaries(directory: string): StoreReader | undefined {
  const path = summariesDirectory(directory);
  return existsSync(join(path, DATA_FILE)) ? openLmdbReader(path) : undefined;
}

function summaryLine(summed: SummaryReport): string {
  const { folded, notRecounted } = summed;
  const recounted = notRecounted === 0 ? '' : `, not recounted: ${notRecounted} events are not in the log any more`;
  return `summaries: up to event ${folded}${recounted}: ${countedIn(summed)}`;
}

function countedIn({ rows }: Pick<AuditReport, 'rows'>): string {
  const counted = Object.entries(rows).map(([table, count]) => `${table} ${count}`);
  return counted.length === 0 ? 'empty' : counted.join(', ');
}

/** What is no fault: every kill leaves such. */
function groupsNotApplied({ unapplied, torn }: WholeState): string {
  const groups = unapplied === 1 ? '1 group is' : `${unapplied} groups are`;
  const waiting = `${groups} not in the tables yet${unapplied === 0 ? '' : ': the next start applies what is there'}`;
  if (torn === undefined) return waiting;
  return `${waiting}; group ${torn} is not whole, and was not acknowledged`;
}
