// How long jobs waited and ran, by a clock in hand.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JobTimes } from '../../../src/runtime/threads/job-times.js';
import { ManualClock } from '../manual-clock.js';

test('a job waits until a thread is free, in the order of admission (JT1)', () => {
  const clock = new ManualClock();
  const told: [waited: number, ran: number][] = [];
  const times = new JobTimes(2, clock, (waitedMs, ranMs) => told.push([waitedMs, ranMs]));
  const [first, second, third, fourth] = [times.admit(), times.admit(), times.admit(), times.admit()];
  clock.advance(10);
  times.end(second, false);
  clock.advance(5);
  times.end(third, false);
  times.end(first, false);
  clock.advance(1);
  times.end(fourth, false);
  assert.deepEqual(told, [
    [0, 10],
    [10, 5],
    [0, 15],
    [15, 1],
  ]);
});

test('a job that left before it began is not told of, and holds nobody up (JT2)', () => {
  const clock = new ManualClock();
  const told: [waited: number, ran: number][] = [];
  const times = new JobTimes(1, clock, (waitedMs, ranMs) => told.push([waitedMs, ranMs]));
  const [running, leaving, last] = [times.admit(), times.admit(), times.admit()];
  times.end(leaving, true);
  clock.advance(3);
  times.end(running, false);
  clock.advance(4);
  times.end(last, false);
  assert.deepEqual(told, [
    [0, 3],
    [3, 4],
  ]);
});

test('a job that ends before the one that was taken to be the next changes places with it (JT1, JT2)', () => {
  const clock = new ManualClock();
  const told: [waited: number, ran: number][] = [];
  const times = new JobTimes(1, clock, (waitedMs, ranMs) => told.push([waitedMs, ranMs]));
  const [first, second, third] = [times.admit(), times.admit(), times.admit()];
  clock.advance(2);
  times.end(first, false);
  clock.advance(3);
  times.end(third, false);
  clock.advance(4);
  times.end(second, false);
  assert.deepEqual(told, [
    [0, 2],
    [2, 3],
    [5, 4],
  ]);
});
