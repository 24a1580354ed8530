// Measures: durable turns a second through the journal's own thread, the applier behind it, when 1, 64, 1,024 or 10,000
// actors wait for theirs: each puts its state (200 bytes) and adds to a counter, waits until that is acknowledged, and
// does it again; and when 1,024 of 204,800 do so in turn, so that no write of a state is soon followed by another. This
// thread plays the shard: records leave in one batch, the answer comes back by the port.
//
// Does not measure: handlers, mailboxes, events, or the way from the front door.
//
// How to read it: the floor appends the same bytes to a file, with one fdatasync for all who wait. `LMDB` puts the same
// states with the library's own asynchronous puts; `LMDB, sequential keys` puts each record into an environment that is
// used as a log. `verified` is what the far end holds: the counter in the tables, the rows and bytes of the others.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Batch } from '../../src/runtime/batch.js';
import { RecordWriter } from '../../src/runtime/commit-record.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import { RawAppend } from '../baseline/raw-append.js';
import { RawLmdb } from '../baseline/raw-lmdb.js';
import { runBench } from '../harness/bench.js';
import type { BenchCase, Subject } from '../harness/measure.js';
import { JournalUnderTest, SLOT, sampleRounds } from './journal-under-test.js';

interface Case {
  readonly waiting: number;
  /** Actors that there are. */
  readonly among: number;
}

const CASES: readonly Case[] = [
  { waiting: 1, among: 1 },
  { waiting: 64, among: 64 },
  { waiting: 1_024, among: 1_024 },
  { waiting: 10_000, among: 10_000 },
  { waiting: 1_024, among: 204_800 },
];
/** Has no divisor in common with the number of actors: steps of it meet all of them, far from each other. */
const STRIDE = 79_999;
const VALUE = Buffer.alloc(200, 's');

function nameOf(actor: number): string {
  return `actor-${String(actor).padStart(18, '0')}`;
}

/** Who takes a turn in each round: the same `waiting` actors, or others of `among` each time, in no order. */
function makeRounds({ waiting, among }: Case): number[][] {
  if (among === waiting) return [Array.from({ length: waiting }, (_, actor) => actor)];
  const shuffled = Array.from({ length: among }, (_, place) => (place * STRIDE) % among);
  return Array.from({ length: Math.floor(among / waiting) }, (_, round) =>
    shuffled.slice(round * waiting, (round + 1) * waiting),
  );
}

/** The records of one round. */
function roundBatch(actors: readonly number[], epoch: number): ArrayBuffer {
  const batch = new Batch();
  const writer = new RecordWriter(batch);
  for (const actor of actors) {
    writer.begin();
    writer.put(encodeKey(['row', nameOf(actor)]), VALUE);
    writer.add(0, 1, false);
    writer.end({ slot: SLOT, epoch });
  }
  return batch.take();
}

function journalSubject(journal: JournalUnderTest, waiting: number): Subject {
  return {
    name: 'journal',
    run: (budgetMs) => sampleRounds(waiting, budgetMs, () => journal.round(waiting)),
    countFarEnd: async () => (await journal.tables()).counters[0]!,
  };
}

function appendSubject(append: RawAppend, of: Case): Subject {
  const { waiting } = of;
  const bytes = new Uint8Array(roundBatch(makeRounds(of)[0]!, 1));
  return {
    name: 'raw file',
    run: (budgetMs) => sampleRounds(waiting, budgetMs, async () => append.append(bytes)),
    countFarEnd: async () => (append.sizeBytes / bytes.length) * waiting,
  };
}

/** Each state carries how often it was put. */
function lmdbSubject(lmdb: RawLmdb, of: Case): Subject {
  const { waiting } = of;
  const keys = makeRounds(of).map((actors) => actors.map(nameOf));
  let rounds = 0;
  return {
    name: 'LMDB',
    run: (budgetMs) =>
      sampleRounds(waiting, budgetMs, async () => {
        const value = Buffer.from(VALUE);
        const keysOfRound = keys[rounds % keys.length]!;
        value.writeUInt32LE(Math.floor(rounds++ / keys.length) + 1);
        await lmdb.putAll(keysOfRound, value);
      }),
    countFarEnd: async () => lmdb.values().reduce((sum, value) => sum + Buffer.from(value).readUInt32LE(), 0),
  };
}

function lmdbLogSubject(lmdb: RawLmdb, waiting: number): Subject {
  let last = 0;
  return {
    name: 'LMDB, sequential keys',
    run: (budgetMs) =>
      sampleRounds(waiting, budgetMs, () =>
        lmdb.putAll(
          Array.from({ length: waiting }, () => ++last),
          VALUE,
        ),
      ),
    countFarEnd: async () => lmdb.count(),
  };
}

function text(count: number): string {
  return count.toLocaleString('en-US');
}

await runBench({
  name: 'journal/group-commit',
  async open() {
    const directory = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
    const closers: (() => unknown)[] = [];
    const cases: BenchCase[] = [];
    for (const of of CASES) {
      const { waiting, among } = of;
      const folder = join(directory, `${waiting}-${among}`);
      const lmdb = new RawLmdb(join(folder, 'lmdb'), false);
      const lmdbLog = new RawLmdb(join(folder, 'lmdb-log'), true);
      const append = new RawAppend(join(folder, 'append'));
      const journal = await JournalUnderTest.open(mkdtempSync(join(folder, 'journal-')), (epoch) =>
        makeRounds(of).map((actors) => roundBatch(actors, epoch)),
      );
      for (const each of [lmdb, lmdbLog, append, journal]) closers.push(() => each.close());
      cases.push({
        name: `${text(waiting)} waiting${among === waiting ? '' : `, of ${text(among)}`}`,
        floor: appendSubject(append, of),
        subjects: [journalSubject(journal, waiting), lmdbSubject(lmdb, of), lmdbLogSubject(lmdbLog, waiting)],
      });
    }
    const close = async (): Promise<void> => {
      for (const closer of closers) await closer();
      rmSync(directory, { recursive: true, force: true });
    };
    return { cases, close };
  },
});
