import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CACHED_BYTES_MAX } from '../../../src/actors/agent/inbox.js';
import { ANSWER_BYTES_MAX } from '../../../src/actors/agent/taking.js';
import { newOperator, register } from '../operator/operator-fixture.js';
import { agentOf, CONSUME, eventTypes, idsOf, message, newAgent, ROOMY, taken, taking } from './agent-fixture.js';

describe('delivering', () => {
  test('puts row, head and one event into one commit (D1, A2)', () => {
    const { world, agent } = newAgent();
    world.holdCommits();
    assert.deepEqual(agent.answer('deliver', message('m1', 'hé')), { messageId: 'm1', at: 1 });
    assert.deepEqual(world.table('inbox'), []);
    world.commitHeld();
    const row = { messageId: 'm1', from: 'tab_sender', content: 'hé', at: 1, bytes: 3 };
    assert.deepEqual(world.row(['inbox', 'tab_a', 1]), row);
    assert.deepEqual(world.row(['inbox_head', 'tab_a']), { nextSeq: 2, count: 1, bytes: 3 });
    assert.deepEqual(world.events.at(-1), {
      type: 'message_sent',
      agent: 'tab_sender',
      data: { message_id: 'm1', from: 'tab_sender', to: 'tab_a', content: 'hé', content_length: 3 },
    });
    assert.equal(world.events.length, 3);
  });

  test('refuses an address that nobody has, which then keeps nothing (A4)', () => {
    const { world } = newAgent();
    const nobody = agentOf(world, 'tab_nobody');
    assert.equal(nobody.refusal('deliver', message('m1')), 'NOT_FOUND');
    assert.equal(nobody.refusal('take', taking({ waitMs: 1000 })), 'UNAUTHORIZED');
    assert.equal(nobody.refusal('ack', { messageIds: [] }), 'UNAUTHORIZED');
    assert.equal(nobody.refusal('profile', null), 'UNAUTHORIZED');
    assert.equal(nobody.refusal('listRegistry', { after: null, limit: 1 }), 'UNAUTHORIZED');
    assert.equal(nobody.refusal('retire', { operatorId: 'op-1' }), 'NOT_FOUND');
    nobody.tell('cancelTake', { waiter: 'w' });
    nobody.tell('purge', null);
    assert.equal(nobody.residentBytes, 0);
    assert.equal(nobody.mayPassivate, true);
    assert.deepEqual(nobody.timers, []);
    assert.deepEqual(world.table('inbox'), []);
    assert.deepEqual(eventTypes(world), []);
  });

  test('reaches an agent that was registered after its address had been tried', () => {
    const { world, operator } = newOperator();
    const agent = agentOf(world, 'tab_late');
    assert.equal(agent.refusal('deliver', message('m1')), 'NOT_FOUND');
    register(operator, 'late');
    agent.answer('deliver', message('m2'));
    assert.deepEqual(taken(agent), ['m2']);
  });
});

describe('the bounds of an inbox', () => {
  test('refuse the message that would be one too many (D2)', () => {
    const { world, agent } = newAgent({ ...ROOMY, messagesMax: 2 });
    agent.answer('deliver', message('m1'));
    agent.answer('deliver', message('m2'));
    assert.equal(agent.refusal('deliver', message('m3')), 'INBOX_FULL');
    assert.deepEqual(eventTypes(world), ['message_sent', 'message_sent']);
    assert.deepEqual(taken(agent, { limit: 1 }), ['m1']);
    agent.answer('deliver', message('m4'));
    assert.deepEqual(taken(agent), ['m2', 'm4']);
  });

  test('refuse the byte that would be one too many, counted in UTF-8 (D2)', () => {
    const { world, agent } = newAgent({ ...ROOMY, bytesMax: 10 });
    agent.answer('deliver', message('m1', '€€'));
    assert.equal(agent.refusal('deliver', message('m2', '€éx')), 'INBOX_FULL');
    agent.answer('deliver', message('m3', '€x'));
    assert.equal((world.row(['inbox_head', 'tab_a']) as { bytes: number }).bytes, 10);
    world.kill();
    assert.equal(agent.refusal('deliver', message('m4', 'x')), 'INBOX_FULL');
  });

  test('make the oldest give way under drop_oldest, with an event for each (D3)', () => {
    const { world, agent } = newAgent({ messagesMax: 3, bytesMax: 100, overflow: 'drop_oldest' });
    for (const id of ['m1', 'm2', 'm3', 'm4']) agent.answer('deliver', message(id, 'x'.repeat(30)));
    assert.deepEqual(world.events.at(-2), {
      type: 'message_dropped',
      agent: 'tab_a',
      data: { message_id: 'm1', to: 'tab_a', reason: 'inbox_full' },
    });
    agent.answer('deliver', message('m5', 'x'.repeat(60)));
    assert.deepEqual(taken(agent), ['m4', 'm5']);
    assert.equal(eventTypes(world).filter((type) => type === 'message_dropped').length, 3);
    assert.deepEqual(world.table('inbox'), []);
    assert.deepEqual(world.row(['inbox_head', 'tab_a']), { nextSeq: 6, count: 0, bytes: 0 });
  });

  test('drop nothing when dropping could not make room (D3)', () => {
    const { world, agent } = newAgent({ messagesMax: 3, bytesMax: 100, overflow: 'drop_oldest' });
    agent.answer('deliver', message('m1', 'x'.repeat(60)));
    agent.answer('deliver', message('m2', 'x'.repeat(30)));
    taken(agent, { limit: 1, mode: { kind: 'lease', leaseMs: 1000 } });
    assert.equal(agent.refusal('deliver', message('m3', 'x'.repeat(41))), 'INBOX_FULL');
    assert.equal(agent.refusal('deliver', message('m4', 'x'.repeat(101))), 'INBOX_FULL');
    assert.equal(world.table('inbox').length, 2);
    agent.answer('deliver', message('m5', 'x'.repeat(40)));
    assert.deepEqual(taken(agent), ['m5']);
    assert.deepEqual(agent.answer('ack', { messageIds: ['m1'] }), { acked: 1, unknown: [] });
  });
});

describe('taking', () => {
  test('consumes the oldest first, up to the limit, with one event each (A1, K1)', () => {
    const { world, agent } = newAgent();
    for (const id of ['m1', 'm2', 'm3']) agent.answer('deliver', message(id));
    const page = agent.answer('take', taking({ limit: 2 }));
    assert.deepEqual(page, { messages: [message('m1'), message('m2')], remaining: 1 });
    assert.deepEqual(world.events.at(-1), {
      type: 'message_delivered',
      agent: 'tab_a',
      data: { message_id: 'm2', to: 'tab_a', delivery_method: 'pull' },
    });
    assert.equal(eventTypes(world).length, 5);
    assert.equal(world.table('inbox').length, 1);
    assert.deepEqual(taken(agent), ['m3']);
    assert.deepEqual(agent.answer('take', taking()), { messages: [], remaining: 0 });
  });

  test('never gives a seq again, also after the inbox was empty at a restart (I3)', () => {
    const { world, agent } = newAgent();
    agent.answer('deliver', message('m1'));
    taken(agent);
    world.kill();
    agent.answer('deliver', message('m2'));
    assert.deepEqual(
      world.table('inbox').map(({ key }) => key[2]),
      [2],
    );
  });

  test('sees what is not durable yet, in order', () => {
    const { world, agent } = newAgent();
    agent.answer('deliver', message('m1'));
    world.holdCommits();
    for (let i = 2; i <= 6; i++) agent.answer('deliver', message(`m${i}`, 'x'.repeat(CACHED_BYTES_MAX / 3)));
    assert.deepEqual(taken(agent, { limit: 4 }), ['m1', 'm2', 'm3', 'm4']);
    world.commitHeld();
    assert.deepEqual(taken(agent), ['m5', 'm6']);
    assert.deepEqual(world.table('inbox'), []);
  });

  test('bounds the bytes of an answer, but hands over one message however large (K5)', () => {
    const { agent } = newAgent();
    const third = 'x'.repeat(Math.ceil(ANSWER_BYTES_MAX / 3) + 1);
    for (const id of ['m1', 'm2', 'm3']) agent.answer('deliver', message(id, third));
    agent.answer('deliver', message('m4', 'x'.repeat(ANSWER_BYTES_MAX + 1)));
    const page = agent.answer('take', taking());
    assert.deepEqual(idsOf(page), ['m1', 'm2']);
    assert.equal(page.remaining, 2);
    assert.deepEqual(taken(agent), ['m3']);
    assert.deepEqual(taken(agent), ['m4']);
  });

  test('keeps of a large inbox little more than its order in memory, and hands all of it over (I4)', () => {
    const { world, agent } = newAgent();
    const content = 'x'.repeat(4096);
    const ids = Array.from({ length: 3000 }, (_, i) => `m${i}`);
    for (const id of ids) agent.answer('deliver', message(id, content));
    assert.ok(agent.residentBytes < 2 * CACHED_BYTES_MAX + 3000 * 8 + 20_000, String(agent.residentBytes));
    const half = Array.from({ length: 15 }, () => taken(agent)).flat();
    world.kill();
    const rest = Array.from({ length: 15 }, () => taken(agent)).flat();
    assert.deepEqual([...half, ...rest], ids);
    assert.equal(world.counter('agents'), 1);
  });
});

describe('the registry', () => {
  test('is paged by any agent, oldest first, with the total of all', () => {
    const { world, operator, agent } = newAgent();
    for (const name of ['b', 'c']) register(operator, name);
    const first = agent.answer('listRegistry', { after: null, limit: 2 });
    assert.deepEqual(first, {
      agents: [
        { address: 'tab_a', registeredAt: world.now },
        { address: 'tab_b', registeredAt: world.now },
      ],
      next: 'b',
      total: 3,
    });
    const second = agent.answer('listRegistry', { after: first.next, limit: 2 });
    assert.deepEqual(
      second.agents.map(({ address }) => address),
      ['tab_c'],
    );
    assert.equal(second.next, null);
  });

  test('tells an agent who it is', () => {
    const { world, agent } = newAgent();
    const registeredAt = world.now;
    world.advance(1000);
    assert.deepEqual(agent.answer('profile', null), { address: 'tab_a', registeredAt });
  });
});

test('an actor whose rows contradict each other stops rather than answer wrongly', () => {
  const { world, agent } = newAgent();
  agent.answer('deliver', message('m1'));
  agent.crash();
  world.commit(
    {
      writes: [{ key: ['inbox_head', 'tab_a'], value: { nextSeq: 2, count: 5, bytes: 1 } }],
      counters: [],
      events: [],
      after: [],
    },
    () => {},
  );
  assert.throws(() => agent.ask('take', taking({ mode: CONSUME })), { name: 'Defect' });
});
