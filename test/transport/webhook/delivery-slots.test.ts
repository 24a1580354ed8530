// Who gets a slot, sentence by sentence.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Standing } from '../../../src/actors/endpoint/protocol.js';
import {
  DeliverySlots,
  LINE_BYTES_MAX,
  LINE_MAX,
  SLOW_AFTER_MS,
  WAIT_MS_MAX,
} from '../../../src/transport/webhook/delivery-slots.js';

function add(slots: DeliverySlots<string>, standing: Standing, count: number, at = 0): string[] {
  const jobs = Array.from({ length: count }, (_, i) => `${standing} ${at} ${i}`);
  for (const job of jobs) assert.ok(slots.add(job, standing, 1, at));
  return jobs;
}

function begin(slots: DeliverySlots<string>, at = 0): string[] {
  const begun: string[] = [];
  for (let next = slots.next(at); next !== undefined; next = slots.next(at)) begun.push(next);
  return begun;
}

test('no more than all slots are taken, first come first served, and one that is done makes room (DS1, DS3)', () => {
  const slots = new DeliverySlots<string>(4);
  const jobs = add(slots, 'proven', 6);
  assert.deepEqual(begin(slots), jobs.slice(0, 4));
  slots.done(jobs[2]!, 1);
  assert.deepEqual(begin(slots, 1), [jobs[4]]);
  slots.done(jobs[2]!, 2);
  assert.deepEqual(begin(slots, 2), [], 'one that is done twice makes room once');
});

test('what is suspect or unproven leaves room for endpoints that answer (DS1)', () => {
  const slots = new DeliverySlots<string>(16);
  add(slots, 'suspect', 50);
  add(slots, 'unproven', 50);
  assert.equal(begin(slots).length, 8 + 4);
  const good = add(slots, 'proven', 10, 1);
  assert.deepEqual(begin(slots, 1), good.slice(0, 4));
});

test('what is slow counts as suspect, so that others which are new are not held up by it (DS2)', () => {
  const slots = new DeliverySlots<string>(16);
  const first = add(slots, 'unproven', 20);
  assert.deepEqual(begin(slots), first.slice(0, 4));
  slots.look(SLOW_AFTER_MS);
  assert.deepEqual(begin(slots, SLOW_AFTER_MS), first.slice(4, 8));
  for (let at = 2; at < 10; at++) {
    slots.look(at * SLOW_AFTER_MS);
    begin(slots, at * SLOW_AFTER_MS);
  }
  assert.equal(slots.inFlight, 14, 'the last of them are for those who are known to answer');
  assert.deepEqual(begin(slots, 5_000), []);
  const good = add(slots, 'proven', 5, 5_000);
  assert.deepEqual(begin(slots, 5_000), good.slice(0, 2));
});

test('a line has bounds, and what waited for too long leaves it (DS4)', () => {
  const slots = new DeliverySlots<string>(1);
  assert.ok(slots.add('large', 'proven', LINE_BYTES_MAX, 0));
  assert.ok(!slots.add('more', 'proven', 1, 0));
  assert.ok(slots.add('other line', 'suspect', 1, 0));
  assert.deepEqual(begin(slots), ['large']);
  for (let i = 0; i < LINE_MAX; i++) assert.ok(slots.add(`job ${i}`, 'proven', 1, 1));
  assert.ok(!slots.add('more', 'proven', 1, 1));
  assert.deepEqual(slots.look(WAIT_MS_MAX), ['other line']);
  assert.equal(slots.look(WAIT_MS_MAX + 1).length, LINE_MAX);
  assert.equal(slots.waiting, 0);
});

test('counts the time that slots are busy', () => {
  const slots = new DeliverySlots<string>(2);
  const jobs = add(slots, 'proven', 2, 10);
  begin(slots, 10);
  assert.equal(slots.busyMs(20), 20);
  slots.done(jobs[0]!, 20);
  assert.equal(slots.busyMs(30), 30);
  slots.done(jobs[1]!, 30);
  assert.equal(slots.busyMs(99), 30);
});
