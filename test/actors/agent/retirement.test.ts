import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PURGE_ROWS } from '../../../src/actors/agent/retirement.js';
import { credential } from '../operator/operator-fixture.js';
import { LEASE, message, newAgent, taken, taking } from './agent-fixture.js';

describe('retiring', () => {
  test('removes token, listings and head with one event, and keeps the record (R2)', () => {
    const { world, operator, agent } = newAgent();
    agent.answer('deliver', message('m1'));
    const registeredAt = world.now;
    world.advance(1000);
    assert.deepEqual(agent.answer('retire', { operatorId: 'op-1' }), { revokedLookupId: 'lookup-a' });
    assert.equal(world.row(['token', 'lookup-a']), undefined);
    for (const table of ['owned', 'registry', 'inbox_head']) assert.deepEqual(world.table(table), [], table);
    assert.deepEqual(world.row(['agent', 'tab_a']), {
      operatorId: 'op-1',
      order: 'a',
      registeredAt,
      lookupId: 'lookup-a',
      retiredAt: world.now,
    });
    assert.equal(world.counter('agents'), 0);
    assert.deepEqual(world.events.at(-1), { type: 'agent_retired', agent: 'tab_a', data: { address: 'tab_a' } });
    assert.deepEqual(operator.answer('listAgents', { after: null, limit: 10 }).agents, []);
    const { challengeId } = operator.answer('challenge', null);
    const again = { address: 'tab_a', order: 'z', credential: credential('z'), sealed: null };
    assert.equal(operator.refusal('register', { challengeId, response: '', ...again }), 'CONFLICT');
  });

  test('is for its own operator only; to others there is no such agent (R1)', () => {
    const { world, agent } = newAgent();
    assert.equal(agent.refusal('retire', { operatorId: 'op-2' }), 'NOT_FOUND');
    assert.equal(world.counter('agents'), 1);
    agent.answer('retire', { operatorId: 'op-1' });
    assert.equal(agent.refusal('retire', { operatorId: 'op-1' }), 'NOT_FOUND');
    assert.equal(world.counter('agents'), 0);
  });

  test('ends everything at once, for those who wait too, and keeps nothing in memory (A4)', () => {
    const { world, agent } = newAgent();
    agent.answer('deliver', message('m1'));
    taken(agent, { mode: LEASE });
    const ask = agent.open('take', taking({ waitMs: 1000 }));
    agent.answer('retire', { operatorId: 'op-1' });
    assert.deepEqual(ask.outcome, { kind: 'refused', code: 'UNAUTHORIZED', params: { who: 'agent' } });
    assert.deepEqual(agent.timers, []);
    assert.equal(agent.residentBytes, 0);
    assert.equal(agent.mayPassivate, true);
    assert.equal(agent.refusal('deliver', message('m2')), 'NOT_FOUND');
    assert.equal(agent.refusal('take', taking()), 'UNAUTHORIZED');
    assert.equal(agent.refusal('profile', null), 'UNAUTHORIZED');
    world.kill();
    assert.equal(agent.refusal('deliver', message('m3')), 'NOT_FOUND');
  });

  test('empties the inbox in slices, leases too (R3)', () => {
    const { world, agent } = newAgent();
    const messages = PURGE_ROWS + 100;
    for (let i = 0; i < messages; i++) agent.answer('deliver', message(`m${i}`));
    taken(agent, { limit: 100, mode: LEASE });
    agent.answer('retire', { operatorId: 'op-1' });
    const sizes = [rows()];
    while (agent.runTold()) sizes.push(rows());
    assert.deepEqual(sizes, [messages + 100, 200, 0]);
    assert.equal(agent.refusal('deliver', message('x')), 'NOT_FOUND');
    assert.equal(agent.runTold(), false);

    function rows(): number {
      return world.table('inbox').length + world.table('lease').length;
    }
  });

  test('goes on emptying after a crash in between (R3)', () => {
    const { world, agent } = newAgent();
    for (let i = 0; i < PURGE_ROWS * 2 + 1; i++) agent.answer('deliver', message(`m${i}`));
    agent.answer('retire', { operatorId: 'op-1' });
    world.kill();
    assert.equal(agent.refusal('deliver', message('x')), 'NOT_FOUND');
    agent.runTold();
    world.kill();
    assert.equal(agent.refusal('deliver', message('x')), 'NOT_FOUND');
    assert.equal(agent.refusal('deliver', message('x')), 'NOT_FOUND');
    assert.equal(agent.told.length, 1, 'one purge at a time');
    while (agent.runTold());
    assert.deepEqual(world.table('inbox'), []);
    world.kill();
    assert.equal(agent.refusal('deliver', message('x')), 'NOT_FOUND');
    assert.equal(agent.told.length, 0);
  });

  test('of an empty inbox has nothing to empty', () => {
    const { agent } = newAgent();
    agent.answer('retire', { operatorId: 'op-1' });
    assert.equal(agent.told.length, 0);
  });

  test('a purge that reaches an agent which lives removes nothing', () => {
    const { world, agent } = newAgent();
    agent.answer('deliver', message('m1'));
    agent.tell('purge', null);
    assert.equal(world.table('inbox').length, 1);
  });
});

describe('rotating the token', () => {
  const args = { operatorId: 'op-1', credential: credential('new'), sealed: Uint8Array.of(7) };

  test('replaces the index entry, names the old one, and changes nothing else', () => {
    const { world, agent } = newAgent();
    agent.answer('deliver', message('m1'));
    const events = world.events.length;
    assert.deepEqual(agent.answer('rotateToken', args), { revokedLookupId: 'lookup-a', sealed: Uint8Array.of(7) });
    assert.equal(world.row(['token', 'lookup-a']), undefined);
    assert.deepEqual(world.row(['token', 'lookup-new']), { role: 'agent', id: 'tab_a', hash: 'hash-new' });
    assert.equal((world.row(['agent', 'tab_a']) as { lookupId: string }).lookupId, 'lookup-new');
    assert.equal(world.events.length, events);
    assert.deepEqual(taken(agent), ['m1']);
  });

  test('makes retirement revoke the new one, with and without a restart in between', () => {
    for (const restart of [false, true]) {
      const { world, agent } = newAgent();
      agent.answer('rotateToken', args);
      if (restart) world.kill();
      assert.deepEqual(agent.answer('retire', { operatorId: 'op-1' }), { revokedLookupId: 'lookup-new' });
      assert.equal(world.row(['token', 'lookup-new']), undefined);
    }
  });

  test('is for its own operator only (R1)', () => {
    const { world, agent } = newAgent();
    assert.equal(agent.refusal('rotateToken', { ...args, operatorId: 'op-2' }), 'NOT_FOUND');
    agent.answer('retire', { operatorId: 'op-1' });
    assert.equal(agent.refusal('rotateToken', args), 'NOT_FOUND');
    assert.equal(world.row(['token', 'lookup-new']), undefined);
  });
});
