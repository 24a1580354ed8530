// What the actors that hold contents do when an admin removes one.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { STATE_BYTES, STATE_KEYS } from '../../src/actors/state/protocol.js';
import { stateKind } from '../../src/actors/state/state.js';
import { contentHash, REDACTED } from '../../src/redaction.js';
import {
  ackUpTo,
  attach,
  deliver,
  LEASE,
  LEASE_MS,
  message,
  newAgent,
  pushed,
  taken,
  taking,
} from './agent/agent-fixture.js';
import { World } from './turn-double.js';

const order = (id: string) => ({ id, reason: 'why', by: 'admin' });
const HASH = contentHash('x');
const removing = (messageId: string, seq: number | null, id = 'r1') => ({
  messageId,
  seq,
  contentHash: HASH,
  order: order(id),
});

describe('a message that is removed', () => {
  test('keeps its place and its share of the bounds, and is told by one event with its record (RV1, RM1)', () => {
    const { world, agent } = newAgent();
    deliver(agent, 'm1', 'm2', 'm3');
    const before = world.row(['inbox_head', 'tab_a']);
    const removal = agent.answer('remove', removing('m2', 2));
    const target = { kind: 'message', id: 'm2' } as const;
    assert.deepEqual(removal, { id: 'r1', target, reason: 'why', by: 'admin', at: world.now, contentHash: HASH });
    assert.deepEqual(world.row(['inbox_head', 'tab_a']), before);
    const { bytes } = world.row(['inbox', 'tab_a', 1]) as { bytes: number };
    const row = { ...message('m2'), bytes, content: REDACTED, redacted: true };
    assert.deepEqual(world.row(['inbox', 'tab_a', 2]), row);
    assert.deepEqual(world.row(['removal_due', 'r1']), target);
    assert.equal(world.row(['removal_of', 'message', 'm2', 'r1']), world.now);
    assert.deepEqual(world.events.at(-1), {
      type: 'content_removed',
      agent: null,
      data: { removal_id: 'r1', message_id: 'm2', reason: 'why', content_hash: HASH, performed_by: 'admin' },
    });
    const { messages } = agent.answer('take', taking());
    assert.deepEqual(
      messages.map(({ content, redacted }) => [content, redacted]),
      [
        ['content of m1', undefined],
        [REDACTED, true],
        ['content of m3', undefined],
      ],
    );
  });

  test('once more is answered with the record of the first time, wherever it is by then (RV2)', () => {
    const { world, agent } = newAgent();
    deliver(agent, 'm1');
    const first = agent.answer('remove', removing('m1', 1));
    assert.deepEqual(agent.answer('remove', removing('m1', 1, 'r2')), first);
    taken(agent);
    world.kill();
    assert.deepEqual(agent.answer('remove', removing('m1', null, 'r3')), first);
    assert.equal(world.events.filter(({ type }) => type === 'content_removed').length, 1);
  });

  test('stays so under a lease, when that is over, and after a crash', () => {
    const { world, agent } = newAgent();
    deliver(agent, 'm1');
    taken(agent, { mode: LEASE });
    agent.answer('remove', removing('m1', 1));
    world.kill();
    world.advance(LEASE_MS);
    const { messages } = agent.answer('take', taking({ mode: LEASE }));
    assert.deepEqual(
      messages.map(({ content }) => content),
      [REDACTED],
    );
    assert.deepEqual(agent.answer('ack', { messageIds: ['m1'] }), { acked: 1, unknown: [] });
    assert.deepEqual(world.row(['inbox_head', 'tab_a']), { nextSeq: 2, count: 0, bytes: 0 });
  });

  test('is pushed without its content, and again so to a session that comes back', () => {
    const { agent } = newAgent();
    deliver(agent, 'm1', 'm2', 'm3');
    const session = attach(agent, { window: 1 });
    agent.answer('remove', removing('m1', 1));
    agent.answer('remove', removing('m2', 2, 'r2'));
    ackUpTo(agent, 1);
    const contents = (one: typeof session) =>
      one.items.flatMap((item) => (item.kind === 'messages' ? item.messages.map(({ content }) => content) : []));
    assert.deepEqual(contents(session), ['content of m1', REDACTED], 'the first had left before');
    const again = attach(agent, { session: 's2' });
    assert.deepEqual(pushed(again), ['2 again', '3']);
    assert.deepEqual(contents(again), [REDACTED, 'content of m3']);
  });

  test('of an inbox that is emptied, or of nobody, has its record all the same; another in its place stays', () => {
    const { world, agent } = newAgent();
    deliver(agent, 'm1', 'm2');
    assert.equal(agent.answer('remove', removing('gone', 2)).target.id, 'gone');
    assert.equal((world.row(['inbox', 'tab_a', 2]) as { content: string }).content, 'content of m2');
    agent.answer('retire', { operatorId: 'op-1' });
    agent.answer('remove', removing('m1', 1, 'r2'));
    while (agent.runTold());
    assert.deepEqual(world.table('inbox'), []);
    agent.answer('remove', removing('m2', null, 'r3'));
    assert.equal(world.table('removal').length, 3);
  });
});

describe('a value that is removed', () => {
  function partition() {
    const world = new World();
    const state = world.actor(stateKind({ capacityBytes: 100 }), '0');
    const put = (value: string) => state.answer('put', { key: 'k', value, by: 'tab_a', condition: null });
    const remove = (loggedHash: string | null, id = 'r1') =>
      state.answer('remove', { key: 'k', loggedHash, order: order(id) });
    return { world, state, put, remove };
  }

  test('leaves its key, its writer and its time, and takes no room any more (T1, T6)', () => {
    const { world, state, put, remove } = partition();
    const { etag, at } = put('x');
    const { removal, isNew } = remove(null);
    assert.equal(isNew, true);
    assert.deepEqual([removal?.contentHash, removal?.target], [HASH, { kind: 'key', id: 'k' }]);
    const entry = state.answer('get', { key: 'k' });
    assert.deepEqual({ ...entry, etag: '' }, { key: 'k', value: REDACTED, etag: '', by: 'tab_a', at, redacted: true });
    assert.notEqual(entry.etag, etag);
    assert.deepEqual([world.counter(STATE_BYTES), world.counter(STATE_KEYS)], [1, 1]);
    assert.equal(world.events.at(-1)?.type, 'content_removed');
    put('yy');
    assert.equal(state.answer('get', { key: 'k' }).redacted, undefined);
    assert.equal(world.counter(STATE_BYTES), 3);
    state.answer('delete', { key: 'k', by: 'tab_a', condition: null });
    assert.deepEqual([world.counter(STATE_BYTES), world.counter(STATE_KEYS)], [0, 0]);
  });

  test('is told to who watches the key, with the etag that it has now (T5)', () => {
    const { world, state, put, remove } = partition();
    put('x');
    const following = state.open('follow', { prefixes: ['k'] });
    remove(null);
    const { etag } = state.answer('get', { key: 'k' });
    assert.deepEqual(following.items, [
      { kind: 'following' },
      { kind: 'change', change: { key: 'k', etag, by: 'admin', at: world.now } },
    ]);
  });

  test('is removed once, and again when there is another, here or in the log', () => {
    const { world, state, put, remove } = partition();
    assert.deepEqual(remove(null), { removal: null, isNew: false });
    put('x');
    const first = remove(null);
    assert.deepEqual(remove(null, 'r2'), { ...first, isNew: false });
    put('y');
    assert.deepEqual(remove(null, 'r3').removal?.contentHash, contentHash('y'));
    put('z');
    state.answer('delete', { key: 'k', by: 'tab_a', condition: null });
    assert.deepEqual(remove(null, 'r4').removal?.id, 'r3');
    const last = remove(contentHash('z'), 'r5');
    assert.deepEqual([last.isNew, last.removal?.id], [true, 'r5']);
    assert.deepEqual(remove(null, 'r6'), { removal: last.removal, isNew: false });
    assert.equal(world.table('removal').length, 3);
    assert.equal(world.table('state').length, 0, 'a key that is not there does not come back');
  });
});
