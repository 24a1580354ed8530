// Measures: how long a start takes to bring a journal of 1 GB, of which the last process left nothing in the tables, into
// an empty store, durably: writes of state (1 KB, 20,000 keys), messages (200 bytes, 10,000 inboxes) that were taken
// soon, and messages that nobody took, in groups of 64 records.
//
// Does not measure: a disk that has to be read first (the segments are in the page cache, where a crash of the process
// leaves them), the rest of a start (scale/start), or what a server leaves at most by its own bound, an eighth of this.
//
// How to read it: an operation is a group. The floor reads all segments once in pieces of 1 MiB and puts them through the
// checksum: what must be done to trust them. It stores nothing, so the ratio is mostly the price of the tables. `verified`
// is the number of the last applied group, of all rounds; events and rows are counted in every round, and the notes have
// them, the seconds and the median rate in MB.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recoverTables } from '../../src/runtime/applier.js';
import { RealDisk } from '../../src/runtime/storage/disk.js';
import { GroupReader } from '../../src/runtime/storage/group-reader.js';
import { rangeOf } from '../../src/runtime/storage/keys.js';
import { openLmdbWriter } from '../../src/runtime/storage/lmdb-store.js';
import type { StoreReader } from '../../src/runtime/storage/store.js';
import { readTablesState } from '../../src/runtime/tables.js';
import { readAll } from '../baseline/raw-read.js';
import { type Bench, runBench } from '../harness/bench.js';
import { type CaseResult, type Subject, spreadOf } from '../harness/measure.js';
import type { Bound } from '../harness/report.js';
import {
  type LeftJournal,
  leaveJournal,
  messagesLeft,
  messagesTaken,
  stateWrites,
  type Traffic,
} from './left-journal.js';

const JOURNAL_BYTES = 1e9;
const JOURNAL_BYTES_QUICK = 8e6;
/** One sample takes seconds. */
const ROUNDS_MAX = 3;
/** Times as long as the floor. */
const TIMES_MAX = 5;

const TRAFFIC: ReadonlyMap<string, Traffic> = new Map([
  ['state', stateWrites],
  ['messages, taken', messagesTaken],
  ['messages, left', messagesLeft],
]);

function reading(journal: LeftJournal): Subject {
  return {
    name: 'read',
    async run(budgetMs) {
      const startedAt = performance.now();
      let operations = 0;
      let elapsedMs = 0;
      do {
        if (readAll(journal.directory) < journal.bytes) throw new Error('A part of the journal was not read');
        operations += journal.groups;
        elapsedMs = performance.now() - startedAt;
      } while (elapsedMs < budgetMs);
      return { operations, elapsedMs, latency: null };
    },
  };
}

/** Each run recovers the whole journal into a store of its own, once. */
function recovery(journal: LeftJournal, tables: string, seconds: number[]): Subject {
  let groups = 0;
  return {
    name: 'recovery',
    async run() {
      mkdirSync(tables);
      const store = openLmdbWriter(tables);
      const startedAt = performance.now();
      const reader = new GroupReader(new RealDisk(journal.directory), 1);
      recoverTables(
        store,
        () => reader.nextToEnd(),
        [],
        () => undefined,
      );
      reader.close();
      const elapsedMs = performance.now() - startedAt;
      seconds.push(elapsedMs / 1000);
      store.refresh();
      groups += checked(store, journal);
      await store.close();
      rmSync(tables, { recursive: true });
      return { operations: journal.groups, elapsedMs, latency: null };
    },
    countFarEnd: async () => groups,
  };
}

/** The number of the last group in the tables; throws when they do not hold what they must. */
function checked(store: StoreReader, { events, rows }: LeftJournal): number {
  const { applied, seq } = readTablesState(store, []);
  if (seq !== events) throw new Error(`The tables have ${seq} of ${events} events`);
  for (const [table, expected] of rows) {
    const { start, end } = rangeOf([table]);
    const found = store.count(start, end);
    if (found !== expected) throw new Error(`Table ${table} has ${found} rows, not ${expected}`);
  }
  return applied;
}

function noteOf(name: string, { bytes, groups, events, rows }: LeftJournal, seconds: readonly number[]): string {
  // The first was the warm-up.
  const { median, least, greatest } = spreadOf(seconds.slice(1));
  const tables = [...rows].map(([table, count]) => `, ${whole(count)} rows of ${table}`).join('');
  return (
    `${name}: ${median.toFixed(2)} s (${least.toFixed(2)} to ${greatest.toFixed(2)}), ` +
    `${whole(bytes / 1e6 / median)} MB/s; ${whole(bytes / 1e6)} MB, ${whole(groups)} groups, ${whole(events)} events${tables}`
  );
}

function boundsOf(cases: readonly CaseResult[]): Bound[] {
  return cases.map(({ name, results }) => ({
    what: `${name}: times as long as reading`,
    measured: 1 / results.at(-1)!.ratio.median,
    unit: '',
    limit: { kind: 'most', value: TIMES_MAX },
  }));
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

const bench: Bench = {
  name: 'journal/recovery',
  async open(quick) {
    const directory = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
    const bytesMin = quick ? JOURNAL_BYTES_QUICK : JOURNAL_BYTES;
    const left = [...TRAFFIC].map(([name, traffic], place) => ({
      name,
      journal: leaveJournal(join(directory, `journal-${place}`), traffic, bytesMin),
      seconds: [] as number[],
    }));
    return {
      roundsMax: ROUNDS_MAX,
      cases: left.map(({ name, journal, seconds }) => ({
        name,
        floor: reading(journal),
        subjects: [recovery(journal, join(directory, 'tables'), seconds)],
      })),
      notes: async () => left.map(({ name, journal, seconds }) => noteOf(name, journal, seconds)),
      bounds: boundsOf,
      close: async () => rmSync(directory, { recursive: true }),
    };
  },
};

await runBench(bench);
