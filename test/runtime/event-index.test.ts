import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { encodeValue } from '../../src/runtime/codec.js';
import {
  EVENT_ABOUT_TABLE,
  EVENT_TYPE_TABLE,
  EventIndex,
  eventHead,
  SEQS_PER_ROW,
  seqsOf,
} from '../../src/runtime/event-index.js';
import { hashOf } from '../../src/runtime/write-set.js';

const name = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'grapheme', maxLength: 300 }));

/** Among so many names two of the same 32 bits are found for certain enough: about five pairs are expected. */
function namesOfOneHash(): readonly [string, string] {
  const seen = new Map<number, string>();
  for (let n = 0; n < 400_000; n++) {
    const name = `${Math.imul(n, 0x9e3779b1) >>> 0}-${Math.imul(n, 0x85ebca6b) >>> 0}`;
    const hash = hashOf(Buffer.from(name));
    const other = seen.get(hash);
    if (other !== undefined) return [other, name];
    seen.set(hash, name);
  }
  assert.fail('no two names of one hash');
}

describe('the event index', () => {
  test('reads the head of whatever emit() writes', () => {
    const event = fc.tuple(fc.oneof(fc.double(), fc.integer(), fc.maxSafeNat()), name, fc.option(name), fc.jsonValue());
    fc.assert(
      fc.property(event, ([at, type, about, data]) => {
        assert.deepEqual(eventHead(encodeValue([at, type, about, data])), { type, about });
      }),
      { numRuns: 2000 },
    );
  });

  test('files nothing of what is no event, and throws at no bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        new EventIndex().add(1, bytes);
      }),
      { numRuns: 2000 },
    );
    const index = new EventIndex();
    index.add(1, Buffer.from('no event'));
    assert.deepEqual(index.rows(), []);
  });

  test('keeps names apart that have the same hash (EI1)', () => {
    const [one, other] = namesOfOneHash();
    const index = new EventIndex();
    [one, other, one].forEach((type, place) => {
      index.add(place + 1, encodeValue([0, type, null, {}]));
    });
    const filed = index.rows().map(({ key, value }) => [key[1], seqsOf(value)]);
    assert.deepEqual(
      new Map(filed as [string, number[]][]),
      new Map([
        [one, [1, 3]],
        [other, [2]],
      ]),
    );
  });

  test('holds each event once under its type, and once under what it is filed under (EI1, EI2)', () => {
    const events = fc.array(fc.tuple(fc.integer({ min: 1, max: 2 ** 40 }), fc.nat(2), fc.option(fc.nat(3))), {
      maxLength: 3000,
    });
    fc.assert(
      fc.property(events, (planned) => {
        const index = new EventIndex();
        const expected = new Map<string, number[]>();
        let seq = 0;
        for (const [step, type, about] of planned) {
          seq += step;
          index.add(seq, encodeValue([seq, `t${type}`, about === null ? null : `a${about}`, {}]));
          const names = [`${EVENT_TYPE_TABLE} t${type}`, ...(about === null ? [] : [`${EVENT_ABOUT_TABLE} a${about}`])];
          for (const each of names) expected.set(each, [...(expected.get(each) ?? []), seq]);
        }
        const found = new Map<string, number[]>();
        for (const { key, value } of index.rows()) {
          const seqs = seqsOf(value);
          assert.ok(seqs.length <= SEQS_PER_ROW && seqs.at(-1) === key[2]);
          const row = `${key[0]} ${key[1]}`;
          found.set(row, [...(found.get(row) ?? []), ...seqs]);
        }
        assert.deepEqual(found, expected);
      }),
      { numRuns: 100 },
    );
  });

  test('names a row that is cut short', () => {
    assert.throws(() => seqsOf(Uint8Array.of(0x81)), /inside a number/);
  });
});
