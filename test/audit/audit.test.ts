import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stateKind } from '../../src/actors/state/state.js';
import { auditTables } from '../../src/audit/audit.js';
import { FINDINGS_MAX } from '../../src/audit/findings.js';
import type { Key } from '../../src/runtime/actor.js';
import { decodeValue, encodeValue } from '../../src/runtime/codec.js';
import { eventRows } from '../../src/runtime/event-blocks.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import { writeMetaNumber } from '../../src/runtime/storage/meta.js';
import { agentOf, LEASE, message, taken } from '../actors/agent/agent-fixture.js';
import { newOperator, register } from '../actors/operator/operator-fixture.js';
import { World } from '../actors/turn-double.js';

const COUNTERS = ['operators', 'agents', 'state_keys', 'state_bytes'];

/** A store as the actors leave it: two operators, three agents of which one retired, messages, leases, state. */
function livedIn(): MemoryStore {
  const { world, operator } = newOperator();
  newOperator(world, 'none', 'op-2');
  operator.answer('challenge', null);
  const [first, second, gone] = ['a', 'b', 'c'].map((name) => agentOf(world, register(operator, name)));
  for (let i = 0; i < 5; i++) {
    for (const agent of [first!, second!, gone!]) agent.answer('deliver', message(`m${i}`, 'é'.repeat(i)));
  }
  taken(first!, { limit: 2 });
  taken(first!, { limit: 2, mode: LEASE });
  taken(second!);
  taken(gone!, { limit: 1, mode: LEASE });
  gone!.answer('retire', { operatorId: 'op-1' }); // Its inbox is not emptied yet: that is no fault.
  const state = world.actor(stateKind({ capacityBytes: 1000 }), '0');
  for (const key of ['k', 'ké']) state.answer('put', { key, value: '€', by: 'tab_a', condition: null });
  return storeOf(world);
}

function storeOf(world: World): MemoryStore {
  const store = new MemoryStore();
  store.commit((batch) => {
    for (const { key, value } of world.rows) batch.put(encodeKey(key), encodeValue(value));
    // A row of its own for each, as when each came to the tables alone.
    world.events.forEach(({ type, agent, data }, i) => {
      const [row] = eventRows(i + 1, [encodeValue([world.now, type, agent, data])]);
      batch.put(encodeKey(row!.key), row!.value);
    });
    writeMetaNumber(batch, ['seq'], world.events.length);
    writeMetaNumber(batch, ['schema'], 1);
    for (const name of COUNTERS) writeMetaNumber(batch, ['counter', name], world.counter(name));
  });
  return store;
}

function put(store: MemoryStore, key: Key, value: unknown): void {
  store.commit((batch) => batch.put(encodeKey(key), encodeValue(value)));
}

function remove(store: MemoryStore, key: Key): void {
  store.commit((batch) => batch.delete(encodeKey(key)));
}

function problems(store: MemoryStore): string[] {
  return auditTables(store).findings.map(({ table, key, problem }) => `${table}${key} ${problem}`);
}

test('finds nothing in what the actors leave behind, and has looked at all of it (U1)', () => {
  const store = livedIn();
  assert.deepEqual(problems(store), []);
  const { rows } = auditTables(store);
  assert.equal(rows.inbox, 3 + 5);
  assert.equal(rows.operator, 2);
  assert.equal(rows.agent, 3);
  assert.equal(rows.state, 2);
});

describe('names', () => {
  const faults: readonly [what: string, plant: (store: MemoryStore) => void, found: RegExp][] = [
    ['a counter of agents that is off', (store) => counter(store, 'agents', 7), /^meta\["counter","agents"\] .*7.* 2/],
    ['a counter of operators that is off', (store) => counter(store, 'operators', 0), /"operators"\] .*0.* 2/],
    ['a counter of keys that is off', (store) => counter(store, 'state_keys', 9), /"state_keys"\] .*9.* 2/],
    ['a counter of bytes that is off', (store) => counter(store, 'state_bytes', 1), /"state_bytes"\] .*1.* 10/],
    [
      'a counter that cannot be read',
      (store) => put(store, ['meta', 'counter', 'agents'], 'x'),
      /^meta\["counter","agents"\]/,
    ],
    [
      'a number of groups that cannot be read',
      (store) => put(store, ['meta', 'applied'], 'x'),
      /^meta\["applied"\] .*no number/,
    ],
    [
      'groups in a store that no server was started on',
      (store) => meta(store, 'applied', 7),
      /^meta\["applied"\] it is 7.*no epoch/,
    ],
    ['a last event that is not there', (store) => meta(store, 'seq', 99), /^meta\["seq"\] it is 99/],
    ['a number that nothing keeps', (store) => meta(store, 'nonsense', 1), /^meta\["nonsense"\] no such number/],
    ['an event that is missing', (store) => remove(store, ['event', 3]), /^event\[4\] .*missing/],
    ['a last event that is missing', (store) => remove(store, ['event', lastEvent(store)]), /^meta\["seq"\]/],
    ['an inbox row without its agent', (store) => put(store, ['inbox', 'tab_x', 1], row(1)), /^inbox\["tab_x",1\]/],
    [
      'an inbox row that its head does not count',
      (store) => put(store, ['inbox', 'tab_a', 2], row(2)),
      /^inbox_head\["tab_a"\]/,
    ],
    ['an inbox row that is missing', (store) => remove(store, ['inbox', 'tab_a', 5]), /^inbox_head\["tab_a"\]/],
    [
      'an inbox row of another size',
      (store) => put(store, ['inbox', 'tab_a', 5], { ...row(5), bytes: 9 }),
      /^inbox\["tab_a",5\] .*size/,
    ],
    [
      'an inbox row ahead of its head',
      (store) => put(store, ['inbox', 'tab_a', 6], row(6)),
      /^inbox\["tab_a",6\] .*next seq/,
    ],
    [
      'a head that is missing',
      (store) => remove(store, ['inbox_head', 'tab_a']),
      /^inbox_head\["tab_a"\] it is missing/,
    ],
    [
      'a head without rows',
      (store) => put(store, ['inbox_head', 'tab_b'], { nextSeq: 9, count: 1, bytes: 1 }),
      /^inbox_head\["tab_b"\]/,
    ],
    [
      'a head without its agent',
      (store) => put(store, ['inbox_head', 'tab_x'], { nextSeq: 1, count: 0, bytes: 0 }),
      /^inbox_head\["tab_x"\]/,
    ],
    [
      'a lease without its message',
      (store) => put(store, ['lease', 'tab_a', 1], { messageId: 'm0', until: 1, bytes: 0 }),
      /^lease\["tab_a",1\]/,
    ],
    [
      'a lease of another message',
      (store) => put(store, ['lease', 'tab_a', 5], { messageId: 'm0', until: 1, bytes: 8 }),
      /^lease\["tab_a",5\]/,
    ],
    [
      'a token without its owner',
      (store) => put(store, ['token', 't'], { role: 'agent', id: 'tab_x', hash: '' }),
      /^token\["t"\]/,
    ],
    [
      'a token of a retired agent',
      (store) => put(store, ['token', 'lookup-c'], { role: 'agent', id: 'tab_c', hash: '' }),
      /^token\["lookup-c"\]/,
    ],
    [
      'a second token of an owner',
      (store) => put(store, ['token', 't'], { role: 'operator', id: 'op-1', hash: '' }),
      /^token\["t"\] .*another/,
    ],
    ['an agent without token', (store) => remove(store, ['token', 'lookup-a']), /^agent\["tab_a"\] .*token/],
    ['an operator without token', (store) => remove(store, ['token', 'lookup-op-2']), /^operator\["op-2"\] .*token/],
    ['an agent that the registry lost', (store) => remove(store, ['registry', 'a']), /^agent\["tab_a"\] .*registry/],
    [
      'an agent that its operator lost',
      (store) => remove(store, ['owned', 'op-1', 'a']),
      /^agent\["tab_a"\] .*operator/,
    ],
    ['a registry entry without agent', (store) => remove(store, ['agent', 'tab_b']), /^registry\["b"\]/],
    [
      'a listing without agent',
      (store) => put(store, ['owned', 'op-2', 'z'], { address: 'tab_c', registeredAt: 1 }),
      /^owned\["op-2","z"\]/,
    ],
    [
      'a listing under another operator',
      (store) => put(store, ['owned', 'op-2', 'a'], entryOf(store, 'a')),
      /^owned\["op-2","a"\] .*agree/,
    ],
    ['a challenge without operator', (store) => put(store, ['challenge', 'op-9', 'x'], {}), /^challenge\["op-9","x"\]/],
    [
      'a value of another size',
      (store) => put(store, ['state', 'k'], { value: '€', bytes: 1 }),
      /^state\["k"\] .*size/,
    ],
    ['a table that nobody knows', (store) => put(store, ['other', 1], 1), /^other\[1\] no such table/],
    ['a value of another shape', (store) => put(store, ['operator', 'op-1'], null), /^operator\["op-1"\] the value/],
    [
      'bytes that are no value',
      (store) => store.commit((batch) => batch.put(encodeKey(['state', 'k']), Uint8Array.of(0xc1))),
      /^state\["k"\] the value/,
    ],
    [
      'a key that cannot be decoded',
      (store) => store.commit((batch) => batch.put(Uint8Array.of(0xfe, 1), Uint8Array.of(1))),
      /^fe01 the key/,
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

test('keeps the first findings and counts all, over many pages (U3)', () => {
  const store = new MemoryStore();
  store.commit((batch) => {
    for (let i = 0; i < FINDINGS_MAX * 2 + 5; i++) batch.put(encodeKey(['lost', i]), encodeValue(i));
  });
  const { findings, findingsTotal, rows } = auditTables(store);
  assert.equal(findings.length, FINDINGS_MAX);
  assert.equal(findingsTotal, FINDINGS_MAX * 2 + 5);
  assert.equal(rows.lost, FINDINGS_MAX * 2 + 5);
  assert.equal(findings[0]?.key, '[0]');
});

test('finds nothing in an empty store', () => {
  assert.deepEqual(auditTables(storeOf(new World())).findings, []);
});

function meta(store: MemoryStore, name: string, value: number): void {
  store.commit((batch) => writeMetaNumber(batch, [name], value));
}

function counter(store: MemoryStore, name: string, value: number): void {
  store.commit((batch) => writeMetaNumber(batch, ['counter', name], value));
}

function row(seq: number) {
  return { messageId: `m${seq - 1}`, from: 'tab_sender', content: 'éééé', at: 1, bytes: 8 };
}

function entryOf(store: MemoryStore, order: string): unknown {
  return decodeValue(store.get(encodeKey(['registry', order]))!);
}

function lastEvent(store: MemoryStore): number {
  return auditTables(store).rows.event ?? 0;
}
