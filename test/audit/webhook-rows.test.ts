// What an audit holds the rows of webhooks to.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditTables } from '../../src/audit/audit.js';
import type { Key } from '../../src/runtime/actor.js';
import { encodeValue } from '../../src/runtime/codec.js';
import { eventRows } from '../../src/runtime/event-blocks.js';
import { encodeKey } from '../../src/runtime/storage/keys.js';
import { MemoryStore } from '../../src/runtime/storage/memory-store.js';
import { writeMetaNumber } from '../../src/runtime/storage/meta.js';
import { agentOf, message } from '../actors/agent/agent-fixture.js';
import { newOperator, register } from '../actors/operator/operator-fixture.js';

const WEBHOOK = { url: 'https://example.org/hook', secret: 'whsec_AAAA' };

/** Two agents with webhooks, of which one gave up a message and is left alone. */
function hooked(): MemoryStore {
  const { world, operator } = newOperator();
  const [first, second] = ['a', 'b'].map((name) => agentOf(world, register(operator, name)));
  for (const agent of [first!, second!]) {
    agent.answer('deliver', message('before'));
    agent.answer('setWebhook', { operatorId: 'op-1', webhook: WEBHOOK, sealed: null });
    for (const id of ['m1', 'm2']) agent.answer('deliver', message(id));
  }
  first!.answer('settle', {
    outcomes: [
      { id: 2, kind: 'failed' },
      { id: 3, kind: 'delivered' },
    ],
    openUntil: null,
  });
  const store = new MemoryStore();
  store.commit((batch) => {
    const put = (key: Key, value: unknown): void => batch.put(encodeKey(key), encodeValue(value));
    for (const { key, value } of world.rows) put(key, value);
    put(['circuit', 'tab_a'], { failures: 5, openUntil: 1 });
    put(['reminder', 'agent', 'tab_b', 'owed'], [9, 'owedAgain', new Uint8Array()]);
    put(['reminder_due', 9, 'agent', 'tab_b', 'owed'], null);
    writeMetaNumber(batch, ['schema'], 1);
    writeMetaNumber(batch, ['counter', 'open_circuits'], 1);
    world.events.forEach(({ type, agent, data }, i) => {
      const [row] = eventRows(i + 1, [encodeValue([world.now, type, agent, data])]);
      batch.put(encodeKey(row!.key), row!.value);
    });
    writeMetaNumber(batch, ['seq'], world.events.length);
    for (const name of ['operators', 'agents']) writeMetaNumber(batch, ['counter', name], world.counter(name));
  });
  return store;
}

function problems(store: MemoryStore): string[] {
  return auditTables(store).findings.map(({ table, key, problem }) => `${table}${key} ${problem}`);
}

test('finds nothing in what agents and endpoints leave behind', () => {
  const store = hooked();
  assert.deepEqual(problems(store), []);
  const { rows } = auditTables(store);
  assert.deepEqual([rows.webhook, rows.given_up, rows.circuit, rows.inbox], [2, 1, 1, 5]);
});

const faults: readonly [what: string, key: Key, value: unknown, found: RegExp][] = [
  ['a webhook of nobody', ['webhook', 'tab_x'], { ...WEBHOOK, from: 1 }, /^webhook\["tab_x"\] .*not live/],
  ['a webhook without a URL', ['webhook', 'tab_a'], { ...WEBHOOK, url: '', from: 1 }, /^webhook\["tab_a"\] its URL/],
  ['a webhook without a secret', ['webhook', 'tab_a'], { ...WEBHOOK, secret: 's', from: 1 }, /its secret/],
  ['a webhook from ahead', ['webhook', 'tab_a'], { ...WEBHOOK, from: 5 }, /^webhook\["tab_a"\] .*next seq/],
  ['a webhook that is missing', ['webhook', 'tab_a'], undefined, /^agent\["tab_a"\] it has no webhook/],
  ['a message given up that is not there', ['given_up', 'tab_a', 9], null, /^given_up\["tab_a",9\] .*not in the inbox/],
  ['a circuit that nothing failed in', ['circuit', 'tab_b'], { failures: 0, openUntil: null }, /^circuit\["tab_b"\]/],
  ['a count of circuits that is off', ['circuit', 'tab_a'], undefined, /"open_circuits"\] it is 1; a recount gives 0/],
  ['a reminder that is never due', ['reminder_due', 9, 'agent', 'tab_b', 'owed'], undefined, /^reminder\[.*due/],
  ['a time without a reminder', ['reminder', 'agent', 'tab_b', 'owed'], undefined, /^reminder_due\[.*no such reminder/],
];

for (const [what, key, value, found] of faults) {
  test(`names ${what}`, () => {
    const store = hooked();
    store.commit((batch) => {
      if (value === undefined) batch.delete(encodeKey(key));
      else batch.put(encodeKey(key), encodeValue(value));
    });
    assert.ok(
      problems(store).some((problem) => found.test(problem)),
      problems(store).join('\n'),
    );
  });
}
