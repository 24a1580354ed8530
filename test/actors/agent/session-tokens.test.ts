// Sessions that end with their token, and acknowledgements of more than one turn takes out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attach, deliver, LOOKUP_ID, newAgent, pushed } from './agent-fixture.js';

test('a token that is changed ends it, and only the new one attaches', () => {
  const { agent } = newAgent();
  const session = attach(agent);
  agent.answer('rotateToken', {
    operatorId: 'op-1',
    credential: { lookupId: 'lookup-b', tokenHash: 'hash-b' },
    sealed: null,
  });
  assert.ok(session.outcome !== 'lost' && session.outcome?.kind === 'refused');
  assert.equal(session.outcome.code, 'FORBIDDEN');
  deliver(agent, 'm1');
  assert.deepEqual(pushed(session), []);
  const again = { session: 's2', lookupId: LOOKUP_ID, lastSeq: null, window: 1 };
  assert.equal(agent.refusal('attach', again), 'FORBIDDEN');
  assert.deepEqual(pushed(attach(agent, { lookupId: 'lookup-b' })), ['1']);
});

test('what was claimed leaves some at a time, behind one acknowledgement', () => {
  const { world, agent } = newAgent();
  const count = 2_500;
  for (let n = 1; n <= count; n++) deliver(agent, `m${n}`);
  const first = attach(agent, { window: 1_024 });
  for (let seq = 1_024; seq < count; seq += 1_024) {
    agent.answer('detach', { session: 's1' });
    attach(agent, { lastSeq: seq, window: 1_024 });
  }
  attach(agent, { session: 's9', lastSeq: count, window: 1 });
  assert.ok(first.outcome !== undefined);
  agent.answer('ackUpTo', { session: 's9', seq: count });
  assert.equal(world.table('inbox').length, count - 1_024, 'a turn takes out so many');
  while (agent.runTold());
  assert.equal(world.table('inbox').length, 0);
});
