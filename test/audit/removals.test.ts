// What an audit finds where a removal, its event and the rows do not agree.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stateKind } from '../../src/actors/state/state.js';
import { auditTables } from '../../src/audit/audit.js';
import { type RemovalTarget, redactEvent } from '../../src/redaction.js';
import type { Key } from '../../src/runtime/actor.js';
import { decodeValue, encodeValue } from '../../src/runtime/codec.js';
import { eventRows, eventsOf } from '../../src/runtime/event-blocks.js';
import { EventIndex } from '../../src/runtime/event-index.js';
import { decodeKey, encodeKey, rangeOf } from '../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import { writeMetaNumber } from '../../src/runtime/storage/meta.js';
import { agentOf, message } from '../actors/agent/agent-fixture.js';
import { newOperator, register } from '../actors/operator/operator-fixture.js';

const TARGETS = {
  m1: { kind: 'message', id: 'm1' },
  old: { kind: 'key', id: 'old' },
  again: { kind: 'key', id: 'again' },
} as const;

/** Two messages and three keys; of each kind one is untouched, and one key was written again behind its removal. */
function livedIn(): MemoryStore {
  const { world, operator } = newOperator();
  const agent = agentOf(world, register(operator, 'a'));
  const state = world.actor(stateKind({ capacityBytes: 1000 }), '0');
  const put = (key: string, value: string) => state.answer('put', { key, value, by: 'tab_a', condition: null });
  const order = (id: string) => ({ id, reason: 'why', by: 'admin' });
  for (const id of ['m1', 'm2']) agent.answer('deliver', message(id));
  for (const key of ['old', 'again', 'kept']) put(key, `value of ${key}`);
  agent.answer('remove', { messageId: 'm1', seq: 1, contentHash: 'h', order: order('r1') });
  state.answer('remove', { key: 'old', loggedHash: null, order: order('r2') });
  state.answer('remove', { key: 'again', loggedHash: null, order: order('r3') });
  put('again', 'a new value');
  const store = new MemoryStore();
  // As the removals leave the log: what was said of the second and the third key stays.
  const ends = new Map<string, RemovalTarget>([
    ['r1', TARGETS.m1],
    ['r2', TARGETS.old],
    ['r3', TARGETS.again],
  ]);
  const values = world.events.map(({ type, agent: about, data }, place) => {
    let event = { type, data };
    for (const [id, target] of ends) {
      const end = world.events.findIndex(({ data: said }) => said.removal_id === id);
      if (place < end) event = redactEvent(event, target) ?? event;
    }
    return encodeValue([world.now, type, about, event.data]);
  });
  store.commit((batch) => {
    for (const { key, value } of world.rows)
      if (key[0] !== 'removal_due') batch.put(encodeKey(key), encodeValue(value));
    const index = new EventIndex();
    values.forEach((value, place) => {
      index.add(place + 1, value);
    });
    for (const { key, value } of [...eventRows(1, values), ...index.rows()]) batch.put(encodeKey(key), value);
    writeMetaNumber(batch, ['seq'], values.length);
    writeMetaNumber(batch, ['schema'], 3);
    for (const name of ['operators', 'agents', 'state_keys', 'state_bytes']) {
      writeMetaNumber(batch, ['counter', name], world.counter(name));
    }
  });
  return store;
}

type Said = [at: number, type: string, about: string | null, data: Record<string, unknown>];

/** Changes the events for which `change` gives something else. */
function changeEvents(store: MemoryStore, change: (said: Said) => Said | undefined): void {
  const [row] = store.range({ ...rangeOf(['event']), limit: 1 });
  const last = Number(decodeKey(row!.key)[1]);
  const values = eventsOf(last, row!.value).map(({ value }) => {
    const changed = change(decodeValue(value) as Said);
    return changed === undefined ? value : encodeValue(changed);
  });
  store.commit((batch) => {
    for (const { key, value } of eventRows(1, values)) batch.put(encodeKey(key), value);
  });
}

function unredact(store: MemoryStore, name: string, id: string, member: string, which = 0): void {
  let seen = 0;
  changeEvents(store, ([at, type, about, data]) => {
    if (data[name] !== id || data.redacted !== true || seen++ !== which) return undefined;
    const { redacted: _, ...rest } = data;
    return [at, type, about, { ...rest, [member]: 'back again' }];
  });
}

function put(store: MemoryStore, key: Key, change: (value: Record<string, unknown>) => unknown): void {
  const bytes = store.get(encodeKey(key));
  const before = bytes === undefined ? {} : (decodeValue(bytes) as Record<string, unknown>);
  store.commit((batch) => batch.put(encodeKey(key), encodeValue(change(before))));
}

function remove(store: MemoryStore, key: Key): void {
  store.commit((batch) => batch.delete(encodeKey(key)));
}

function problems(store: MemoryStore): string[] {
  return auditTables(store).findings.map(({ table, key, problem }) => `${table}${key} ${problem}`);
}

test('an audit finds nothing in what removals leave behind', () => {
  const store = livedIn();
  assert.deepEqual(problems(store), []);
  const { rows } = auditTables(store);
  assert.deepEqual([rows.removal, rows.removal_of], [3, 3]);
});

test('what is due may be in the log still, and nowhere else', () => {
  const store = livedIn();
  unredact(store, 'message_id', 'm1', 'content');
  unredact(store, 'key', 'old', 'value');
  assert.equal(problems(store).length, 2);
  put(store, ['removal_due', 'r1'], () => TARGETS.m1);
  put(store, ['removal_due', 'r2'], () => TARGETS.old);
  assert.deepEqual(problems(store), []);
});

describe('an audit names', () => {
  const faults: readonly [what: string, plant: (store: MemoryStore) => void, found: RegExp][] = [
    [
      'a message that is in the log again',
      (store) => unredact(store, 'message_id', 'm1', 'content'),
      /^event\[\d+\] it holds what was removed/,
    ],
    [
      'a value that is in the log again',
      (store) => unredact(store, 'key', 'old', 'value'),
      /^event\[\d+\] it holds what was removed/,
    ],
    [
      'a value before one that was written later',
      (store) => unredact(store, 'key', 'again', 'value'),
      /^event\[\d+\] it holds what was removed/,
    ],
    [
      'a message that is in the inbox again',
      (store) => put(store, ['inbox', 'tab_a', 1], ({ redacted: _, ...row }) => ({ ...row, content: 'é', bytes: 2 })),
      /^inbox\["tab_a",1\] it holds what was removed/,
    ],
    [
      'a value that is in the state again',
      (store) => put(store, ['state', 'old'], ({ redacted: _, ...row }) => ({ ...row, value: 'é', bytes: 2 })),
      /^state\["old"\] it holds what was removed/,
    ],
    [
      'a message that is redacted without a removal',
      (store) => put(store, ['inbox', 'tab_a', 2], (row) => ({ ...row, redacted: true })),
      /^inbox\["tab_a",2\] it is redacted/,
    ],
    [
      'a value that is redacted without a removal',
      (store) => put(store, ['state', 'kept'], (row) => ({ ...row, redacted: true })),
      /^state\["kept"\] it is redacted/,
    ],
    [
      'an event that is redacted without a removal',
      (store) =>
        changeEvents(store, ([at, type, about, data]) =>
          data.message_id === 'm2' ? [at, type, about, { ...data, redacted: true }] : undefined,
        ),
      /^event\[\d+\] it is redacted/,
    ],
    [
      'a removal that no event tells of',
      (store) =>
        changeEvents(store, ([at, , about, data]) =>
          data.removal_id === 'r1' ? [at, 'other', about, data] : undefined,
        ),
      /^removal\[\] 3 are recorded; .* 2/,
    ],
    [
      'an event that tells of no removal',
      (store) => remove(store, ['removal', 'r1']),
      /^event\[\d+\] it tells of a removal that is not recorded/,
    ],
    [
      'a removal that is told twice',
      (store) =>
        changeEvents(store, ([at, type, about, data]) =>
          data.removal_id === 'r1' ? [at, type, about, { ...data, removal_id: 'r2' }] : undefined,
        ),
      /^removal\[\] 3 are recorded; .* or of others/,
    ],
    [
      'a record of another content',
      (store) => put(store, ['removal', 'r1'], (row) => ({ ...row, contentHash: 'x' })),
      /^event\[\d+\] it does not agree/,
    ],
    [
      'a record of another time',
      (store) => put(store, ['removal', 'r2'], (row) => ({ ...row, at: 1 })),
      /^event\[\d+\] it does not agree/,
    ],
    [
      'a record that is not listed',
      (store) => remove(store, ['removal_of', 'key', 'old', 'r2']),
      /^removal\["r2"\] it is not listed/,
    ],
    [
      'a listing of another record',
      (store) => put(store, ['removal_of', 'key', 'other', 'r2'], () => 1),
      /^removal_of\["key","other","r2"\]/,
    ],
    [
      'something due that was never recorded',
      (store) => put(store, ['removal_due', 'r9'], () => TARGETS.m1),
      /^removal_due\["r9"\]/,
    ],
  ];
  for (const [what, plant, found] of faults) {
    test(what, () => {
      const store = livedIn();
      plant(store);
      const named = problems(store);
      assert.ok(
        named.some((problem) => found.test(problem)),
        `${found} in ${JSON.stringify(named, null, 1)}`,
      );
    });
  }
});
