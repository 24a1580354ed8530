import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { encodeValue } from '../../src/runtime/codec.js';
import { eventRows } from '../../src/runtime/event-blocks.js';
import { EventIndex } from '../../src/runtime/event-index.js';
import { type EventQuery, type LoggedEvent, readEventPage } from '../../src/runtime/event-reader.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import { ABOUTS, logOf, storeOf, TYPES } from './made-log.js';

function expectedOf(log: readonly LoggedEvent[], { since, until, types, about }: EventQuery): LoggedEvent[] {
  return log.filter(
    (event) =>
      event.seq > since &&
      event.seq <= (until ?? Number.POSITIVE_INFINITY) &&
      (types?.includes(event.type) ?? true) &&
      (about === undefined || event.about === about),
  );
}

function allPages(store: MemoryStore, query: EventQuery): LoggedEvent[] {
  const all: LoggedEvent[] = [];
  let { since } = query;
  for (;;) {
    const page = readEventPage(store, { ...query, since });
    assert.ok(page.events.length <= query.limit);
    assert.ok(page.next >= since && (page.events.at(-1)?.seq ?? 0) <= page.next);
    all.push(...page.events);
    if (!page.hasMore) return all;
    assert.ok(page.next > since, 'a page that is not the last one leads on');
    since = page.next;
  }
}

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const query = fc.record({
  since: fc.nat(700),
  until: optional(fc.nat(700)),
  types: optional(fc.array(fc.constantFrom(...TYPES), { maxLength: 5 })),
  about: optional(fc.constantFrom(...ABOUTS)),
  limit: fc.integer({ min: 1, max: 50 }),
  bytesMax: optional(fc.integer({ min: 1, max: 40_000 })),
});
const lengths = fc.array(fc.nat(60), { maxLength: 10 });

/** What was not generated is left out. */
function present(found: {
  readonly since: number;
  readonly until: number | undefined;
  readonly types: readonly string[] | undefined;
  readonly about: string | undefined;
  readonly limit: number;
  readonly bytesMax: number | undefined;
}): EventQuery {
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as unknown as EventQuery;
}

describe('pages of the event log', () => {
  test('joined, whatever their size, give each event once that matches, in order (ER1, ER3)', () => {
    fc.assert(
      fc.property(lengths, query, (groups, found) => {
        const log = logOf(groups);
        assert.deepEqual(allPages(storeOf(log), present(found)), expectedOf(log.flat(), present(found)));
      }),
      { numRuns: 1000 },
    );
  });

  test('begin where the log does, when its beginning is not kept any more (ER3)', () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 2, max: 500 }), query, (groups, firstSeq, found) => {
        const log = logOf(groups, firstSeq);
        assert.deepEqual(allPages(storeOf(log), present(found)), expectedOf(log.flat(), present(found)));
      }),
      { numRuns: 300 },
    );
  });

  test('go on, from where the last one ended, with what was logged since', () => {
    fc.assert(
      fc.property(lengths, lengths, query, (before, after, found) => {
        const { until: _, ...endless } = present(found);
        const old = logOf(before);
        const more = logOf(after, old.flat().length + 1);
        let last = readEventPage(storeOf(old), endless);
        const seen = [...last.events];
        while (last.hasMore) {
          last = readEventPage(storeOf(old), { ...endless, since: last.next });
          seen.push(...last.events);
        }
        seen.push(...allPages(storeOf([...old, ...more]), { ...endless, since: last.next }));
        assert.deepEqual(seen, expectedOf([...old, ...more].flat(), endless));
      }),
      { numRuns: 300 },
    );
  });

  test('end early, and lead on, when two filters agree on next to nothing (ER2)', () => {
    const store = new MemoryStore();
    const index = new EventIndex();
    const count = 50_000;
    const values = Array.from({ length: count }, (_, place) =>
      encodeValue([1, place === count - 1 ? 'rare' : 'sent', 'ann', {}]),
    );
    values.forEach((value, place) => {
      index.add(place + 1, value);
    });
    store.commit((batch) => {
      for (const { key, value } of [...eventRows(1, values), ...index.rows()]) batch.put(encodeKey(key), value);
    });
    const both = { since: 0, types: ['rare'], about: 'ann', limit: 10 };
    const first = readEventPage(store, both);
    assert.deepEqual([first.events.length, first.hasMore], [0, true]);
    assert.deepEqual(
      allPages(store, both).map(({ seq }) => seq),
      [count],
    );
  });

  test('end with the event that fills them', () => {
    const events = logOf([10])[0]!;
    const store = storeOf([events]);
    const page = readEventPage(store, { since: 0, limit: 10, bytesMax: 1 });
    assert.deepEqual([page.events.length, page.next, page.hasMore], [1, 1, true]);
  });
});
