// troupe events
//
// The event log: followed on a running server, or read and verified in a data directory, whether its server runs or not.

import { resolve } from 'node:path';
import { type AuditReport, auditEvents } from '../audit/audit.js';
import { COUNTERS } from '../audit/counters.js';
import { environmentName } from '../config-schema.js';
import { type EventPage, type LoggedEvent, readEventPage } from '../runtime/event-reader.js';
import { journalDirectory, tablesDirectory } from '../runtime/storage/data-directory.js';
import { openLmdbReader } from '../runtime/storage/lmdb-store.js';
import { readMetaNumber } from '../runtime/storage/meta.js';
import { refuseNewer } from '../runtime/storage/migrations.js';
import { ReadOnlyDisk } from '../runtime/storage/read-only-disk.js';
import type { StoreReader } from '../runtime/storage/store.js';
import { readWholeState, type WholeState } from '../runtime/storage/whole-state.js';
import { encodeLogged } from '../transport/observation/event-json.js';
import {
  type Arguments,
  CONFIG_OPTIONS,
  type Command,
  configOf,
  print,
  readArguments,
  single,
  UsageError,
} from './command.js';
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

/** What was durable when it began. What is in the tables by then stays there, and is read while it is written out. */
async function exportEvents(args: readonly string[]): Promise<number> {
  const given = readArguments(args, [...CONFIG_OPTIONS, 'since', 'until'], 1);
  const since = seqOf(given, 'since') ?? 0;
  const until = seqOf(given, 'until') ?? Number.MAX_SAFE_INTEGER;
  const lines = new JsonLines();
  return withTables(given, async (tables, directory) => {
    const { stored, rest } = endOf(tables, wholeState(tables, directory), Math.max(since, 0), until);
    const last = Math.min(until, stored);
    for (let after = since; after < last; ) {
      tables.refresh();
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
  return withTables(given, async (tables, directory) => {
    const state = wholeState(tables, directory);
    const { findings, findingsTotal, rows }: AuditReport = auditEvents(state.reader);
    for (const { table, key, problem } of findings) print(`${table} ${key}: ${problem}`);
    for (const problem of state.problems) print(`journal: ${problem}`);
    const total = findingsTotal + state.problems.length;
    print(
      `verified ${rows.event ?? 0} events in ${directory}: ${total === 0 ? 'nothing wrong found' : `${total} problems found`}`,
    );
    return total === 0 ? 0 : 1;
  });
}

async function withTables(
  given: Arguments,
  run: (tables: StoreReader, directory: string) => Promise<number>,
): Promise<number> {
  const directory = resolve(given.positionals[0] ?? configOf(given).dataDir);
  const tables = openLmdbReader(tablesDirectory(directory));
  try {
    refuseNewer(tables);
    return await run(tables, directory);
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
