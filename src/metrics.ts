// Metrics
//
// Numbers that one thread counts and another reads, without a message between them: totals, gauges and histograms in
// shared memory.
//
//     thread ──observe(), add(), set()──▶ Meter (shared memory) ──read()──▶ whoever tells them
//
// Owns:     the form of a histogram and of a meter, and what can be calculated from one.
// Does not: say which numbers there are (runtime/meters.ts, transport/metrics/), or how they are written down.
//
// ME1. A meter has one writer at a time, and counting is a plain store: no allocation, no lock, no clock.
// ME2. A reader sees each number whole and never going back, but not all numbers of one moment.

/** Upper bounds of the buckets, in milliseconds; above the last one there is one more. The same for every histogram. */
export const BUCKET_BOUNDS_MS: readonly number[] = [
  0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 75, 100, 250, 500, 1_000, 2_500, 5_000, 10_000,
];
const BUCKETS = BUCKET_BOUNDS_MS.length + 1;
/** The buckets, and the sum. */
const HISTOGRAM_CELLS = BUCKETS + 1;
/** Single numbers of a meter, beside its histograms. */
const NUMBERS_MAX = 8;

/** What a histogram held when it was read. */
export interface Reading {
  /** By bucket; not cumulative. */
  readonly counts: readonly number[];
  readonly sumMs: number;
}

export class Histogram {
  readonly #cells: Float64Array;

  constructor(cells: Float64Array = new Float64Array(HISTOGRAM_CELLS)) {
    this.#cells = cells;
  }

  /** One that took `ms`, and stands for `weight` of them. */
  observe(ms: number, weight = 1): void {
    let low = 0;
    let high = BUCKETS - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ms <= BUCKET_BOUNDS_MS[middle]!) high = middle;
      else low = middle + 1;
    }
    const cells = this.#cells;
    cells[low]! += weight;
    cells[BUCKETS]! += ms * weight;
  }

  read(): Reading {
    return { counts: [...this.#cells.subarray(0, BUCKETS)], sumMs: this.#cells[BUCKETS]! };
  }
}

export const NOTHING_READ: Reading = new Histogram().read();

/** How many were observed. */
export function countOf({ counts }: Reading): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

export function sumOf(readings: Iterable<Reading>): Reading {
  let sum = NOTHING_READ;
  for (const one of readings) sum = combine(sum, one, 1);
  return sum;
}

/** What was observed between two readings of the same histograms. */
export function between(earlier: Reading, later: Reading): Reading {
  return combine(later, earlier, -1);
}

function combine(a: Reading, b: Reading, sign: 1 | -1): Reading {
  return { counts: a.counts.map((count, i) => count + sign * b.counts[i]!), sumMs: a.sumMs + sign * b.sumMs };
}

/**
 * The time that this share of all did not exceed, within its bucket by proportion; undefined when there were none. Past the
 * last bound it is that bound.
 */
export function quantileMs(reading: Reading, share: number): number | undefined {
  const rank = share * countOf(reading);
  if (rank <= 0) return undefined;
  let below = 0;
  for (const [bucket, count] of reading.counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const from = bucket === 0 ? 0 : BUCKET_BOUNDS_MS[bucket - 1]!;
      const to = BUCKET_BOUNDS_MS[bucket] ?? from;
      return from + (to - from) * ((rank - below) / count);
    }
    below += count;
  }
  return BUCKET_BOUNDS_MS.at(-1);
}

/** What a meter with so many histograms needs. */
export function meterMemory(histograms: number): SharedArrayBuffer {
  return new SharedArrayBuffer((NUMBERS_MAX + histograms * HISTOGRAM_CELLS) * Float64Array.BYTES_PER_ELEMENT);
}

/** The numbers of one thread. */
export class Meter {
  readonly #numbers: Float64Array;
  readonly histograms: readonly Histogram[];

  constructor(memory: SharedArrayBuffer) {
    const cells = new Float64Array(memory);
    this.#numbers = cells.subarray(0, NUMBERS_MAX);
    const count = (cells.length - NUMBERS_MAX) / HISTOGRAM_CELLS;
    this.histograms = Array.from({ length: count }, (_, index) => {
      const start = NUMBERS_MAX + index * HISTOGRAM_CELLS;
      return new Histogram(cells.subarray(start, start + HISTOGRAM_CELLS));
    });
  }

  get(place: number): number {
    return this.#numbers[place] ?? 0;
  }

  set(place: number, value: number): void {
    this.#numbers[place] = value;
  }

  add(place: number, value: number): void {
    this.#numbers[place]! += value;
  }
}
