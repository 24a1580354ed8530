import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { auditEvents } from '../../src/audit/audit.js';
import { EVENT_TABLE, eventsOf } from '../../src/runtime/event-blocks.js';
import { readEventPage } from '../../src/runtime/event-reader.js';
import {
  applyTrim,
  planTrim,
  TRIM_EVENTS_MAX,
  TRIM_ROWS_MAX,
  type TrimSlice,
  trimmedUpTo,
} from '../../src/runtime/event-trim.js';
import { decodeKey, rangeOf } from '../../src/runtime/storage/keys.js';
import type { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import { writeMetaNumber } from '../../src/runtime/storage/meta.js';
import { ABOUTS, logOf, storeOf, TYPES } from './made-log.js';

function logged(lengths: readonly number[]): { store: MemoryStore; last: number } {
  const groups = logOf(lengths);
  const store = storeOf(groups);
  const last = groups.flat().length;
  store.commit((batch) => {
    writeMetaNumber(batch, ['seq'], last);
    writeMetaNumber(batch, ['schema'], 3);
  });
  return { store, last };
}

function apply(store: MemoryStore, slice: TrimSlice, last: number): void {
  const trimmed = trimmedUpTo(store);
  store.commit((batch) => applyTrim(batch, slice, trimmed, last));
}

function findingsOf(store: MemoryStore): readonly string[] {
  return auditEvents(store).findings.map(({ table, key, problem }) => `${table} ${key}: ${problem}`);
}

function firstOf(store: MemoryStore): number | undefined {
  const [row] = store.range({ ...rangeOf([EVENT_TABLE]), limit: 1 });
  return row === undefined ? undefined : eventsOf(Number(decodeKey(row.key)[1]), row.value)[0]?.seq;
}

const groups = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 12 });

describe('taking out old events', () => {
  test('leaves, after every slice, a log without a gap and an index that has what is in it (TR1, TR2)', () => {
    fc.assert(
      fc.property(groups, fc.double({ min: 0, max: 1, noNaN: true }), (lengths, part) => {
        const { store, last } = logged(lengths);
        const upTo = Math.floor(last * part);
        for (;;) {
          const slice = planTrim(store, upTo);
          if (slice === undefined) break;
          assert.ok(slice.upTo <= upTo && slice.upTo > slice.after);
          apply(store, slice, last);
          assert.deepEqual(findingsOf(store), []);
          assert.equal(firstOf(store) ?? last + 1, slice.upTo + 1);
        }
        // What is left of the part is less than a row.
        const left = store.range({ ...rangeOf([EVENT_TABLE]), limit: 1 });
        assert.ok(left.length === 0 || Number(decodeKey(left[0]!.key)[1]) > upTo);
      }),
      { numRuns: 60 },
    );
  });

  test('shows the rest by type and by what it is about, as before', () => {
    const { store, last } = logged([300, 1, 500, 40]);
    const filters = [...TYPES.map((type) => ({ types: [type] })), ...ABOUTS.map((about) => ({ about })), {}];
    const pages = () => filters.map((filter) => readEventPage(store, { ...filter, since: 450, limit: 1_000 }).events);
    const before = pages();
    for (let slice = planTrim(store, 450); slice !== undefined; slice = planTrim(store, 450)) apply(store, slice, last);
    assert.ok(trimmedUpTo(store) > 300);
    assert.deepEqual(pages(), before);
    assert.equal(readEventPage(store, { since: 0, limit: 1 }).events[0]?.seq, trimmedUpTo(store) + 1);
  });

  test('takes a bounded part at a time (TR2)', () => {
    const { store, last } = logged(Array.from({ length: 400 }, () => 60));
    const slice = planTrim(store, last);
    assert.ok(slice !== undefined && slice.upTo <= Math.min(TRIM_EVENTS_MAX, TRIM_ROWS_MAX * 60));
    assert.ok(slice.upTo >= TRIM_ROWS_MAX);
  });

  test('refuses a slice that comes twice, out of order, or of events that there are not (TR3)', () => {
    const { store, last } = logged([100, 100, 100]);
    const first = planTrim(store, 100)!;
    apply(store, first, last);
    const content = () => JSON.stringify(store.range({ ...rangeOf([EVENT_TABLE]), limit: 1_000 }));
    const before = content();
    assert.throws(() => apply(store, first, last), /cannot be taken out/);
    assert.throws(() => apply(store, { ...first, after: first.upTo + 5, upTo: 200 }, last), /cannot be taken out/);
    assert.throws(() => apply(store, { ...first, after: first.upTo, upTo: last + 1 }, last), /cannot be taken out/);
    assert.equal(content(), before);
    assert.deepEqual(findingsOf(store), []);
  });

  test('is seen by the audit where more is missing than was taken out', () => {
    const { store, last } = logged([100, 100, 100]);
    apply(store, planTrim(store, 100)!, last);
    const [row] = store.rangeKeys({ ...rangeOf([EVENT_TABLE]), limit: 1 });
    store.commit((batch) => batch.delete(row!));
    assert.match(findingsOf(store).join('\n'), /the event before it is \d+: events are missing/);
  });
});
