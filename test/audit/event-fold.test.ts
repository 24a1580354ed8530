// What the audit holds events and effects to: `troupe check` recounts the one from the other.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { auditTables } from '../../src/audit/audit.js';
import { EventFold } from '../../src/audit/event-fold.js';
import type { Key } from '../../src/runtime/actor.js';
import { encodeValue } from '../../src/runtime/codec.js';
import { eventRows } from '../../src/runtime/event-blocks.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import { writeMetaNumber } from '../../src/runtime/storage/meta.js';

type Event = readonly [type: string, about: string | null, data: Readonly<Record<string, unknown>>];

const EVENTS: readonly Event[] = [
  ['operator_created', null, { operator_id: 'op' }],
  ['agent_registered', 'ann', { address: 'ann' }],
  ['agent_registered', 'bob', { address: 'bob' }],
  ['message_sent', 'ann', { to: 'bob' }],
  ['message_sent', 'ann', { to: 'bob' }],
  ['message_sent', 'bob', { to: 'bob' }],
  ['message_delivered', 'bob', { to: 'bob' }],
  ['message_dropped', 'bob', { to: 'bob' }],
  ['state_written', 'ann', { key: 'kept' }],
  ['state_written', 'ann', { key: 'kept' }],
  ['state_written', 'ann', { key: 'gone' }],
  ['state_deleted', 'ann', { key: 'gone' }],
  ['message_sent', 'bob', { to: 'ann' }],
  ['agent_retired', 'ann', { address: 'ann' }],
  ['state_read', 'bob', { key: 'gone', read_by: 'bob', found: false }],
];

/** What these events leave behind, as far as they are counted. */
function storeOf(events: readonly Event[], trimmed = 0): MemoryStore {
  const store = new MemoryStore();
  const rows: [Key, unknown][] = [
    ['agent', 'bob'],
    ['agent', 'ann'],
    ['inbox_head', 'bob'],
    ['state', 'kept'],
  ].map((key) => [key as unknown as Key, { retiredAt: key[1] === 'ann' ? 5 : null, count: 1 }]);
  store.commit((batch) => {
    for (const [key, value] of rows) batch.put(encodeKey(key), encodeValue(value));
    const values = events.slice(trimmed).map(([type, about, data]) => encodeValue([1, type, about, data]));
    for (const { key, value } of eventRows(trimmed + 1, values)) batch.put(encodeKey(key), value);
    writeMetaNumber(batch, ['seq'], events.length);
    if (trimmed > 0) writeMetaNumber(batch, ['trimmed'], trimmed);
    for (const name of ['operators', 'agents', 'state_keys']) writeMetaNumber(batch, ['counter', name], 1);
  });
  return store;
}

/** The findings that come of events alone: the rows are no more than these need. */
function problems(store: MemoryStore, archived?: EventFold): string[] {
  return auditTables(store, archived)
    .findings.filter(({ problem }) => /by the events|was written, and|was registered and/.test(problem))
    .map(({ table, key, problem }) => `${table}${key} ${problem}`);
}

describe('events and effects', () => {
  test('agree where each has the other', () => {
    assert.deepEqual(problems(storeOf(EVENTS)), []);
  });

  const planted: readonly [what: string, events: readonly Event[], found: RegExp][] = [
    [
      'an event of a message that nobody has',
      [...EVENTS, ['message_sent', 'ann', { to: 'bob' }]],
      /bob.* 2 messages wait; there are 1/,
    ],
    ['a message without its event', EVENTS.toSpliced(3, 1), /bob.* 0 messages wait; there are 1/],
    ['a message that was delivered without an event', EVENTS.toSpliced(6, 1), /bob.* 2 messages wait/],
    ['an agent without its event', EVENTS.toSpliced(2, 1), /there are 0 agents; there are 1/],
    ['an agent that is not there', [...EVENTS, ['agent_registered', 'cy', {}]], /agent\["cy"\] it was registered/],
    ['an operator without its event', EVENTS.toSpliced(0, 1), /there are 0 operators; there are 1/],
    [
      'a key that was written and is not there',
      [...EVENTS, ['state_written', 'bob', { key: 'lost' }]],
      /state\["lost"\] it was written/,
    ],
    ['a key without its event', EVENTS.filter(([, , { key }]) => key !== 'kept'), /0 state_keys; there are 1/],
    [
      'a key that was deleted and is there',
      [...EVENTS, ['state_deleted', 'bob', { key: 'kept' }]],
      /0 state_keys; there are 1/,
    ],
  ];
  for (const [what, events, found] of planted) {
    test(`tell ${what}`, () => {
      assert.match(problems(storeOf(events)).join('\n'), found);
    });
  }

  test('are held together over the archives and the tables, and not where the archives are not known', () => {
    const fold = () => {
      const told = new EventFold();
      for (const event of EVENTS.slice(0, 6)) told.take(...event);
      return told;
    };
    assert.deepEqual(problems(storeOf(EVENTS, 6), fold()), []);
    assert.deepEqual(problems(storeOf(EVENTS, 6)), []);
    assert.match(problems(storeOf(EVENTS.toSpliced(6, 1), 6), fold()).join(), /2 messages wait/);
    assert.match(problems(storeOf(EVENTS, 6), new EventFold()).join(), /there are 0 operators/);
  });
});
