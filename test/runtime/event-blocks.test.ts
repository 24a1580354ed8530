import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EVENT_BLOCK_BYTES, eventRows, eventsOf } from '../../src/runtime/event-blocks.js';

const events = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 300 });

test('rows hold all events, each once and in order, under the number of their last (EB1)', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), events, (firstSeq, values) => {
      const rows = eventRows(firstSeq, values);
      const read = rows.flatMap(({ key, value }) => eventsOf(Number(key[1]), value));
      assert.deepEqual(
        read.map(({ seq, value }) => [seq, [...value]]),
        values.map((value, index) => [firstSeq + index, [...value]]),
      );
      for (const { key, value } of rows.slice(0, -1)) {
        assert.ok(value.length >= EVENT_BLOCK_BYTES, `row ${key[1]} was closed at ${value.length} bytes`);
      }
    }),
  );
});

test('an event that is larger than a row has one that ends with it', () => {
  const small = new Uint8Array(10);
  const large = new Uint8Array(EVENT_BLOCK_BYTES * 3);
  const rows = eventRows(7, [small, large, small]);
  assert.deepEqual(
    rows.map(({ key }) => key),
    [
      ['event', 8],
      ['event', 9],
    ],
  );
});

test('a row that is cut short is recognised', () => {
  const [row] = eventRows(1, [new Uint8Array(10), new Uint8Array(20)]);
  assert.throws(() => eventsOf(2, row!.value.subarray(0, 30)), /ends inside an event/);
  assert.throws(() => eventsOf(2, row!.value.subarray(0, 16)), /ends inside a length/);
});
