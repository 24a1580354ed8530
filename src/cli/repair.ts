// troupe check --repair
//
// For a journal that is damaged in the middle, which no server starts on: says what would be lost, and does it when told to.

import { relative } from 'node:path';
import { systemClock } from '../clock.js';
import {
  journalDirectory,
  openDataDirectory,
  refuseInUse,
  tablesDirectory,
} from '../runtime/storage/data-directory.js';
import { endHistory } from '../runtime/storage/history.js';
import { type LostGroups, planRepair, type RepairPlan, repairJournal } from '../runtime/storage/journal-repair.js';
import { openLmdbReader } from '../runtime/storage/lmdb-store.js';
import { refuseNewer } from '../runtime/storage/migrations.js';
import { ReadOnlyDisk } from '../runtime/storage/read-only-disk.js';
import { print } from './command.js';

/** Returns the exit code: 1 when there is something to repair and `isAgreed` is false. Throws when a server holds it. */
export async function repair(directory: string, isAgreed: boolean): Promise<number> {
  const tables = openLmdbReader(tablesDirectory(directory));
  try {
    refuseNewer(tables);
    refuseInUse(directory);
    const held = isAgreed ? openDataDirectory(directory) : undefined;
    try {
      const journal = journalDirectory(directory);
      const plan = planRepair(tables, new ReadOnlyDisk(journal));
      if (plan === undefined) {
        print(`the journal of ${directory} is sound: there is nothing to repair`);
        return 0;
      }
      describe(plan);
      if (!isAgreed) {
        print('nothing was changed: give --yes too, and it is done');
        return 1;
      }
      // Before anything is lost: what counts in this history must not go on where another message stands.
      endHistory(directory);
      const aside = repairJournal(journal, plan, systemClock.now());
      print(`repaired: the damaged segments are in ${relative(directory, aside)} now, and a server starts on the rest`);
      return 0;
    } finally {
      held?.release();
    }
  } finally {
    await tables.close();
  }
}

function describe({ problems, applied, kept, lost, segments }: RepairPlan): void {
  for (const problem of problems) print(problem);
  const more = kept.length === 0 ? '' : `, and of the journal ${span('group', applied + 1, applied + kept.length)}`;
  print(`stays: the tables as they are, with all groups up to ${applied}${more}`);
  print(`is lost: ${lost === undefined ? 'nothing that is known of' : textOf(lost)}`);
  print(`is moved aside: ${segments.join(', ')}`);
}

function textOf({ first, last, whole, firstEvent, lastEvent }: LostGroups): string {
  const read = whole === 0 ? 'none of them can be read' : `${whole} of them could be read, but follow on what cannot`;
  return `${span('group', first, last)} (${read}); ${eventsText(firstEvent, lastEvent)}`;
}

function eventsText(first: number, last: number | undefined): string {
  if (last === undefined) return `events from number ${first} on`;
  return last < first ? 'no events' : span('event', first, last);
}

function span(what: string, first: number, last: number): string {
  return first === last ? `${what} ${first}` : `${what}s ${first} to ${last} (${last - first + 1})`;
}
