import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WAITERS_MAX } from '../../../src/actors/agent/taking.js';
import {
  type AgentDouble,
  eventTypes,
  idsOf,
  LEASE,
  LEASE_MS,
  message,
  newAgent,
  taken,
  taking,
} from './agent-fixture.js';

const WAIT_MS = 30_000;

function waiting(agent: AgentDouble, waiter: string, over: Parameters<typeof taking>[0] = {}) {
  return agent.open('take', taking({ waiter, waitMs: WAIT_MS, ...over }));
}

/** The ids that an open ask was answered with; undefined while it waits. */
function answered(ask: ReturnType<typeof waiting>): string[] | undefined {
  if (ask.outcome === undefined) return undefined;
  assert.ok(ask.outcome !== 'lost' && ask.outcome.kind === 'answered', JSON.stringify(ask.outcome));
  return idsOf(ask.outcome.value);
}

describe('a lease', () => {
  test('hides a message from others until it is acknowledged, which delivers it (K1, K2)', () => {
    const { world, agent } = newAgent();
    for (const id of ['m1', 'm2', 'm3']) agent.answer('deliver', message(id));
    const page = agent.answer('take', taking({ limit: 2, mode: LEASE }));
    assert.deepEqual(idsOf(page), ['m1', 'm2']);
    assert.equal(page.remaining, 1);
    assert.deepEqual(taken(agent, { mode: LEASE }), ['m3']);
    assert.equal(eventTypes(world).length, 3, 'nothing was delivered yet');
    assert.deepEqual(agent.answer('ack', { messageIds: ['m2', 'm1', 'm2', 'other'] }), {
      acked: 2,
      unknown: ['m2', 'other'],
    });
    assert.deepEqual(eventTypes(world).slice(3), ['message_delivered', 'message_delivered']);
    assert.equal(world.table('inbox').length, 1);
    assert.equal(world.table('lease').length, 1);
  });

  test('that runs out brings the message back at its old place (K2, I2)', () => {
    const { world, agent } = newAgent();
    for (const id of ['m1', 'm2', 'm3', 'm4']) agent.answer('deliver', message(id));
    taken(agent, { limit: 1, mode: LEASE });
    taken(agent, { limit: 1, mode: { kind: 'lease', leaseMs: LEASE_MS * 2 } });
    world.advance(LEASE_MS - 1);
    assert.deepEqual(taken(agent, { limit: 1 }), ['m3']);
    world.advance(1);
    assert.deepEqual(taken(agent, { limit: 1 }), ['m1']);
    assert.deepEqual(agent.answer('ack', { messageIds: ['m1'] }), { acked: 0, unknown: ['m1'] });
    world.advance(LEASE_MS);
    assert.deepEqual(taken(agent), ['m2', 'm4']);
    assert.deepEqual(world.table('lease'), []);
  });

  test('holds across a restart, and runs out while nobody is in memory (A3)', () => {
    const { world, agent } = newAgent();
    for (const id of ['m1', 'm2']) agent.answer('deliver', message(id));
    taken(agent, { limit: 1, mode: LEASE });
    world.kill();
    assert.deepEqual(taken(agent, { limit: 1, mode: LEASE }), ['m2']);
    world.kill();
    assert.deepEqual(agent.answer('ack', { messageIds: ['m2'] }), { acked: 1, unknown: [] });
    world.kill();
    world.advance(LEASE_MS);
    assert.deepEqual(agent.answer('ack', { messageIds: ['m1'] }), { acked: 0, unknown: ['m1'] });
    assert.deepEqual(taken(agent), ['m1']);
  });

  test('counts towards the bounds of the inbox', () => {
    const { agent } = newAgent({ messagesMax: 1, bytesMax: 100, overflow: 'drop_oldest' });
    agent.answer('deliver', message('m1'));
    taken(agent, { mode: LEASE });
    assert.equal(agent.refusal('deliver', message('m2')), 'INBOX_FULL');
    agent.answer('ack', { messageIds: ['m1'] });
    agent.answer('deliver', message('m2'));
  });

  test('keeps nobody in memory and needs no timer while nobody waits', () => {
    const { agent } = newAgent();
    agent.answer('deliver', message('m1'));
    taken(agent, { mode: LEASE });
    assert.deepEqual(agent.timers, []);
    assert.equal(agent.mayPassivate, true);
  });
});

describe('a take that waits', () => {
  test('is answered in the turn of the delivery, whose row never stays behind (K3)', () => {
    const { world, agent } = newAgent();
    const ask = waiting(agent, 'w1');
    assert.equal(agent.mayPassivate, false);
    agent.answer('deliver', message('m1'));
    assert.deepEqual(answered(ask), ['m1']);
    assert.deepEqual(eventTypes(world), ['message_sent', 'message_delivered']);
    assert.deepEqual(world.table('inbox'), []);
    assert.deepEqual(world.row(['inbox_head', 'tab_a']), { nextSeq: 2, count: 0, bytes: 0 });
    assert.equal(agent.mayPassivate, true);
    assert.deepEqual(agent.timers, []);
  });

  test('is not answered before the delivery is durable, and dies with the process (G5)', () => {
    const { world, agent } = newAgent();
    const ask = waiting(agent, 'w1');
    world.holdCommits();
    agent.answer('deliver', message('m1'));
    assert.equal(answered(ask), undefined);
    world.kill();
    assert.deepEqual(taken(agent), []);
    assert.equal(ask.outcome, undefined);
  });

  test('is served in the order of arrival, one message each (K3)', () => {
    const { agent } = newAgent();
    const asks = ['w1', 'w2'].map((waiter) => waiting(agent, waiter));
    agent.answer('deliver', message('m1'));
    assert.deepEqual(asks.map(answered), [['m1'], undefined]);
    agent.answer('deliver', message('m2'));
    assert.deepEqual(asks.map(answered), [['m1'], ['m2']]);
  });

  test('ends empty when its time is over (K4)', () => {
    const { world, agent } = newAgent();
    const ask = waiting(agent, 'w1');
    world.advance(WAIT_MS - 1);
    assert.equal(answered(ask), undefined);
    world.advance(1);
    assert.deepEqual(answered(ask), []);
    agent.answer('deliver', message('m1'));
    assert.deepEqual(taken(agent), ['m1']);
  });

  test('consumes nothing once its caller is gone (K4)', () => {
    const { agent } = newAgent();
    waiting(agent, 'w1');
    const second = waiting(agent, 'w2');
    agent.tell('cancelTake', { waiter: 'w1' });
    agent.tell('cancelTake', { waiter: 'unknown' });
    agent.answer('deliver', message('m1'));
    assert.deepEqual(answered(second), ['m1']);
    assert.deepEqual(agent.timers, []);
  });

  test('gets a lease when it asked for one', () => {
    const { world, agent } = newAgent();
    const ask = waiting(agent, 'w1', { mode: LEASE });
    agent.answer('deliver', message('m1'));
    assert.deepEqual(answered(ask), ['m1']);
    assert.equal(world.table('lease').length, 1);
    assert.deepEqual(agent.answer('ack', { messageIds: ['m1'] }), { acked: 1, unknown: [] });
  });

  test('is answered when a lease runs out (K3)', () => {
    const { world, agent } = newAgent();
    for (const id of ['m1', 'm2']) agent.answer('deliver', message(id));
    taken(agent, { limit: 1, mode: { kind: 'lease', leaseMs: 9_000 } });
    taken(agent, { limit: 1, mode: { kind: 'lease', leaseMs: 5_000 } });
    agent.answer('ack', { messageIds: ['m2'] });
    const ask = waiting(agent, 'w1');
    world.advance(8_999);
    assert.equal(answered(ask), undefined);
    world.advance(1);
    assert.deepEqual(answered(ask), ['m1']);
    assert.deepEqual(agent.timers, []);
  });

  test('is answered too when the timer of the lease fired before the wall clock got there', () => {
    const { world, agent } = newAgent();
    agent.answer('deliver', message('m1'));
    taken(agent, { mode: { kind: 'lease', leaseMs: 5_000 } });
    const ask = waiting(agent, 'w1');
    agent.fire('lease');
    assert.equal(answered(ask), undefined);
    world.advance(5_000);
    assert.deepEqual(answered(ask), ['m1']);
  });

  test('and is leased a message may see it come back to the next in line', () => {
    const { world, agent } = newAgent();
    const asks = ['w1', 'w2'].map((waiter) => waiting(agent, waiter, { mode: { kind: 'lease', leaseMs: 1_000 } }));
    agent.answer('deliver', message('m1'));
    assert.deepEqual(asks.map(answered), [['m1'], undefined]);
    world.advance(1_000);
    assert.deepEqual(asks.map(answered), [['m1'], ['m1']]);
  });

  test('is refused when too many wait already, and takes the place of one of its own name (K5)', () => {
    const { agent } = newAgent();
    const asks = Array.from({ length: WAITERS_MAX }, (_, i) => waiting(agent, `w${i}`));
    assert.equal(agent.refusal('take', taking({ waiter: 'one more', waitMs: WAIT_MS })), 'RATE_LIMITED');
    const again = waiting(agent, 'w0');
    assert.deepEqual(answered(asks[0]!), []);
    assert.equal(answered(again), undefined);
  });

  test('that was told rather than asked waits for nobody', () => {
    const { agent } = newAgent();
    agent.tell('take', taking({ waitMs: WAIT_MS }));
    assert.deepEqual(agent.timers, []);
    assert.equal(agent.mayPassivate, true);
  });
});
