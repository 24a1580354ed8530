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
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { SEGMENT_BYTES, UNAPPLIED_BYTES_MAX } from '../../src/journal-defaults.js';
import { Batch } from '../../src/runtime/batch.js';
import { RecordWriter } from '../../src/runtime/commit-record.js';
import { Counters, Reservations } from '../../src/runtime/counters.js';
import { JournalHandle } from '../../src/runtime/journal-handle.js';
import { metersMemory } from '../../src/runtime/meters.js';
import { Progress } from '../../src/runtime/progress.js';
import { ShardMap } from '../../src/runtime/shard-map.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import { openLmdbReader } from '../../src/runtime/storage/lmdb-store.js';
import type { StoreReader } from '../../src/runtime/storage/store.js';
import { CommitCount } from '../../src/runtime/store-view.js';
import { readTablesState } from '../../src/runtime/tables.js';
import type { Fence, JournalAnswer, ShardToJournal } from '../../src/runtime/threads/protocol.js';
import { RawAppend } from '../baseline/raw-append.js';
import { RawLmdb } from '../baseline/raw-lmdb.js';
import { runBench } from '../harness/bench.js';
import { LatencyRecorder } from '../harness/latency.js';
import type { BenchCase, Sample, Subject } from '../harness/measure.js';

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
const COUNTERS = ['turns'];
const SLOT = 0;
const SOURCE = 1;

function nameOf(actor: number): string {
  return `actor-${String(actor).padStart(18, '0')}`;
}

/** Everyone who waits is answered at once, and asks again, until the budget is spent. */
async function sampleRounds(waiting: number, budgetMs: number, round: () => Promise<void>): Promise<Sample> {
  const latency = new LatencyRecorder();
  const startedAt = performance.now();
  let operations = 0;
  let now = startedAt;
  while (now - startedAt < budgetMs) {
    const roundAt = now;
    await round();
    operations += waiting;
    now = performance.now();
    latency.record(now - roundAt);
  }
  return { operations, elapsedMs: now - startedAt, latency: latency.summary() };
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

class JournalSubject {
  readonly #journal: JournalHandle;
  readonly #reader: StoreReader;
  readonly #port: MessagePort;
  readonly #rounds: readonly ArrayBuffer[];
  #submitted = 0;
  #round = 0;
  #acknowledged: () => void = () => undefined;

  private constructor(journal: JournalHandle, reader: StoreReader, port: MessagePort, fence: Fence, of: Case) {
    this.#journal = journal;
    this.#reader = reader;
    this.#port = port;
    this.#rounds = makeRounds(of).map((actors) => roundBatch(actors, fence.epoch));
    port.on('message', (answer: JournalAnswer) => {
      if (answer.kind === 'failed') throw new Error(`A commit failed: ${answer.reason}`);
      if (answer.kind === 'durable' && answer.upTo === this.#submitted) this.#acknowledged();
    });
  }

  static async open(directory: string, of: Case): Promise<JournalSubject> {
    const counters = new Counters(COUNTERS);
    const memory = {
      map: new ShardMap().memory,
      counters: counters.memory,
      commits: new CommitCount().memory,
      progress: new Progress().memory,
      meters: metersMemory(0, 0),
    };
    const journal = new JournalHandle(
      {
        directory,
        journalDirectory: join(directory, 'journal'),
        backups: join(directory, 'backups'),
        tuning: {
          segmentBytes: SEGMENT_BYTES,
          unappliedBytesMax: UNAPPLIED_BYTES_MAX,
          applyAfterMs: 250,
        },
        memory,
        counterNames: COUNTERS,
        slots: [SLOT],
      },
      {
        failing: (reason) => console.error(reason),
        recovering: () => undefined,
        died: (error) => console.error(error),
      },
    );
    const fence = await journal.ready();
    const ports = new MessageChannel();
    journal.attach(SOURCE, ports.port1, new Reservations(counters).memory);
    return new JournalSubject(journal, openLmdbReader(directory), ports.port2, fence, of);
  }

  async round(waiting: number): Promise<void> {
    this.#submitted += waiting;
    const batch = this.#rounds[this.#round++ % this.#rounds.length]!.slice(0);
    await new Promise<void>((resolve) => {
      this.#acknowledged = resolve;
      this.#port.postMessage({ kind: 'records', generation: 0, batch } satisfies ShardToJournal, [batch]);
    });
  }

  async count(): Promise<number> {
    await this.#journal.settled();
    this.#reader.refresh();
    return readTablesState(this.#reader, COUNTERS).counters[0]!;
  }

  async close(): Promise<void> {
    this.#port.close();
    await this.#reader.close();
    await this.#journal.stop();
  }
}

function journalSubject(journal: JournalSubject, waiting: number): Subject {
  return {
    name: 'journal',
    run: (budgetMs) => sampleRounds(waiting, budgetMs, () => journal.round(waiting)),
    countFarEnd: () => journal.count(),
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
      const journal = await JournalSubject.open(mkdtempSync(join(folder, 'journal-')), of);
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
