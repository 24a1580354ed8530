// Journal under test
//
// The journal's own thread with the applier behind it, and this thread as the shard that submits to it: rounds of records
// leave in one batch, and the answer comes back by the port.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { SEGMENT_BYTES, UNAPPLIED_BYTES_MAX } from '../../src/journal-defaults.js';
import { Counters, Reservations } from '../../src/runtime/counters.js';
import { JournalHandle } from '../../src/runtime/journal-handle.js';
import { metersMemory } from '../../src/runtime/meters.js';
import { Progress } from '../../src/runtime/progress.js';
import { ShardMap } from '../../src/runtime/shard-map.js';
import { openLmdbReader } from '../../src/runtime/storage/lmdb-store.js';
import type { StoreReader } from '../../src/runtime/storage/store.js';
import { CommitCount } from '../../src/runtime/store-view.js';
import { readTablesState, type TablesState } from '../../src/runtime/tables.js';
import type { Fence, JournalAnswer, ShardToJournal } from '../../src/runtime/threads/protocol.js';
import { LatencyRecorder } from '../harness/latency.js';
import type { Sample } from '../harness/measure.js';

export const COUNTERS = ['turns'];
export const SLOT = 0;
const SOURCE = 1;

/** Everyone who waits is answered at once, and asks again, until the budget is spent. */
export async function sampleRounds(waiting: number, budgetMs: number, round: () => Promise<void>): Promise<Sample> {
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

export class JournalUnderTest {
  readonly #journal: JournalHandle;
  readonly #reader: StoreReader;
  readonly #port: MessagePort;
  readonly #rounds: readonly ArrayBuffer[];
  #submitted = 0;
  #round = 0;
  #acknowledged: () => void = () => undefined;

  private constructor(journal: JournalHandle, reader: StoreReader, port: MessagePort, rounds: readonly ArrayBuffer[]) {
    this.#journal = journal;
    this.#reader = reader;
    this.#port = port;
    this.#rounds = rounds;
    port.on('message', (answer: JournalAnswer) => {
      if (answer.kind === 'failed') throw new Error(`A commit failed: ${answer.reason}`);
      if (answer.kind === 'durable' && answer.upTo === this.#submitted) this.#acknowledged();
    });
  }

  /** `roundsOf` makes the batches that are submitted in turn, with records of this epoch. */
  static async open(directory: string, roundsOf: (epoch: number) => readonly ArrayBuffer[]): Promise<JournalUnderTest> {
    mkdirSync(directory, { recursive: true });
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
    const fence: Fence = await journal.ready();
    const ports = new MessageChannel();
    journal.attach(SOURCE, ports.port1, new Reservations(counters).memory);
    return new JournalUnderTest(journal, openLmdbReader(directory), ports.port2, roundsOf(fence.epoch));
  }

  /** The next batch, of so many records; resolves when all of them are durable. */
  async round(records: number): Promise<void> {
    this.#submitted += records;
    const batch = this.#rounds[this.#round++ % this.#rounds.length]!.slice(0);
    await new Promise<void>((resolve) => {
      this.#acknowledged = resolve;
      this.#port.postMessage({ kind: 'records', generation: 0, batch } satisfies ShardToJournal, [batch]);
    });
  }

  /** Where the tables stand when all that is durable is in them. */
  async tables(): Promise<TablesState> {
    await this.#journal.settled();
    this.#reader.refresh();
    return readTablesState(this.#reader, COUNTERS);
  }

  async close(): Promise<void> {
    this.#port.close();
    await this.#reader.close();
    await this.#journal.stop();
  }
}
