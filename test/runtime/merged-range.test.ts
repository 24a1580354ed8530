import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Key, RangeQuery } from '../../src/runtime/actor.js';
import { decodeValue, encodeValue } from '../../src/runtime/codec.js';
import { keyText, mergeRange, type OwnWrites, ownEntriesIn } from '../../src/runtime/merged-range.js';
import { encodeKey, rangeOf } from '../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import type { RangeOptions } from '../../src/runtime/storage/store.js';
import { CommitCount, StoreView } from '../../src/runtime/store-view.js';
import { compareKeys, matches } from '../actors/key-order.js';

const TABLES = ['s', 't', 'u'];
const part = fc.constantFrom('', '\0', 'a', 'a\0', 'ab', 'b', 'ba', 'é', 'éa', '￿');
const key: fc.Arbitrary<Key> = fc.tuple(fc.constantFrom(...TABLES), part).map(([table, name]): Key => [table, name]);
/** null deletes. */
const writes = fc.array(fc.tuple(key, fc.option(fc.nat(), { nil: null })), { maxLength: 24, size: 'max' });
const query: fc.Arbitrary<RangeQuery> = fc.record(
  {
    under: fc.constantFrom<Key>(['t'], ['t'], ['t', 'a']),
    prefix: fc.constantFrom('', 'a', 'b'),
    after: key,
    limit: fc.integer({ min: 1, max: 8 }),
    reverse: fc.boolean(),
  },
  { requiredKeys: ['under', 'limit'] },
) as fc.Arbitrary<RangeQuery>;

type Rows = readonly (readonly [Key, number | null])[];

/** Own writes, given in the order in which they were made. */
function ownOf(rows: Rows): OwnWrites {
  return {
    eachOwnWriteIn: (start, end, visit) => {
      for (const [at, value] of [...rows].reverse()) {
        const own = encodeKey(at);
        const isIn = Buffer.compare(start, own) <= 0 && Buffer.compare(own, end) < 0;
        if (isIn) visit(own, value === null ? null : encodeValue(value));
      }
    },
  };
}

/** What is there when all of it was written in this order, as the definition of a range has it. */
function expected(all: Rows, asked: RangeQuery): { readonly key: Key; readonly value: number }[] {
  const rows: { readonly key: Key; readonly value: number }[] = [];
  for (const [at, value] of all) {
    const index = rows.findIndex((row) => compareKeys(row.key, at) === 0);
    if (index >= 0) rows.splice(index, 1);
    if (value !== null) rows.push({ key: at, value });
  }
  const found = rows.filter((row) => matches(row.key, asked)).sort((a, b) => compareKeys(a.key, b.key));
  return (asked.reverse === true ? found.reverse() : found).slice(0, asked.limit);
}

function tablesWith(rows: Rows): MemoryStore {
  const store = new MemoryStore();
  store.commit((batch) => {
    for (const [at, value] of rows) {
      if (value === null) batch.delete(encodeKey(at));
      else batch.put(encodeKey(at), encodeValue(value));
    }
  });
  return store;
}

describe('a range with own writes', () => {
  it('is that of tables which hold them, whatever part of them is there already (MR1, A2)', () => {
    fc.assert(
      fc.property(writes, writes, fc.nat({ max: 24 }), query, (stored, written, arrived, asked) => {
        // Some of the writes have come to the tables, and the reader was not told.
        const view = new StoreView(tablesWith([...stored, ...written.slice(0, arrived)]), new CommitCount());
        const own = ownOf(written);
        const all = [...stored, ...written];
        assert.deepEqual(view.range(asked, own), expected(all, asked));
        assert.deepEqual(
          view.rangeKeys(asked, own),
          expected(all, asked).map((row) => row.key),
        );
        const { limit: _, reverse: __, ...counted } = asked;
        assert.equal(view.count(counted, own), expected(all, { ...counted, limit: Infinity }).length);
      }),
      { numRuns: 2000 },
    );
  });

  it('asks the tables for its limit and one more for each own delete in the range (MR2)', () => {
    const store = tablesWith(Array.from({ length: 50 }, (_, i) => [['t', `${i + 10}`], i]));
    const limits: number[] = [];
    const read = (options: RangeOptions) => {
      limits.push(options.limit);
      return store.range(options);
    };
    const mine = ownOf([
      [['t', '10'], null],
      [['t', '11'], -1],
      [['t', '12'], null],
      [['u', '13'], null],
    ]);
    const options = { ...rangeOf(['t']), limit: 3 };
    const found = mergeRange(options, ownEntriesIn(options, mine), read);
    assert.deepEqual(
      found.map(({ value }) => decodeValue(value)),
      [-1, 3, 4],
    );
    assert.deepEqual(limits, [5]);
  });

  it('is the tables’ own when no own write falls in it', () => {
    const store = tablesWith([[['t', 'a'], 1]]);
    const view = new StoreView(store, new CommitCount());
    const own = ownOf([[['u', 'a'], 2]]);
    assert.deepEqual(view.range({ under: ['t'], limit: 10 }, own), [{ key: ['t', 'a'], value: 1 }]);
  });
});

describe('the text of a key', () => {
  it('is equal for equal keys and in the same order', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        const [one, other] = [keyText(encodeKey(a)), keyText(encodeKey(b))];
        const order = one < other ? -1 : one > other ? 1 : 0;
        assert.equal(order, Math.sign(Buffer.compare(encodeKey(a), encodeKey(b))));
        assert.deepEqual(Buffer.from(one, 'latin1'), Buffer.from(encodeKey(a)));
      }),
    );
  });
});
