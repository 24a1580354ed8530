import { observed } from '../../src/transport/observation/event-json.js';
// `troupe check` makes the recount that the summaries are said to agree with: what is planted in them is found.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { auditSummaries, tallyFor } from '../../src/audit/audit.js';
import type { Key } from '../../src/runtime/actor.js';
import { encodeValue } from '../../src/runtime/codec.js';
import { EVENT_TABLE, eventsOf } from '../../src/runtime/event-blocks.js';
import { logged } from '../../src/runtime/event-reader.js';
import { encodeKey, rangeOf } from '../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import { writeMetaNumber } from '../../src/runtime/storage/meta.js';
import type { Store } from '../../src/runtime/storage/store.js';
import { Folding } from '../../src/summaries/folding.js';
import { type AgentSum, decodeSum, encodeExchange, encodeSum, META_FOLDED } from '../../src/summaries/rows.js';
import { type BookEvent, EventBook, happenedAt } from '../summaries/event-book.js';

const sent = (agent: string, to: string): BookEvent => ({ type: 'message_sent', agent, to });

function summedUp(): { readonly book: EventBook; readonly sums: Store } {
  const book = new EventBook();
  for (const agent of ['a', 'b', 'c']) book.append([{ type: 'agent_registered', agent }]);
  book.append([sent('a', 'b'), sent('a', 'b'), sent('b', 'a'), sent('c', 'c'), { type: 'state_written', agent: 'b' }]);
  book.append([
    { type: 'message_dropped', agent: 'a' },
    { type: 'agent_retired', agent: 'c' },
  ]);
  const sums = new MemoryStore();
  const folding = new Folding(book.tables, sums);
  while (folding.foldSlice());
  return { book, sums };
}

function problems(book: EventBook, sums: Store): string[] {
  return auditSummaries(book.tables, sums).findings.map(({ table, key, problem }) => `${table}${key} ${problem}`);
}

function put(store: Store, key: Key, value: Uint8Array): void {
  store.commit((batch) => batch.put(encodeKey(key), value));
}

function remove(store: Store, key: Key): void {
  store.commit((batch) => batch.delete(encodeKey(key)));
}

/** Another row of an agent. */
function change(sums: Store, agent: string, by: Partial<AgentSum>): void {
  const key: Key = ['agent_sum', agent];
  put(sums, key, encodeSum({ ...decodeSum(sums.get(encodeKey(key))!), ...by }));
}

test('finds nothing in what the fold leaves, wherever it stands', () => {
  const { book, sums } = summedUp();
  assert.deepEqual(problems(book, sums), []);
  assert.deepEqual(auditSummaries(book.tables, sums).rows, {
    agent_order: 3,
    agent_sum: 3,
    edge: 3,
    edge_rank: 3,
    meta: 5,
    peer_rank: 3,
  });
  book.append([sent('a', 'c'), { type: 'state_written', agent: 'a' }]);
  assert.deepEqual(problems(book, sums), [], 'what is not folded yet is no fault');
  assert.deepEqual(problems(new EventBook(), new MemoryStore()), []);
});

describe('names', () => {
  const faults: readonly [what: string, plant: (sums: Store, book: EventBook) => void, found: RegExp][] = [
    [
      'a count of messages sent that is off',
      (sums) => change(sums, 'a', { sent: 3 }),
      /sent: they sum up to 5.* gives 4$/,
    ],
    [
      'messages sent by another',
      (sums) => [change(sums, 'a', { sent: 1 }), change(sums, 'b', { sent: 2 })],
      /of others/,
    ],
    ['messages received that are off', (sums) => change(sums, 'b', { received: 0 }), /received: they sum up to 2/],
    ['writes that are off', (sums) => change(sums, 'b', { writes: 9 }), /writes: they sum up to 9/],
    ['another time of birth', (sums) => change(sums, 'b', { registeredAt: 1 }), /births: .*of others/],
    ['a retirement that was none', (sums) => change(sums, 'a', { retiredAt: 1 }), /retirements: they sum up to 2/],
    [
      'a last activity that was none',
      (sums) => change(sums, 'a', { lastActive: happenedAt(9) }),
      /agent_sum\["a"\] it was last active/,
    ],
    [
      'peers that are off',
      (sums) => change(sums, 'a', { peers: 2 }),
      /agent_sum\["a"\] it has 2 peers; a recount gives 1/,
    ],
    ['an agent that is not listed', (sums) => remove(sums, ['agent_order', 2]), /agent_sum\["b"\] it is not among/],
    [
      'a listing of nobody',
      (sums) => put(sums, ['agent_order', 7], encodeValue('z')),
      /agent_order\[7\] its agent was/,
    ],
    [
      'an edge with another count',
      (sums) => put(sums, ['edge', 'a', 'b'], encodeValue(3)),
      /edge\["a","b"\] it has no/,
    ],
    ['edges that were never', (sums) => put(sums, ['edge', 'b', 'c'], encodeValue(1)), /edges: they sum up to 5/],
    ['an edge that is gone', (sums) => remove(sums, ['edge', 'c', 'c']), /edges: they sum up to 3/],
    ['a place of no edge', (sums) => put(sums, ['edge_rank', -9, 'a', 'c'], new Uint8Array()), /its edge has another/],
    [
      'a peer too much',
      (sums) => put(sums, ['peer_rank', 'a', -1, 'c'], encodeExchange({ sent: 1, received: 0 })),
      /its edges/,
    ],
    ['a peer too few', (sums) => remove(sums, ['peer_rank', 'b', -3, 'a']), /agent_sum\["b"\] it has 1 peers.* none/],
    ['a total of agents that is off', (sums) => meta(sums, ['counter', 'agents'], 4), /"agents"\] it is 4; .* 3/],
    ['a total of edges that is off', (sums) => meta(sums, ['counter', 'edges'], 4), /"edges"\] it is 4; .* 3/],
    ['sums ahead of the log', (sums) => meta(sums, META_FOLDED, 99), /meta\["folded"\] it is 99/],
    ['sums that claim too little', (sums) => meta(sums, META_FOLDED, 6), /sent: they sum up to 4; .* 3/],
    ['events that were never summed up', (sums) => meta(sums, ['missed'], 2), /2 events were gone/],
    ['a number that nothing keeps', (sums) => meta(sums, ['nonsense'], 2), /no such number/],
    ['a row that is none', (sums) => put(sums, ['agent_sum', 'x'], encodeValue('x')), /agent_sum\["x"\]/],
    ['a table that is none', (sums) => put(sums, ['other', 1], encodeValue(1)), /no such table/],
    ['a log that says more', (_, book) => replaceFirst(book), /births/],
  ];
  for (const [what, plant, found] of faults) {
    test(what, () => {
      const { book, sums } = summedUp();
      plant(sums, book);
      assert.match(problems(book, sums).join('\n'), found);
    });
  }
});

function meta(sums: Store, name: readonly string[], value: number): void {
  sums.commit((batch) => writeMetaNumber(batch, name, value));
}

/** The birth of another in the place of the first. */
function replaceFirst({ tables }: EventBook): void {
  const other = new EventBook();
  other.append([{ type: 'agent_registered', agent: 'z' }]);
  put(tables, [EVENT_TABLE, 1], other.tables.get(encodeKey([EVENT_TABLE, 1]))!);
}

test('recounts with the events that the tables do not hold any more, where somebody has them', () => {
  const { book, sums } = summedUp();
  const [row] = book.tables.range({ ...rangeOf([EVENT_TABLE]), limit: 1 });
  const archived = observed(logged(eventsOf(1, row!.value)[0]!));
  remove(book.tables, [EVENT_TABLE, 1]);
  const recounted = () => {
    const tally = tallyFor(sums);
    tally.archived(archived);
    return auditSummaries(book.tables, sums, tally);
  };
  assert.deepEqual([recounted().findings, recounted().notRecounted], [[], 0]);
  const { findings, notRecounted } = auditSummaries(book.tables, sums);
  assert.deepEqual([findings, notRecounted], [[], 1], 'without them nothing can be compared, and it is said so');
  change(sums, 'b', { writes: 9 });
  assert.equal(recounted().findingsTotal, 1);
});
