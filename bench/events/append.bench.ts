// Measures: durable events a second when 1, 64 or 1,024 writers wait for theirs: each emits one event with 256 bytes of data,
// waits until that is acknowledged, and does it again. They go through the journal's own thread, with the applier behind
// it, which puts them into the log and its index. This thread plays the shard.
//
// Does not measure: handlers, the effects that events are committed with, or the way from the front door.
//
// How to read it: the floor appends the same records to a file, with one fdatasync for all who wait; `a flush each` gives every
// record an fdatasync of its own, as a log without groups would. `verified` counts the events in the tables, and the
// bytes of the files.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Batch } from '../../src/runtime/batch.js';
import { encodeValue } from '../../src/runtime/codec.js';
import { RecordWriter } from '../../src/runtime/commit-record.js';
import { RawAppend } from '../baseline/raw-append.js';
import { runBench } from '../harness/bench.js';
import type { BenchCase, CaseResult, Subject } from '../harness/measure.js';
import type { Bound } from '../harness/report.js';
import { JournalUnderTest, SLOT, sampleRounds } from '../journal/journal-under-test.js';

const WAITING = [1, 64, 1_024] as const;
const DATA_BYTES = 256;
/** Of the floor that groups too, with 1,024 waiting. */
const OF_THE_FLOOR_LEAST = 0.3;
/** Of a flush for each event, with 64 and more waiting. */
const OF_A_FLUSH_EACH_LEAST = 10;
const FLUSH_EACH = 'a flush each';
const JOURNAL = 'journal';

/** One record with its event for each writer. */
function roundBatch(writers: number, epoch: number): ArrayBuffer {
  const batch = new Batch();
  const writer = new RecordWriter(batch);
  for (let place = 0; place < writers; place++) {
    const about = `writer-${String(place).padStart(17, '0')}`;
    writer.begin();
    writer.event(encodeValue([1_700_000_000_000 + place, 'measured', about, { text: 'e'.repeat(DATA_BYTES) }]));
    writer.end({ slot: SLOT, epoch });
  }
  return batch.take();
}

function journalSubject(journal: JournalUnderTest, waiting: number): Subject {
  return {
    name: JOURNAL,
    run: (budgetMs) => sampleRounds(waiting, budgetMs, () => journal.round(waiting)),
    countFarEnd: async () => (await journal.tables()).seq,
  };
}

/** `flushes` for each round: one for all records in it, or one for each. */
function rawSubject(name: string, file: RawAppend, waiting: number, flushes: number): Subject {
  const bytes = new Uint8Array(roundBatch(waiting / flushes, 1));
  const perWrite = waiting / flushes;
  return {
    name,
    run: (budgetMs) =>
      sampleRounds(waiting, budgetMs, async () => {
        for (let flush = 0; flush < flushes; flush++) file.append(bytes);
      }),
    countFarEnd: async () => (file.sizeBytes / bytes.length) * perWrite,
  };
}

function boundsOf(cases: readonly CaseResult[]): Bound[] {
  return cases.flatMap(({ name, results }, place): Bound[] => {
    const ratio = (subject: string) => results.find((result) => result.subject === subject)!.ratio.median;
    if (WAITING[place] === 1) return [];
    const ofFlushEach: Bound = {
      what: `${name}: the journal, of a flush each`,
      measured: ratio(JOURNAL) / ratio(FLUSH_EACH),
      unit: '',
      limit: { kind: 'least', value: OF_A_FLUSH_EACH_LEAST },
    };
    if (WAITING[place] !== 1_024) return [ofFlushEach];
    const ofFloor: Bound = {
      what: `${name}: the journal, of the file with one flush for all`,
      measured: ratio(JOURNAL),
      unit: '',
      limit: { kind: 'least', value: OF_THE_FLOOR_LEAST },
    };
    return [ofFlushEach, ofFloor];
  });
}

await runBench({
  name: 'events/append',
  async open() {
    const directory = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
    const closers: (() => unknown)[] = [];
    const cases: BenchCase[] = [];
    for (const waiting of WAITING) {
      const folder = join(directory, String(waiting));
      mkdirSync(folder);
      const [grouped, single] = [new RawAppend(join(folder, 'grouped')), new RawAppend(join(folder, 'single'))];
      const journal = await JournalUnderTest.open(join(folder, 'journal'), (epoch) => [roundBatch(waiting, epoch)]);
      for (const each of [grouped, single, journal]) closers.push(() => each.close());
      cases.push({
        name: `${waiting.toLocaleString('en-US')} waiting`,
        floor: rawSubject('raw file, one flush for all', grouped, waiting, 1),
        subjects: [journalSubject(journal, waiting), rawSubject(FLUSH_EACH, single, waiting, waiting)],
      });
    }
    return {
      cases,
      bounds: boundsOf,
      async close() {
        for (const closer of closers) await closer();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
});
