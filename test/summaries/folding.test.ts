import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeValue } from '../../src/runtime/codec.js';
import { EVENT_TABLE } from '../../src/runtime/event-blocks.js';
import { decodeKey, encodeKey, rangeOf } from '../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import { readMetaNumber, writeMetaNumber } from '../../src/runtime/storage/meta.js';
import type { Store, StoreReader, WriteBatch } from '../../src/runtime/storage/store.js';
import { Folding } from '../../src/summaries/folding.js';
import {
  AGENT_ORDER,
  AGENT_SUM,
  decodeExchange,
  decodeSum,
  EDGE,
  EDGE_RANK,
  META_AGENTS,
  META_EDGES,
  META_FOLDED,
  META_MISSED,
  META_SCHEMA,
  PEER_RANK,
} from '../../src/summaries/rows.js';
import { type BookEvent, EventBook, happenedAt } from './event-book.js';

const NAMES = ['tab_a', 'tab_b', 'tab_c', 'tab_d'];
const name = fc.constantFrom(...NAMES);
const event: fc.Arbitrary<BookEvent> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('message_sent'), agent: name, to: name }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom(
        'agent_registered',
        'agent_retired',
        'state_written',
        'state_deleted',
        'message_delivered',
        'message_dropped',
        'content_removed',
        'state_read',
      ),
      agent: fc.oneof(name, name, name, fc.constant(null)),
    }),
  },
);
/** Commits of the applier, and how many slices are folded behind each. */
const history = fc.array(
  fc.record({ events: fc.array(event, { minLength: 1, maxLength: 40 }), slices: fc.nat({ max: 3 }) }),
  { maxLength: 8 },
);

function rows(sums: StoreReader, table: string) {
  return sums
    .range({ ...rangeOf([table]), limit: 100_000 })
    .map(({ key, value }) => ({ key: decodeKey(key).slice(1), value }));
}

/** Everything that the sums hold is what the model counts up to where they say they are, and nothing else. */
function holdTo(sums: StoreReader, book: EventBook): void {
  const folded = readMetaNumber(sums, META_FOLDED) ?? 0;
  const agents = book.agents(folded);
  const edges = book.edges(folded);
  const peers = peersOf(edges);
  assert.deepEqual(
    new Map(rows(sums, AGENT_SUM).map(({ key, value }) => [key[0], decodeSum(value)])),
    new Map(
      [...agents]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([agent, counted]) => {
          const order = counted.registeredAt === null ? null : (counted.registeredAt - happenedAt(0)) / 1000;
          return [agent, { ...counted, order, peers: peers.get(agent)?.size ?? 0 }];
        }),
    ),
  );
  const registered = [...agents].filter(([, { registeredAt }]) => registeredAt !== null);
  registered.sort(([, a], [, b]) => (a.registeredAt ?? 0) - (b.registeredAt ?? 0));
  assert.deepEqual(
    rows(sums, AGENT_ORDER).map(({ value }) => decodeValue(value)),
    registered.map(([agent]) => agent),
  );
  assert.deepEqual(
    new Map(rows(sums, EDGE).map(({ key, value }) => [JSON.stringify(key), decodeValue(value)])),
    new Map([...edges].sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  assert.deepEqual(
    rows(sums, EDGE_RANK).map(({ key }) => key),
    [...edges]
      .map(([ends, count]) => [-count, ...(JSON.parse(ends) as string[])] as [number, string, string])
      .sort(([a, ...aEnds], [b, ...bEnds]) => a - b || (aEnds.join() < bEnds.join() ? -1 : 1)),
  );
  for (const [agent, exchanged] of peers) {
    const ranked = sums.range({ ...rangeOf([PEER_RANK, agent]), limit: 1000 }).map(({ key, value }) => {
      const { sent, received } = decodeExchange(value);
      assert.equal(-Number(decodeKey(key)[2]), sent + received);
      return [String(decodeKey(key)[3]), sent, received] as const;
    });
    const expected = [...exchanged].map(([peer, { sent, received }]) => [peer, sent, received] as const);
    expected.sort(([a, ...x], [b, ...y]) => y[0] + y[1] - (x[0] + x[1]) || (a < b ? -1 : 1));
    assert.deepEqual(ranked, expected);
  }
  assert.equal(
    rows(sums, PEER_RANK).length,
    [...peers.values()].reduce((sum, { size }) => sum + size, 0),
  );
  assert.equal(readMetaNumber(sums, META_AGENTS) ?? 0, registered.length);
  assert.equal(readMetaNumber(sums, META_EDGES) ?? 0, edges.size);
}

function peersOf(edges: ReadonlyMap<string, number>) {
  const peers = new Map<string, Map<string, { sent: number; received: number }>>();
  const add = (of: string, peer: string, way: 'sent' | 'received', count: number): void => {
    const mine = peers.get(of) ?? new Map<string, { sent: number; received: number }>();
    peers.set(of, mine);
    const both = mine.get(peer) ?? { sent: 0, received: 0 };
    mine.set(peer, both);
    both[way] += count;
  };
  for (const [ends, count] of edges) {
    const [from, to] = JSON.parse(ends) as [string, string];
    add(from, to, 'sent', count);
    add(to, from, 'received', count);
  }
  return peers;
}

test('holds what a naive reading of the log counts, wherever slices begin and end (SU1, SU2, FD1)', () => {
  fc.assert(
    fc.property(history, fc.integer({ min: 1, max: 50 }), (commits, sliceEvents) => {
      const book = new EventBook();
      const sums = new MemoryStore();
      const folding = new Folding(book.tables, sums, { sliceEvents, sliceBytes: 1_000_000 });
      for (const { events, slices } of commits) {
        book.append(events);
        for (let slice = 0; slice < slices; slice++) folding.foldSlice();
        holdTo(sums, book);
      }
      while (folding.foldSlice());
      assert.equal(folding.folded, book.events.length);
      assert.equal(folding.missed, 0);
      holdTo(sums, book);
    }),
    { numRuns: 300 },
  );
});

test('folds each event once, when commits fail and processes end at any of them (FO1)', () => {
  fc.assert(
    fc.property(history, fc.array(fc.constantFrom('fails', 'ends', 'works'), { maxLength: 30 }), (commits, fates) => {
      const book = new EventBook();
      const sums = new Fickle();
      let folding = new Folding(book.tables, sums, { sliceEvents: 7, sliceBytes: 1_000_000 });
      const left = [...fates];
      for (const { events } of commits) {
        book.append(events);
        for (let isMore = true; isMore; ) {
          const fate = left.shift() ?? 'works';
          sums.isFailing = fate === 'fails';
          try {
            isMore = folding.foldSlice();
          } catch (error) {
            assert.match(String(error), /no room/);
          }
          if (fate === 'ends') folding = new Folding(book.tables, sums, { sliceEvents: 5, sliceBytes: 1_000_000 });
          holdTo(sums, book);
        }
      }
      assert.equal(folding.folded, book.events.length);
    }),
    { numRuns: 200 },
  );
});

/** A store whose commits fail behind their writes. */
class Fickle extends MemoryStore {
  isFailing = false;

  override commit(write: (batch: WriteBatch) => void): void {
    super.commit((batch) => {
      write(batch);
      if (this.isFailing) throw new Error('no room');
    });
  }
}

test('ends a slice with its bytes too (FO2)', () => {
  const book = new EventBook();
  const sent: BookEvent = { type: 'message_sent', agent: 'tab_a', to: 'tab_b' };
  for (let i = 0; i < 10; i++) book.append([sent]);
  const folding = new Folding(book.tables, new MemoryStore(), { sliceEvents: 100, sliceBytes: 1 });
  assert.equal(folding.foldSlice(), true);
  assert.equal(folding.folded, 1);
});

test('counts for nobody what no agent can be called', () => {
  const book = new EventBook();
  const odd = ['', 'A', 'a b', 'a\0', 'é', 'x'.repeat(65), 'x'.repeat(5000)];
  book.append(
    odd.flatMap((agent) => [
      { type: 'message_sent', agent, to: agent },
      { type: 'state_written', agent },
    ]),
  );
  const sums = new MemoryStore();
  const folding = new Folding(book.tables, sums);
  assert.equal(folding.foldSlice(), true);
  assert.equal(folding.folded, odd.length * 2);
  assert.equal(rows(sums, AGENT_SUM).length + rows(sums, EDGE).length, 0);
});

test('says how many events were gone before their turn, and goes on behind them', () => {
  const book = new EventBook();
  const sums = new MemoryStore();
  for (let i = 0; i < 9; i++) book.append([{ type: 'state_written', agent: 'tab_a' }]);
  const remove = (...seqs: number[]) =>
    book.tables.commit((batch) => {
      for (const seq of seqs) batch.delete(encodeKey([EVENT_TABLE, seq]));
    });
  remove(1, 2, 5);
  const folding = new Folding(book.tables, sums);
  while (folding.foldSlice());
  assert.deepEqual([folding.folded, folding.missed], [9, 3]);
  book.append([{ type: 'state_written', agent: 'tab_a' }]);
  remove(10);
  while (folding.foldSlice());
  assert.deepEqual([folding.folded, folding.missed, readMetaNumber(sums, META_MISSED)], [10, 4, 4]);
  const again = new Folding(book.tables, sums);
  assert.deepEqual([again.folded, again.missed], [10, 4]);
});

test('refuses sums of another log, of one that lost its end, and of a newer program (FO3)', () => {
  const folded = (): [EventBook, Store] => {
    const book = new EventBook();
    book.append([
      { type: 'agent_registered', agent: 'tab_a' },
      { type: 'state_written', agent: 'tab_a' },
    ]);
    const sums = new MemoryStore();
    const folding = new Folding(book.tables, sums);
    while (folding.foldSlice());
    return [book, sums];
  };
  const [book, sums] = folded();
  assert.equal(new Folding(book.tables, sums).folded, 2);
  assert.throws(() => new Folding(new EventBook().tables, sums), /go up to event 2, and the log ends with 0/);
  const shifted = new EventBook();
  shifted.append([{ type: 'state_written', agent: 'tab_a' }]);
  const [, one] = folded();
  one.commit((batch) => writeMetaNumber(batch, META_FOLDED, 1));
  assert.throws(() => new Folding(shifted.tables, one), /event 1 is another one here/);
  sums.commit((batch) => writeMetaNumber(batch, META_SCHEMA, 99));
  assert.throws(() => new Folding(book.tables, sums), /have version 99/);
});
