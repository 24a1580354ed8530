// Measures: durable commits a second through the journal, when 1, 64, 1,024 or 10,000 callers wait for theirs: each puts
// one record (one message of 200 bytes into one of 256 inboxes), waits until it is acknowledged, and puts the next.
//
// Does not measure: the way from a turn to the journal's thread and back, events, counters, or readers beside the writer.
//
// How to read it: the floor puts the same keys and values into LMDB by hand, in flushed transactions of 1,000, whoever
// waits: so the journal is above it where groups are larger, and far below where one caller waits alone for a flush.
// `append` writes the same bytes to a file with one fdatasync for each group: what the disk alone would allow.
// `verified` counts the keys in the store.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Batch } from '../../src/runtime/batch.js';
import { RecordWriter } from '../../src/runtime/commit-record.js';
import { Counters, Reservations } from '../../src/runtime/counters.js';
import { Journal } from '../../src/runtime/journal.js';
import { ShardMap } from '../../src/runtime/shard-map.js';
import { encodeKey, rangeOf } from '../../src/runtime/storage/keys.js';
import { openLmdbWriter } from '../../src/runtime/storage/lmdb-store.js';
import type { Store } from '../../src/runtime/storage/store.js';
import { CommitCount } from '../../src/runtime/store-view.js';
import { RawAppend } from '../baseline/raw-append.js';
import { type RawEntry, RawLmdb } from '../baseline/raw-lmdb.js';
import { runBench } from '../harness/bench.js';
import { LatencyRecorder } from '../harness/latency.js';
import type { BenchCase, Sample, Subject } from '../harness/measure.js';

const WAITING = [1, 64, 1_024, 10_000] as const;
const FLOOR_TRANSACTION_PUTS = 1_000;
const INBOXES = 256;
const VALUE_BYTES = 200;
const TABLE = 'inbox';
const SLOT = 0;
const SOURCE = 1;

/** The same messages for everyone: inboxes in turn, each with growing numbers. */
class Messages {
  readonly #value = Buffer.alloc(VALUE_BYTES, 'm');
  #made = 0;

  take(count: number): RawEntry[] {
    return Array.from({ length: count }, () => {
      const place = this.#made++;
      const inbox = String(place % INBOXES).padStart(24, '0');
      return { key: encodeKey([TABLE, inbox, Math.floor(place / INBOXES)]), value: this.#value };
    });
  }
}

/** Groups of `size`, until the budget is spent. */
function sampleGroups(size: number, budgetMs: number, commit: (entries: RawEntry[]) => void, from: Messages): Sample {
  const latency = new LatencyRecorder();
  const startedAt = performance.now();
  let operations = 0;
  let now = startedAt;
  while (now - startedAt < budgetMs) {
    const groupAt = now;
    commit(from.take(size));
    operations += size;
    now = performance.now();
    latency.record(now - groupAt);
  }
  return { operations, elapsedMs: now - startedAt, latency: latency.summary() };
}

/** A journal whose callers live in the same thread: what they wait for is the group alone. */
class JournalSubject {
  readonly #store: Store;
  readonly #journal: Journal;
  readonly #batch = new Batch();
  readonly #writer = new RecordWriter(this.#batch);
  readonly #map = new ShardMap();
  #submitted = 0;
  #durable = 0;

  constructor(directory: string) {
    this.#store = openLmdbWriter(directory);
    const counters = new Counters([]);
    const parts = { store: this.#store, map: this.#map, counters, commits: new CommitCount() };
    this.#journal = new Journal(parts, [SLOT]);
    this.#journal.attach(SOURCE, {
      reservations: new Reservations(counters),
      acknowledge: (acknowledgement) => {
        if (acknowledgement.kind === 'failed') throw new Error(`A commit failed: ${acknowledgement.reason}`);
        this.#durable = acknowledgement.upTo;
      },
    });
  }

  /** Each entry is the one write of a record of its own; returns when all are acknowledged. */
  commit(entries: readonly RawEntry[]): void {
    const epoch = this.#map.epoch(SLOT);
    for (const { key, value } of entries) {
      this.#writer.begin();
      this.#writer.put(key, value);
      this.#writer.end({ slot: SLOT, epoch });
    }
    this.#submitted += entries.length;
    this.#journal.submit(SOURCE, this.#batch.take(), 0);
    while (this.#journal.hasWork) this.#journal.commitGroup();
    if (this.#durable !== this.#submitted) throw new Error('The journal left a record without an answer');
  }

  count(): number {
    this.#store.refresh();
    const { start, end } = rangeOf([TABLE]);
    return this.#store.count(start, end);
  }

  async close(): Promise<void> {
    await this.#store.close();
  }
}

await runBench({
  name: 'journal/group-commit',
  async open() {
    const directory = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
    const closers: (() => unknown)[] = [];
    const cases = WAITING.map((waiting): BenchCase => {
      const folder = join(directory, String(waiting));
      const raw = new RawLmdb(join(folder, 'raw'));
      const journal = new JournalSubject(emptyFolder(folder));
      const append = new RawAppend(join(folder, 'append'));
      closers.push(
        () => raw.close(),
        () => journal.close(),
        () => append.close(),
      );
      return {
        name: `${waiting.toLocaleString('en-US')} waiting`,
        floor: rawSubject(raw),
        subjects: [journalSubject(journal, waiting), appendSubject(append, waiting)],
      };
    });
    const close = async (): Promise<void> => {
      for (const closer of closers) await closer();
      rmSync(directory, { recursive: true, force: true });
    };
    return { cases, close };
  },
});

function emptyFolder(under: string): string {
  return mkdtempSync(join(under, 'journal-'));
}

function rawSubject(raw: RawLmdb): Subject {
  const messages = new Messages();
  return {
    name: 'raw LMDB, 1,000 a transaction',
    run: async (budgetMs) => sampleGroups(FLOOR_TRANSACTION_PUTS, budgetMs, (entries) => raw.putAll(entries), messages),
    countFarEnd: async () => raw.count(),
  };
}

function journalSubject(journal: JournalSubject, waiting: number): Subject {
  const messages = new Messages();
  return {
    name: 'journal',
    run: async (budgetMs) => sampleGroups(waiting, budgetMs, (entries) => journal.commit(entries), messages),
    countFarEnd: async () => journal.count(),
  };
}

function appendSubject(append: RawAppend, waiting: number): Subject {
  const messages = new Messages();
  let entryBytes = 1;
  return {
    name: 'append and fdatasync',
    run: async (budgetMs) =>
      sampleGroups(
        waiting,
        budgetMs,
        (entries) => {
          entryBytes = entries[0]!.key.length + entries[0]!.value.length;
          append.append(Buffer.concat(entries.flatMap(({ key, value }) => [key, value])));
        },
        messages,
      ),
    countFarEnd: async () => append.sizeBytes / entryBytes,
  };
}
