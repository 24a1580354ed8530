// Measures: events a second that the summaries take in, in the slices of the server: messages among a hundred agents, each
// with one other; among ten thousand, each with ten others; and messages of which hardly two have the same ends.
//
// Does not measure: the thread around it, or what the disk does for others meanwhile.
//
// How to read it: the floor reads and decodes the same events and keeps nothing. The notes have the processor time for one
// event, all threads and the flushes included. The server folds beside its work, for at most half of the time.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeValue } from '../../src/runtime/codec.js';
import { EVENT_TABLE, eventRows, eventsOf } from '../../src/runtime/event-blocks.js';
import { decodeKey, encodeKey, rangeOf } from '../../src/runtime/storage/keys.js';
import { openLmdbWriter } from '../../src/runtime/storage/lmdb-store.js';
import { writeMetaNumber } from '../../src/runtime/storage/meta.js';
import type { Store } from '../../src/runtime/storage/store.js';
import { META_SEQ } from '../../src/runtime/tables.js';
import { deedOf } from '../../src/summaries/deeds.js';
import { Folding, SLICE_EVENTS } from '../../src/summaries/folding.js';
import { runBench } from '../harness/bench.js';
import type { BenchCase, Sample, Subject } from '../harness/measure.js';

const EVENTS = 4 * SLICE_EVENTS;
const EVENTS_QUICK = 1_000;
/** What the applier puts into the tables at a time. */
const COMMIT_EVENTS = 1_000;
const CONTENT = 'm'.repeat(200);

/** Who sends the n-th message, and to whom. */
type Shape = (n: number) => readonly [from: number, to: number];

const SHAPES: readonly (readonly [name: string, shape: Shape])[] = [
  ['a hundred agents, in pairs', (n) => [n % 100, (n % 100) ^ 1]],
  [
    'ten thousand agents, ten others each',
    (n) => [(n * 7_919) % 10_000, ((n * 7_919) % 10_000) + (Math.floor(n / 10_000) % 10) + 1],
  ],
  ['nearly every message with ends of its own', (n) => [(n * 7_919) % 10_000, (n * 104_729 + (n >> 7)) % 10_007]],
];

/** A log that grows by so many messages at a time. */
class Log {
  readonly store: Store;
  readonly #shape: Shape;
  seq = 0;

  constructor(store: Store, shape: Shape) {
    this.store = store;
    this.#shape = shape;
  }

  grow(events: number): void {
    this.store.commit((batch) => {
      for (let left = events; left > 0; left -= COMMIT_EVENTS) {
        const encoded = Array.from({ length: Math.min(left, COMMIT_EVENTS) }, (_, place) => this.#event(place));
        for (const row of eventRows(this.seq + 1, encoded)) batch.put(encodeKey(row.key), row.value);
        this.seq += encoded.length;
      }
      writeMetaNumber(batch, META_SEQ, this.seq);
    });
    this.store.refresh();
  }

  #event(place: number): Uint8Array {
    const n = this.seq + place;
    const [from, to] = this.#shape(n).map((agent) => `tab_${String(agent).padStart(20, '0')}`);
    const data = { message_id: `id-${String(n).padStart(33, '0')}`, from, to, content: CONTENT, content_length: 200 };
    return encodeValue([1e12 + n, 'message_sent', from, data]);
  }
}

/** Grows its log by `events` again and again; only `work` is timed. */
function worked(name: string, log: Log, events: number, work: () => void, count: () => number): Subject {
  return {
    name,
    async run(budgetMs): Promise<Sample> {
      let elapsedMs = 0;
      let operations = 0;
      while (elapsedMs < budgetMs) {
        log.grow(events);
        const startedAt = performance.now();
        work();
        elapsedMs += performance.now() - startedAt;
        operations += events;
      }
      return { operations, elapsedMs, latency: null };
    },
    countFarEnd: async () => count(),
  };
}

function decoding(log: Log, events: number): Subject {
  let read = 0;
  return worked(
    'reading',
    log,
    events,
    () => {
      const range = { start: encodeKey([EVENT_TABLE, read + 1]), end: rangeOf([EVENT_TABLE]).end, limit: events };
      for (const { key, value } of log.store.range(range)) {
        for (const event of eventsOf(Number(decodeKey(key)[1]), value)) if (deedOf(event.value).agent !== null) read++;
      }
    },
    () => read,
  );
}

function folding(log: Log, sums: Store, events: number, spent: { cpuMs: number; events: number }): Subject {
  const fold = new Folding(log.store, sums);
  return worked(
    'folding',
    log,
    events,
    () => {
      const before = process.cpuUsage();
      while (fold.foldSlice());
      const { user, system } = process.cpuUsage(before);
      spent.cpuMs += (user + system) / 1000;
      spent.events += events;
    },
    () => fold.folded,
  );
}

await runBench({
  name: 'observe/fold',
  async open(quick) {
    const directory = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
    const stores: Store[] = [];
    const open = (): Store => {
      const store = openLmdbWriter(mkdtempSync(join(directory, 'store-')));
      stores.push(store);
      return store;
    };
    const events = quick ? EVENTS_QUICK : EVENTS;
    const spent = SHAPES.map(([name]) => ({ name, cpuMs: 0, events: 0 }));
    const cases = SHAPES.map(
      ([name, shape], place): BenchCase => ({
        name,
        floor: decoding(new Log(open(), shape), events),
        subjects: [folding(new Log(open(), shape), open(), events, spent[place]!)],
      }),
    );
    return {
      cases,
      notes: async () =>
        spent.map(({ name, cpuMs, events: folded }) => `${name}: ${((cpuMs / folded) * 1000).toFixed(1)} µs an event`),
      async close() {
        for (const store of stores) await store.close();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
});
