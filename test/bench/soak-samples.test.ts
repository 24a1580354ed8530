import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeFlatness, type SoakSample } from '../../bench/soak/soak-samples.js';

const SAMPLE: SoakSample = {
  minute: 0,
  perSecond: 1000,
  p99Ms: 5,
  unavailable: 0,
  anonMib: 200,
  fileMib: 60,
  descriptors: 100,
  behindMib: 4,
  segments: 1,
  diskMib: 100,
  threads: 15,
  statusMs: 1,
  asksWaiting: 0,
  residentActors: 64,
  replacements: 0,
};

const growing = (what: keyof SoakSample, by: number) =>
  judgeFlatness(Array.from({ length: 30 }, (_, i) => ({ ...SAMPLE, [what]: SAMPLE[what] + by * i })))
    .filter((measure) => !measure.isFlat)
    .map((measure) => measure.what);

test('calls flat what stays, swings within its bound, or shrinks', () => {
  assert.deepEqual(growing('anonMib', 0), []);
  assert.deepEqual(growing('anonMib', 0.5), []);
  assert.deepEqual(growing('anonMib', -3), []);
  assert.deepEqual(growing('fileMib', 100), []);
});

test('says what grew: memory, descriptors, threads (S1), and leaves waits out (S2)', () => {
  assert.deepEqual(growing('anonMib', 2), ['anonMib']);
  assert.deepEqual(growing('descriptors', 1), ['descriptors']);
  assert.deepEqual(growing('threads', 0.5), ['threads']);
  assert.deepEqual(growing('p99Ms', 1), []);
});

test('is not misled by one period that was out of the ordinary', () => {
  const samples = Array.from({ length: 12 }, (_, i) => ({ ...SAMPLE, anonMib: i === 11 ? 900 : 200 }));
  assert.ok(judgeFlatness(samples).every((measure) => measure.isFlat));
});
