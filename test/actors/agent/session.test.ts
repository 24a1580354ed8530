// What contracts say of an agent's session, sentence by sentence, as far as its actor keeps it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UNACKNOWLEDGED_BYTES_MAX } from '../../../src/actors/agent/session.js';
import {
  type AgentDouble,
  ackUpTo,
  agentOf,
  attach,
  deliver,
  eventTypes,
  first,
  idsOf,
  LEASE,
  LEASE_MS,
  LOOKUP_ID,
  message,
  newAgent,
  pushed,
  ROOMY,
  taken,
  taking,
} from './agent-fixture.js';

const UNTOUCHED = undefined;
const REPLACED = { kind: 'answered', value: null };

describe('a session', () => {
  test('is the live end of the inbox: what is there is pushed, and what comes, as it was sent', () => {
    const { world, agent } = newAgent();
    deliver(agent, 'm1', 'm2');
    const session = attach(agent);
    deliver(agent, 'm3');
    assert.deepEqual(first(session), { kind: 'attached', resumed: false, nextSeq: 1 });
    assert.deepEqual(session.items.slice(1), [
      {
        kind: 'messages',
        messages: [
          { seq: 1, redelivered: false, ...message('m1') },
          { seq: 2, redelivered: false, ...message('m2') },
        ],
      },
      { kind: 'messages', messages: [{ seq: 3, redelivered: false, ...message('m3') }] },
    ]);
    assert.equal(world.table('inbox').length, 3, 'nothing leaves before it is acknowledged');
    assert.equal(session.outcome, UNTOUCHED);
    assert.equal(agent.mayPassivate, false);
  });

  test('loses nothing when it is closed: all that is not acknowledged is available again, at its place (S5)', () => {
    const { world, agent } = newAgent();
    deliver(agent, 'm1', 'm2', 'm3');
    const session = attach(agent, { window: 2 });
    ackUpTo(agent, 1);
    agent.answer('detach', { session: 's1' });
    assert.deepEqual(session.outcome, REPLACED);
    assert.equal(agent.mayPassivate, true);
    assert.deepEqual(taken(agent), ['m2', 'm3']);
    assert.deepEqual(world.table('inbox'), []);
  });

  test('is told only of what is durable, and a crash before leaves no trace of it', () => {
    const { world, agent } = newAgent();
    deliver(agent, 'm1');
    world.holdCommits();
    const session = attach(agent);
    assert.deepEqual(session.items, []);
    world.kill();
    assert.equal(session.outcome, 'lost');
    assert.deepEqual(pushed(attach(agent)), ['1'], 'it was never pushed');
    world.kill();
    assert.deepEqual(pushed(attach(agent)), ['1 again']);
  });

  test('is refused to who is no agent, and to who tells', () => {
    const { world, agent } = newAgent();
    const args = { session: 's1', lookupId: LOOKUP_ID, lastSeq: null, window: 1 };
    assert.equal(agentOf(world, 'tab_unknown').refusal('attach', args), 'UNAUTHORIZED');
    agent.tell('attach', args);
    assert.equal(agent.mayPassivate, true);
  });
});

describe('hello', () => {
  test('with a last seq: everything after it that is not acknowledged is sent, and nothing else (S4)', () => {
    const { agent } = newAgent();
    deliver(agent, 'm1', 'm2', 'm3', 'm4');
    const session = attach(agent, { window: 2 });
    ackUpTo(agent, 1);
    assert.deepEqual(pushed(session), ['1', '2', '3']);
    const resumed = attach(agent, { session: 's2', lastSeq: 2 });
    assert.deepEqual(first(resumed), { kind: 'attached', resumed: true, nextSeq: 3 });
    assert.deepEqual(pushed(resumed), ['3 again', '4']);
    ackUpTo(agent, 4, 's2');
    assert.deepEqual(first(attach(agent, { lastSeq: 4 })), { kind: 'attached', resumed: true, nextSeq: 5 });
  });

  test('with a last seq that was never given begins anew: it counts in another history', () => {
    const { agent } = newAgent();
    deliver(agent, 'm1', 'm2', 'm3');
    assert.deepEqual(pushed(attach(agent, { window: 2 })), ['1', '2']);
    for (const lastSeq of [3, 4, 1_000]) {
      const session = attach(agent, { lastSeq, window: 2 });
      assert.deepEqual(first(session), { kind: 'attached', resumed: false, nextSeq: 1 });
      assert.deepEqual(pushed(session), ['1 again', '2 again']);
    }
  });

  test('says what the lowest seq is that can come, also when the inbox is empty or something is leased', () => {
    const { agent } = newAgent();
    assert.equal(first(attach(agent)).nextSeq, 1);
    agent.answer('detach', { session: 's1' });
    deliver(agent, 'm1', 'm2', 'm3');
    taken(agent, { limit: 1 });
    taken(agent, { limit: 1, mode: LEASE });
    assert.equal(first(attach(agent)).nextSeq, 2);
  });

  test('with a window: it is the most unacknowledged messages in flight (S3)', () => {
    const { agent } = newAgent();
    deliver(agent, 'm1', 'm2', 'm3', 'm4', 'm5', 'm6');
    const session = attach(agent, { window: 2 });
    assert.deepEqual(pushed(session), ['1', '2']);
    ackUpTo(agent, 1);
    assert.deepEqual(pushed(session), ['1', '2', '3']);
    ackUpTo(agent, 3);
    assert.deepEqual(pushed(session), ['1', '2', '3', '4', '5']);
  });

  test('does not count in the window what the client said that it has (H2)', () => {
    const { agent } = newAgent();
    deliver(agent, 'm1', 'm2', 'm3');
    attach(agent, { window: 2 });
    assert.deepEqual(pushed(attach(agent, { lastSeq: 2, window: 1 })), ['3']);
  });
});

describe('ack', () => {
  test('everything up to seq is done and leaves the inbox, each with one event', () => {
    const { world, agent } = newAgent();
    deliver(agent, 'm1', 'm2', 'm3');
    attach(agent);
    ackUpTo(agent, 2);
    ackUpTo(agent, 2);
    ackUpTo(agent, 1);
    assert.deepEqual(
      world.table('inbox').map(({ key }) => key[2]),
      [3],
    );
    const delivered = world.events.filter(({ type }) => type === 'message_delivered');
    assert.deepEqual(
      delivered.map(({ agent: about, data }) => [about, data]),
      ['m1', 'm2'].map((id) => ['tab_a', { message_id: id, to: 'tab_a', delivery_method: 'session' }]),
    );
  });

  test('beyond what was pushed acknowledges what was pushed, and nothing that the client never had', () => {
    const { world, agent } = newAgent();
    deliver(agent, 'm1', 'm2', 'm3', 'm4');
    const session = attach(agent, { window: 1 });
    ackUpTo(agent, 1_000);
    assert.deepEqual(pushed(session), ['1', '2']);
    assert.equal(world.table('inbox').length, 3);
    agent.answer('detach', { session: 's1' });
    taken(agent, { limit: 1 });
    taken(agent, { limit: 1, mode: LEASE });
    attach(agent, { lastSeq: 2 });
    ackUpTo(agent, 1_000);
    assert.equal(world.table('lease').length, 1, 'somebody else has it');
    assert.equal(world.table('inbox').length, 2);
  });

  test('takes what the client said that it has out of the inbox, leased to somebody else or not', () => {
    const { world, agent } = newAgent();
    deliver(agent, 'm1', 'm2', 'm3');
    attach(agent);
    agent.answer('detach', { session: 's1' });
    taken(agent, { limit: 1, mode: LEASE });
    attach(agent, { lastSeq: 3 });
    ackUpTo(agent, 2);
    assert.deepEqual(eventTypes(world).slice(3), ['message_delivered', 'message_delivered']);
    assert.equal(world.table('inbox').length, 1);
    assert.deepEqual(world.table('lease'), []);
    ackUpTo(agent, 3);
    assert.deepEqual(world.table('inbox'), []);
  });

  test('takes out what comes back from a lease in the same turn too; to others it is not available before', () => {
    const { world, agent } = newAgent();
    deliver(agent, 'm1');
    attach(agent);
    agent.answer('detach', { session: 's1' });
    taken(agent, { limit: 1, mode: LEASE });
    attach(agent, { lastSeq: 1 });
    // The lease is over, and its timer is late.
    world.now += LEASE_MS;
    ackUpTo(agent, 1);
    assert.deepEqual(world.table('inbox'), []);
    assert.deepEqual(world.table('lease'), []);
  });

  test('of a session that is not the live one is ignored', () => {
    const { world, agent } = newAgent();
    deliver(agent, 'm1');
    attach(agent, { session: 'old' });
    attach(agent);
    ackUpTo(agent, 1, 'old');
    ackUpTo(agent, 1, 'other');
    assert.equal(world.table('inbox').length, 1);
  });
});

describe('message', () => {
  test('seq grows by one per agent, without gaps, over sessions and crashes', () => {
    const { world, agent } = newAgent();
    const seqs: string[] = [];
    for (const round of ['a', 'b', 'c']) {
      const session = attach(agent, { session: round });
      deliver(agent, `${round}1`, `${round}2`);
      seqs.push(...pushed(session));
      ackUpTo(agent, 1_000, round);
      if (round === 'b') world.kill();
    }
    assert.deepEqual(seqs, ['1', '2', '3', '4', '5', '6']);
  });

  test('redelivered tells a repeat, after a crash too', () => {
    const { world, agent } = newAgent();
    deliver(agent, 'm1', 'm2', 'm3');
    attach(agent, { window: 2 });
    assert.deepEqual(pushed(attach(agent)), ['1 again', '2 again', '3']);
    world.kill();
    deliver(agent, 'm4');
    assert.deepEqual(pushed(attach(agent)), ['1 again', '2 again', '3 again', '4']);
  });

  test('comes at least once until it is acknowledged, and exactly once to a client that remembers its last one', () => {
    const { world, agent } = newAgent();
    const had: number[] = [];
    for (let round = 0; round < 6; round++) {
      deliver(agent, `m${round}a`, `m${round}b`);
      const session = attach(agent, { session: `s${round}`, lastSeq: had.at(-1) ?? 0, window: 3 });
      had.push(...pushed(session).map(Number));
      if (round % 3 === 1) ackUpTo(agent, had.at(-1)!, `s${round}`);
      if (round % 3 === 2) world.kill();
      else agent.answer('detach', { session: `s${round}` });
    }
    assert.deepEqual(had, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });
});

describe('the newest session of an agent', () => {
  test('wins: the stream of the older ends, without a fault', () => {
    const { agent } = newAgent();
    deliver(agent, 'm1');
    const older = attach(agent, { session: 'older' });
    const newer = attach(agent, { session: 'newer' });
    deliver(agent, 'm2');
    assert.deepEqual(older.outcome, REPLACED);
    assert.deepEqual(pushed(older), ['1']);
    assert.equal(newer.outcome, UNTOUCHED);
    assert.deepEqual(pushed(newer), ['1 again', '2']);
  });

  test('is not ended by the older one that goes, nor by the same name again that is told of twice', () => {
    const { agent } = newAgent();
    attach(agent, { session: 'older' });
    const newer = attach(agent, { session: 'newer' });
    agent.answer('detach', { session: 'older' });
    deliver(agent, 'm1');
    assert.equal(newer.outcome, UNTOUCHED);
    assert.deepEqual(pushed(newer), ['1']);
    const again = attach(agent, { session: 'newer' });
    assert.deepEqual(newer.outcome, REPLACED);
    assert.deepEqual(pushed(again), ['1 again']);
  });

  test('wins over one whose reader left without a word', () => {
    const { agent } = newAgent();
    const older = attach(agent, { session: 'older' });
    older.isRead = false;
    deliver(agent, 'm1');
    assert.deepEqual(pushed(attach(agent)), ['1 again'], 'it may have been seen');
    assert.deepEqual(pushed(older), []);
  });
});

describe('a slow reader', () => {
  const half = 'x'.repeat(UNACKNOWLEDGED_BYTES_MAX / 2);
  const send = (agent: AgentDouble, id: string, content: string) => agent.answer('deliver', message(id, content));

  test('is pushed to within 1 MiB of contents, and the rest waits in the inbox (S3)', () => {
    const { agent } = newAgent();
    const session = attach(agent);
    for (const id of ['m1', 'm2', 'm3', 'm4']) send(agent, id, half);
    assert.deepEqual(pushed(session), ['1', '2']);
    ackUpTo(agent, 1);
    assert.deepEqual(pushed(session), ['1', '2', '3']);
    ackUpTo(agent, 2);
    assert.deepEqual(pushed(session), ['1', '2', '3', '4']);
  });

  test('gets a message of more than that alone, and in its turn', () => {
    const { agent } = newAgent();
    send(agent, 'm1', 'small');
    send(agent, 'm2', half.repeat(3));
    send(agent, 'm3', 'small');
    const session = attach(agent);
    assert.deepEqual(pushed(session), ['1']);
    ackUpTo(agent, 1);
    assert.deepEqual(pushed(session), ['1', '2']);
    ackUpTo(agent, 2);
    assert.deepEqual(pushed(session), ['1', '2', '3']);
  });

  test('costs the inbox its bounds: what is held is not dropped, and a new message is refused', () => {
    const { world, agent } = newAgent({ ...ROOMY, messagesMax: 3, overflow: 'drop_oldest' });
    deliver(agent, 'm1', 'm2', 'm3');
    const session = attach(agent, { window: 2 });
    deliver(agent, 'm4');
    assert.equal(world.events.at(-1)!.type, 'message_sent');
    assert.equal(eventTypes(world).filter((type) => type === 'message_dropped').length, 1);
    ackUpTo(agent, 2);
    assert.deepEqual(pushed(session), ['1', '2', '4']);
    attach(agent, { lastSeq: 4 });
    deliver(agent, 'm5', 'm6');
    assert.equal(agent.refusal('deliver', message('m7')), 'INBOX_FULL');
  });
});

describe('beside a live session', () => {
  test('takes get nothing, wait, and are served when it is gone, in the order they came (S1, K3)', () => {
    const { agent } = newAgent();
    const session = attach(agent, { window: 1 });
    deliver(agent, 'm1', 'm2', 'm3');
    assert.deepEqual(taken(agent), []);
    const asks = ['w1', 'w2'].map((waiter) => agent.open('take', taking({ waiter, waitMs: 1_000, limit: 2 })));
    deliver(agent, 'm4');
    assert.deepEqual(
      asks.map(({ outcome }) => outcome),
      [UNTOUCHED, UNTOUCHED],
    );
    agent.answer('detach', { session: 's1' });
    const ids = asks.map(({ outcome }) => {
      assert.ok(outcome !== 'lost' && outcome?.kind === 'answered');
      return idsOf(outcome.value);
    });
    assert.deepEqual(ids, [
      ['m1', 'm2'],
      ['m3', 'm4'],
    ]);
    assert.deepEqual(pushed(session), ['1']);
    assert.deepEqual(agent.timers, []);
  });

  test('what is leased holds back all after it, until it is acknowledged or comes back (S2)', () => {
    const { world, agent } = newAgent();
    deliver(agent, 'm1', 'm2', 'm3', 'm4');
    taken(agent, { limit: 1 });
    taken(agent, { limit: 1, mode: LEASE });
    taken(agent, { limit: 1, mode: { kind: 'lease', leaseMs: LEASE_MS * 2 } });
    const session = attach(agent);
    assert.deepEqual(pushed(session), []);
    world.advance(LEASE_MS);
    assert.deepEqual(pushed(session), ['2']);
    agent.answer('ack', { messageIds: ['m3'] });
    assert.deepEqual(pushed(session), ['2', '4']);
    assert.deepEqual(agent.timers, [], 'no timer is left');
  });
});

test('an agent that is retired ends its session with UNAUTHORIZED, and keeps nothing', () => {
  const { world, agent } = newAgent();
  deliver(agent, 'm1', 'm2');
  const session = attach(agent, { window: 1 });
  const ask = agent.open('take', taking({ waitMs: 1_000 }));
  agent.answer('retire', { operatorId: 'op-1' });
  const refused = { kind: 'refused', code: 'UNAUTHORIZED', params: { who: 'agent' } };
  assert.deepEqual(session.outcome, refused);
  assert.deepEqual(ask.outcome, refused);
  assert.equal(
    agent.refusal('attach', { session: 's2', lookupId: LOOKUP_ID, lastSeq: null, window: 1 }),
    'UNAUTHORIZED',
  );
  agent.answer('detach', { session: 's1' });
  ackUpTo(agent, 1);
  while (agent.runTold());
  assert.deepEqual(world.table('inbox'), []);
  assert.deepEqual(agent.timers, []);
  assert.equal(agent.mayPassivate, true);
});
