// troupe events
//
// The event log: followed on a running server, or read and verified in a data directory, whether its server runs or not.

import { auditArchives } from '../archive/archive-audit.js';
import { listArchives, readArchive } from '../archive/archive-file.js';
import { type AuditReport, auditEvents } from '../audit/audit.js';
import { COUNTERS } from '../audit/counters.js';
import { environmentName } from '../config-schema.js';
import { type EventPage, type LoggedEvent, readEventPage } from '../runtime/event-reader.js';
import { trimmedUpTo } from '../runtime/event-trim.js';
import { journalDirectory, tablesDirectory } from '../runtime/storage/data-directory.js';
import { openLmdbReader } from '../runtime/storage/lmdb-store.js';
import { readMetaNumber } from '../runtime/storage/meta.js';
import { refuseNewer } from '../runtime/storage/migrations.js';
import { ReadOnlyDisk } from '../runtime/storage/read-only-disk.js';
import type { StoreReader } from '../runtime/storage/store.js';
import { readWholeState, type WholeState } from '../runtime/storage/whole-state.js';
import { encodeLogged } from '../transport/observation/event-json.js';
import { type Arguments, CONFIG_OPTIONS, type Command, print, readArguments, single, UsageError } from './command.js';
import { beyondTheLog, type DataPlace, dataPlace } from './data-place.js';
import { follow } from './event-follower.js';
import { JsonLines, NobodyReads } from './json-lines.js';
import { serverUrl } from './server-call.js';

const TOKEN_VARIABLE = environmentName('admin.token');
/** Events, and their bytes, that are in memory at a time. */
const PAGE_EVENTS = 1_000;
const PAGE_BYTES_MAX = 1024 * 1024;

export const events: Command = async ([what, ...args]) => {
  try {
    switch (what) {
      case 'tail':
        return await tail(args);
      case 'export':
        return await exportEvents(args);
      case 'verify':
        return await verify(args);
      default:
        throw new UsageError('troupe events needs one of tail, export, verify');
    }
  } catch (error) {
    if (error instanceof NobodyReads) return 0;
    throw error;
  }
};

async function tail(args: readonly string[]): Promise<number> {
  const given = readArguments(args, ['url', 'token', 'since', 'type', 'agent']);
  const lines = new JsonLines();
  return follow({
    base: serverUrl(single(given, 'url')),
    token: single(given, 'token') ?? process.env[TOKEN_VARIABLE],
    since: seqOf(given, 'since') ?? null,
    types: single(given, 'type'),
    agent: single(given, 'agent'),
    take: (json) => lines.write([json]),
  });
}

/** What was durable when it began. What is in the tables by then stays there, or goes into archives, and is read meanwhile. */
async function exportEvents(args: readonly string[]): Promise<number> {
  const given = readArguments(args, [...CONFIG_OPTIONS, 'since', 'until'], 1);
  const since = seqOf(given, 'since') ?? 0;
  const until = seqOf(given, 'until') ?? Number.MAX_SAFE_INTEGER;
  const lines = new JsonLines();
  return withTables(given, async (tables, { directory, archives }) => {
    const { stored, rest } = endOf(tables, wholeState(tables, directory), Math.max(since, 0), until);
    const last = Math.min(until, stored);
    for (let after = since; after < last; ) {
      tables.refresh();
      const trimmed = trimmedUpTo(tables);
      if (after < trimmed) {
        after = await exportArchived(lines, archives, after, Math.min(trimmed, last));
        continue;
      }
      const page = pageOf(tables, after, last);
      await lines.write(page.events.map(lineOf));
      if (!page.hasMore) break;
      after = page.next;
    }
    for (let at = 0; at < rest.length; at += PAGE_EVENTS) {
      await lines.write(rest.slice(at, at + PAGE_EVENTS).map(lineOf));
    }
    return 0;
  });
}

/** Out of the archive that has the event behind `after`; how far it went. */
async function exportArchived(lines: JsonLines, archives: string, after: number, last: number): Promise<number> {
  const file = listArchives(archives).find((one) => one.first <= after + 1 && one.last > after);
  if (file === undefined) throw new Error(`event ${after + 1} is archived, and in no archive in ${archives}`);
  const events = readArchive(file).filter(({ seq }) => seq > after && seq <= last);
  for (let at = 0; at < events.length; at += PAGE_EVENTS) {
    await lines.write(events.slice(at, at + PAGE_EVENTS).map((event) => JSON.stringify(event)));
  }
  return Math.min(file.last, last);
}

/** The number of the last event in the tables, and what the journal has beyond them: at most what it may be ahead. */
function endOf(
  tables: StoreReader,
  state: WholeState,
  since: number,
  until: number,
): { readonly stored: number; readonly rest: readonly LoggedEvent[] } {
  const stored = readMetaNumber(tables, ['seq']) ?? 0;
  const rest: LoggedEvent[] = [];
  for (let after = Math.max(stored, since); ; ) {
    const page = pageOf(state.reader, after, until);
    rest.push(...page.events);
    if (!page.hasMore) return { stored, rest };
    after = page.next;
  }
}

function pageOf(reader: StoreReader, since: number, until: number): EventPage {
  return readEventPage(reader, { since, until, limit: PAGE_EVENTS, bytesMax: PAGE_BYTES_MAX });
}

function lineOf(event: LoggedEvent): string {
  return encodeLogged(event).json;
}

async function verify(args: readonly string[]): Promise<number> {
  const given = readArguments(args, CONFIG_OPTIONS, 1);
  return withTables(given, async (tables, { directory, archives }) => {
    const state = wholeState(tables, directory);
    const { findings, findingsTotal, rows }: AuditReport = auditEvents(state.reader);
    for (const { table, key, problem } of findings) print(`${table} ${key}: ${problem}`);
    for (const problem of state.problems) print(`journal: ${problem}`);
    const archived = auditArchives({ tables: state.reader, directory: archives });
    const foreign = beyondTheLog(archived, tables);
    for (const { file, problem } of archived.findings) print(`archives ${file}: ${problem}`);
    for (const problem of foreign) print(problem);
    const total = findingsTotal + state.problems.length + archived.findingsTotal + foreign.length;
    const beside = archived.files === 0 ? '' : `, ${archived.events} in ${archived.files} archives`;
    print(
      `verified ${rows.event ?? 0} events in ${directory}${beside}: ${total === 0 ? 'nothing wrong found' : `${total} problems found`}`,
    );
    return total === 0 ? 0 : 1;
  });
}

async function withTables(
  given: Arguments,
  run: (tables: StoreReader, place: DataPlace) => Promise<number>,
): Promise<number> {
  const place = dataPlace(given);
  const tables = openLmdbReader(tablesDirectory(place.directory));
  try {
    refuseNewer(tables);
    return await run(tables, place);
  } finally {
    await tables.close();
  }
}

/** Valid until the event loop turns: a server may be writing. */
function wholeState(tables: StoreReader, directory: string): WholeState {
  return readWholeState(tables, new ReadOnlyDisk(journalDirectory(directory)), COUNTERS);
}

function seqOf(given: Arguments, name: string): number | undefined {
  const text = single(given, name);
  if (text === undefined) return undefined;
  const seq = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(seq)) throw new UsageError(`--${name} must be the number of an event`);
  return seq;
}
