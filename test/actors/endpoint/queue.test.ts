// The queue of one endpoint, sentence by sentence.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doubling } from '../../../src/actors/endpoint/back-off.js';
import type { Delivery } from '../../../src/actors/endpoint/protocol.js';
import { DeliveryQueue, LOST_AFTER_MS } from '../../../src/actors/endpoint/queue.js';

function delivery(id: number, lane = 'a'): Delivery {
  return { id, lane, messageId: `m${id}`, payload: {}, bytes: 1 };
}

function queueOf(...deliveries: Delivery[]): DeliveryQueue {
  const queue = new DeliveryQueue(doubling(1, 100));
  for (const one of deliveries) queue.add(one);
  return queue;
}

const idsOf = (begun: readonly { readonly delivery: Delivery }[]): number[] => begun.map(({ delivery: { id } }) => id);

test('of a lane one at a time is begun, the lowest, however they came (Q1)', () => {
  const queue = queueOf(delivery(5), delivery(2), delivery(3, 'b'), delivery(4, 'b'));
  assert.deepEqual(idsOf(queue.begin(0, 4)), [2, 3]);
  assert.deepEqual(idsOf(queue.begin(0, 4)), []);
  queue.taken(2);
  assert.deepEqual(idsOf(queue.begin(0, 4)), [5]);
});

test('no more are in flight than are allowed (Q3)', () => {
  const queue = queueOf(...[1, 2, 3, 4].map((id) => delivery(id, `lane ${id}`)));
  assert.deepEqual(idsOf(queue.begin(0, 3)), [1, 2, 3]);
  assert.equal(queue.inFlight, 3);
  queue.taken(2);
  assert.deepEqual(idsOf(queue.begin(0, 3)), [4]);
});

test('one that fails rests, holds back its lane, and is given up when its tries are made', () => {
  const queue = queueOf(delivery(1), delivery(2), delivery(3, 'b'));
  const [first] = queue.begin(0, 1);
  assert.equal(queue.notTaken(1, first!.number, 0, 0.5, false), false);
  assert.deepEqual(idsOf(queue.begin(50, 1)), [3], 'another lane does not wait');
  queue.taken(3);
  assert.equal(queue.nextDueAt(50), 100);
  const [again] = queue.begin(100, 1);
  assert.equal(again!.delivery.id, 1);
  assert.equal(queue.notTaken(1, again!.number, 100, 0.5, false), true);
  assert.deepEqual(queue.takeNews(), [
    { id: 3, kind: 'delivered' },
    { id: 1, kind: 'failed' },
  ]);
  assert.deepEqual(idsOf(queue.begin(100, 1)), [2]);
});

test('what is settled is never begun again, and is told again when it is offered or asked for, until confirmed (Q2)', () => {
  const queue = queueOf(delivery(1));
  queue.begin(0, 1);
  assert.equal(queue.taken(1), true);
  assert.equal(queue.taken(1), false);
  const news = [{ id: 1, kind: 'delivered' }];
  assert.deepEqual(queue.takeNews(), news);
  assert.deepEqual(queue.takeNews(), []);
  assert.equal(queue.add(delivery(1)), false);
  assert.deepEqual(queue.takeNews(), news);
  queue.recheck(1);
  assert.deepEqual(queue.takeNews(), news);
  assert.deepEqual(queue.begin(0, 1), []);
  queue.confirm([1]);
  assert.equal(queue.count, 0);
  queue.recheck(1);
  assert.deepEqual(queue.takeNews(), [{ id: 1, kind: 'returned' }]);
});

test('a late answer is believed when it says that it was taken, and not otherwise (Q4)', () => {
  const queue = queueOf(delivery(1));
  const [first] = queue.begin(0, 1);
  assert.deepEqual(idsOf(queue.lost(LOST_AFTER_MS)), [1]);
  queue.notTaken(1, first!.number, LOST_AFTER_MS, 0.5, false);
  const [second] = queue.begin(LOST_AFTER_MS + 100, 1);
  queue.notTaken(1, first!.number, LOST_AFTER_MS + 200, 0.5, true);
  assert.equal(queue.inFlight, 1, 'the first try is over already');
  assert.notEqual(second!.number, first!.number);
  assert.equal(queue.taken(1), true);
});

test('what its owner wants back is given back at once, or when the try has ended without success', () => {
  const queue = queueOf(delivery(1, 'a'), delivery(2, 'b'), delivery(3, 'c'));
  const [first, second] = queue.begin(0, 2);
  queue.recallAll();
  assert.deepEqual(queue.takeNews(), [{ id: 3, kind: 'returned' }]);
  queue.notTaken(1, first!.number, 0, 0.5, false);
  queue.taken(2);
  assert.deepEqual(queue.takeNews(), [
    { id: 1, kind: 'returned' },
    { id: 2, kind: 'delivered' },
  ]);
  assert.ok(second);
});

test('one that found no room is tried again soon, and it was no try', () => {
  const queue = queueOf(delivery(1));
  for (let at = 0; at < 10_000; at += 1_000) {
    const [begun] = queue.begin(at, 1);
    queue.postponed(1, begun!.number, at, 0.5);
  }
  assert.deepEqual(queue.takeNews(), []);
});

test('what is offered again is tried as it is now: its content may have been removed', () => {
  const queue = queueOf(delivery(1));
  queue.add({ ...delivery(1), payload: { content: 'removed' } });
  const [begun] = queue.begin(0, 1);
  assert.deepEqual(begun!.delivery.payload, { content: 'removed' });
  assert.equal(queue.count, 1);
});
