// What a page of the summaries costs, counted in reads, and what it holds where weights are equal.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { MemoryStore } from '../../../src/runtime/storage/memory-store.js';
import type { Bytes, Entry, RangeOptions, Store } from '../../../src/runtime/storage/store.js';
import { Folding } from '../../../src/summaries/folding.js';
import { readSummary } from '../../../src/transport/observation/summary-pages.js';
import { agentPlace, edgePlace, peerPlace } from '../../../src/transport/observation/summary-places.js';
import type { SummaryReading } from '../../../src/transport/observation/summary-protocol.js';
import { type BookEvent, EventBook } from '../../summaries/event-book.js';

const LARGE = 100_000;
const SMALL = 2_000;
const LIMIT = 100;
const COMMIT_EVENTS = 2_000;
const nameOf = (place: number): string => `tab_${String(place).padStart(6, '0')}`;

/** Counts what is read: point reads, and the rows of ranges. */
class CountedStore extends MemoryStore {
  gets = 0;
  rows = 0;

  override get(key: Bytes): Bytes | undefined {
    this.gets++;
    return super.get(key);
  }

  override range(options: RangeOptions): Entry[] {
    const found = super.range(options);
    this.rows += found.length;
    return found;
  }

  override count(): number {
    throw new Error('a page walks over nothing');
  }

  cost(read: () => void): { readonly gets: number; readonly rows: number } {
    this.gets = 0;
    this.rows = 0;
    read();
    return { gets: this.gets, rows: this.rows };
  }
}

/** So many agents, and as many edges: half of them have sent to the next one, half to the first. */
function summedUp(agents: number): CountedStore {
  const book = new EventBook();
  const names = Array.from({ length: agents }, (_, place) => nameOf(place));
  const events: BookEvent[] = [
    ...names.map((agent) => ({ type: 'agent_registered', agent })),
    ...names.map((agent, place) => ({ type: 'message_sent', agent, to: names[place % 2 === 0 ? place + 1 : 0]! })),
  ];
  for (let at = 0; at < events.length; at += COMMIT_EVENTS) book.append(events.slice(at, at + COMMIT_EVENTS));
  const sums = new CountedStore();
  const folding = new Folding(book.tables, sums as Store);
  while (folding.foldSlice());
  return sums;
}

let large: CountedStore;
let small: CountedStore;
before(() => {
  large = summedUp(LARGE);
  small = summedUp(SMALL);
});

/** The same place in either. */
function readings(agents: number): readonly SummaryReading[] {
  const middle = agents / 2;
  return [
    { kind: 'agents', after: null, limit: LIMIT },
    { kind: 'agents', after: middle, limit: LIMIT },
    { kind: 'agents', after: agents - LIMIT, limit: LIMIT },
    { kind: 'agent', address: nameOf(0), after: null, limit: LIMIT },
    { kind: 'agent', address: nameOf(0), after: { weight: 1, peer: nameOf(middle + 1) }, limit: LIMIT },
    { kind: 'agent', address: nameOf(middle + 1), after: null, limit: LIMIT },
    { kind: 'network', after: null, limit: LIMIT },
    { kind: 'network', after: { count: 1, from: nameOf(middle - 1), to: nameOf(0) }, limit: LIMIT },
  ];
}

test('a page of a hundred thousand agents and as many edges costs the reads of a page (SP1)', () => {
  const costs = (sums: CountedStore, agents: number) =>
    readings(agents).map((reading) => sums.cost(() => assert.notEqual(readSummary(sums, reading), undefined)));
  const [many, few] = [costs(large, LARGE), costs(small, SMALL)];
  assert.deepEqual(many, few);
  for (const { gets, rows } of many) assert.ok(gets + rows <= 4 * LIMIT + 3, `${gets} gets, ${rows} rows`);
});

test('pages joined hold every peer and every edge once, whatever their weights (SP2)', () => {
  const joined = <T>(
    limit: number,
    of: (cursor: string | null) => { readonly items: readonly T[]; readonly next: string | null },
  ) => {
    const all: T[] = [];
    for (let cursor: string | null = null; ; ) {
      const { items, next } = of(cursor);
      all.push(...items);
      assert.ok(next === null || items.length === limit, 'a page that leads on is full');
      if (next === null) return all;
      cursor = Buffer.from(next, 'base64url').toString();
    }
  };
  const peers = joined(7, (cursor) => {
    const after = cursor === null ? null : (peerPlace(cursor) ?? assert.fail(cursor));
    const page = readSummary(small, { kind: 'agent', address: nameOf(0), after, limit: 7 });
    assert.ok(page !== undefined && 'peers' in page);
    return { items: page.peers.map(({ address }) => address), next: page.next_cursor };
  });
  assert.equal(peers.length, SMALL / 2);
  assert.equal(new Set(peers).size, peers.length);
  const edges = joined(13, (cursor) => {
    const after = cursor === null ? null : (edgePlace(cursor) ?? assert.fail(cursor));
    const page = readSummary(small, { kind: 'network', after, limit: 13 });
    assert.ok(page !== undefined && 'edges' in page);
    assert.ok(page.nodes.length <= 26);
    return { items: page.edges.map(({ from, to }) => `${from} ${to}`), next: page.next_cursor };
  });
  assert.equal(edges.length, SMALL);
  assert.equal(new Set(edges).size, SMALL);
  const agents = joined(9, (cursor) => {
    const after = cursor === null ? null : (agentPlace(cursor) ?? assert.fail(cursor));
    const page = readSummary(small, { kind: 'agents', after, limit: 9 });
    assert.ok(page !== undefined && 'agents' in page);
    return { items: page.agents.map(({ address }) => address), next: page.next_cursor };
  });
  assert.deepEqual(
    agents,
    Array.from({ length: SMALL }, (_, place) => nameOf(place)),
  );
});
