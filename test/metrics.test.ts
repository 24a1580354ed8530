// Histograms and meters: what is counted in one thread is read the same in another.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import {
  BUCKET_BOUNDS_MS,
  between,
  countOf,
  Histogram,
  Meter,
  meterMemory,
  NOTHING_READ,
  quantileMs,
  sumOf,
} from '../src/metrics.js';

test('puts each time into the first bucket that holds it, and what is past all bounds into the last', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 20_000, noNaN: true })), (times) => {
      const histogram = new Histogram();
      for (const ms of times) histogram.observe(ms);
      const { counts } = histogram.read();
      const upTo = (bound: number) => times.filter((ms) => ms <= bound).length;
      let below = 0;
      for (const [bucket, bound] of BUCKET_BOUNDS_MS.entries()) {
        below += counts[bucket]!;
        assert.equal(below, upTo(bound));
      }
      assert.equal(counts.length, BUCKET_BOUNDS_MS.length + 1);
      assert.equal(countOf(histogram.read()), times.length);
    }),
  );
});

test('counts one that stands for many as many', () => {
  const histogram = new Histogram();
  histogram.observe(2, 3);
  histogram.observe(0.5);
  const reading = histogram.read();
  assert.deepEqual([countOf(reading), reading.sumMs], [4, 6.5]);
});

test('tells what was observed between two readings, and the sum of several', () => {
  const histogram = new Histogram();
  histogram.observe(3);
  const earlier = histogram.read();
  histogram.observe(7, 2);
  const within = between(earlier, histogram.read());
  assert.deepEqual([countOf(within), within.sumMs], [2, 14]);
  assert.deepEqual(sumOf([earlier, within]), histogram.read());
  assert.deepEqual(sumOf([]), NOTHING_READ);
});

test('finds a percentile within its bucket by proportion', () => {
  const histogram = new Histogram();
  assert.equal(quantileMs(histogram.read(), 0.99), undefined);
  histogram.observe(1, 99);
  histogram.observe(60, 1);
  assert.equal(quantileMs(histogram.read(), 0.99), 1);
  assert.equal(quantileMs(histogram.read(), 1), 75);
  assert.equal(quantileMs(histogram.read(), 0.495), 0.75);
  histogram.observe(1e9, 1000);
  assert.equal(quantileMs(histogram.read(), 0.99), BUCKET_BOUNDS_MS.at(-1));
});

test('a meter shows in one thread what another counts in it (ME2)', async () => {
  const memory = meterMemory(2);
  const source = `
    import { workerData } from 'node:worker_threads';
    const { Meter } = await import(${JSON.stringify(new URL('../src/metrics.js', import.meta.url).href)});
    const meter = new Meter(workerData);
    meter.add(3, 5);
    meter.set(0, 1.5);
    meter.histograms[1].observe(40, 7);`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData: memory });
  await once(worker, 'exit');
  const meter = new Meter(memory);
  assert.deepEqual([meter.get(3), meter.get(0), meter.get(1)], [5, 1.5, 0]);
  assert.equal(countOf(meter.histograms[0]!.read()), 0);
  assert.deepEqual([countOf(meter.histograms[1]!.read()), meter.histograms[1]!.read().sumMs], [7, 280]);
});
