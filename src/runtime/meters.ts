// Meters
//
// What each thread of a system counts of itself, and where: one meter (metrics.ts) for the journal, the applier and every
// shard worker.
//
// Owns:     the places of the numbers, and their sums over threads.
// Does not: count (turn-runner.ts, journal.ts, dead-letter.ts, threads/vitals.ts), or tell anyone.
//
// MT1. A worker that takes the place of another goes on with its meter: a total never falls.
// MT2. Turns and waits are samples with weights (sampler.ts): all of them while they are few, estimates when they come fast.

import { Meter, meterMemory, type Reading, sumOf } from '../metrics.js';

/** Places of the numbers. */
export const HEAP_USED = 0;
export const HEAP_TOTAL = 1;
export const LOOP_DELAY_MEAN = 2;
export const LOOP_DELAY_P99 = 3;
export const LOOP_DELAY_MAX = 4;
export const DEAD_LETTERS = 5;
export const EXTERNAL = 6;
export const ARRAY_BUFFERS = 7;

/** Histograms of a shard's meter: of waits, and of turns by the number of the kind from TURNS on. */
export const MAILBOX_WAITS = 0;
export const TURNS = 1;
/** Of the journal's meter: groups, and events. */
export const COMMITS = 0;
export const EVENT_APPENDS = 1;

const JOURNAL = 0;
const APPLIER = 1;
const FIRST_SHARD = 2;

/** How one thread is. */
export interface ThreadVitals {
  /** `journal`, `applier`, `shard-0`, … */
  readonly thread: string;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  /** Outside of the heap, held by its objects; `arrayBufferBytes`: in buffers, shared ones too. */
  readonly externalBytes: number;
  readonly arrayBufferBytes: number;
  /** In the last few seconds. */
  readonly loopDelayMs: { readonly mean: number; readonly p99: number; readonly max: number };
}

export interface RuntimeReading {
  /** By kind. */
  readonly turns: readonly { readonly kind: string; readonly reading: Reading }[];
  readonly mailboxWaits: Reading;
  readonly commits: Reading;
  readonly eventAppends: Reading;
  readonly deadLetters: number;
  readonly threads: readonly ThreadVitals[];
}

/** The memory of the meters of all threads of a system. */
export function metersMemory(workers: number, kinds: number): readonly SharedArrayBuffer[] {
  const [journal, applier] = [meterMemory(EVENT_APPENDS + 1), meterMemory(0)];
  return [journal, applier, ...Array.from({ length: workers }, () => meterMemory(TURNS + kinds))];
}

export function journalMeter(memory: readonly SharedArrayBuffer[]): Meter {
  return new Meter(memory[JOURNAL]!);
}

export function applierMeter(memory: readonly SharedArrayBuffer[]): Meter {
  return new Meter(memory[APPLIER]!);
}

export function shardMeter(memory: readonly SharedArrayBuffer[], worker: number): Meter {
  return new Meter(memory[FIRST_SHARD + worker]!);
}

export function vitalsOf(thread: string, meter: Meter): ThreadVitals {
  return {
    thread,
    heapUsedBytes: meter.get(HEAP_USED),
    heapTotalBytes: meter.get(HEAP_TOTAL),
    externalBytes: meter.get(EXTERNAL),
    arrayBufferBytes: meter.get(ARRAY_BUFFERS),
    loopDelayMs: {
      mean: meter.get(LOOP_DELAY_MEAN),
      p99: meter.get(LOOP_DELAY_P99),
      max: meter.get(LOOP_DELAY_MAX),
    },
  };
}

/** Reads the meters of all threads; `kinds` are the names, by number. */
export function readMeters(memory: readonly SharedArrayBuffer[], kinds: readonly string[]): RuntimeReading {
  const journal = journalMeter(memory);
  const applier = applierMeter(memory);
  const shards = memory.slice(FIRST_SHARD).map((one) => new Meter(one));
  const read = (place: number): Reading => sumOf(shards.map(({ histograms }) => histograms[place]!.read()));
  return {
    turns: kinds.map((kind, number) => ({ kind, reading: read(TURNS + number) })),
    mailboxWaits: read(MAILBOX_WAITS),
    commits: journal.histograms[COMMITS]!.read(),
    eventAppends: journal.histograms[EVENT_APPENDS]!.read(),
    deadLetters: shards.reduce((sum, shard) => sum + shard.get(DEAD_LETTERS), 0),
    threads: [
      vitalsOf('journal', journal),
      vitalsOf('applier', applier),
      ...shards.map((shard, worker) => vitalsOf(`shard-${worker}`, shard)),
    ].filter(({ heapTotalBytes }) => heapTotalBytes > 0),
  };
}
