import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { STATE_BYTES, STATE_KEYS } from '../../../src/actors/state/protocol.js';
import { stateKind } from '../../../src/actors/state/state.js';
import { World } from '../turn-double.js';

const CAPACITY = 100;

function partition(capacityBytes = CAPACITY) {
  const world = new World();
  const state = world.actor(stateKind({ capacityBytes }), '0');
  const put = (key: string, value: string) => ({ key, value, by: 'tab_a', condition: null });
  return { world, state, put };
}

describe('writing', () => {
  test('stores the entry, counts its bytes in UTF-8 and emits one event (T1, T4)', () => {
    const { world, state, put } = partition();
    const { etag, at } = state.answer('put', put('clé', 'hé€'));
    assert.equal(at, world.now);
    assert.deepEqual(state.answer('get', { key: 'clé' }), { key: 'clé', value: 'hé€', etag, by: 'tab_a', at });
    assert.equal(world.counter(STATE_BYTES), 4 + 6);
    assert.equal(world.counter(STATE_KEYS), 1);
    assert.deepEqual(world.events, [
      {
        type: 'state_written',
        agent: 'tab_a',
        data: { key: 'clé', value: 'hé€', value_length: 6, written_by: 'tab_a' },
      },
    ]);
  });

  test('changes the etag with every write, also of the same value and after a delete (T3)', () => {
    const { world, state, put } = partition();
    const etags = new Set<string>();
    for (let i = 0; i < 5; i++) {
      etags.add(state.answer('put', put('k', 'same')).etag);
      if (i === 2) state.answer('delete', { key: 'k', by: 'tab_a', condition: null });
      if (i === 3) world.kill();
    }
    assert.equal(etags.size, 5);
  });

  test('sees its own write before it is durable, and loses it with the process (T1)', () => {
    const { world, state, put } = partition();
    state.answer('put', put('k', '12'));
    world.holdCommits();
    state.answer('put', put('k', '1234'));
    state.answer('put', put('k', '123'));
    assert.equal(state.answer('get', { key: 'k' }).value, '123');
    world.commitHeld();
    assert.equal(world.counter(STATE_BYTES), 4);
    world.holdCommits();
    state.answer('delete', { key: 'k', by: 'tab_a', condition: null });
    assert.equal(state.refusal('get', { key: 'k' }), 'NOT_FOUND');
    world.kill();
    assert.equal(state.answer('get', { key: 'k' }).value, '123');
    assert.equal(world.counter(STATE_BYTES), 4);
    assert.equal(world.counter(STATE_KEYS), 1);
  });
});

describe('capacity', () => {
  test('admits growth to the last byte and none past it (T2)', () => {
    const { world, state, put } = partition();
    state.answer('put', put('k', 'x'.repeat(CAPACITY - 1)));
    assert.equal(world.counter(STATE_BYTES), CAPACITY);
    assert.equal(state.refusal('put', put('k', 'x'.repeat(CAPACITY))), 'STORE_FULL');
    assert.equal(state.refusal('put', put('n', '')), 'STORE_FULL');
    assert.equal(world.counter(STATE_KEYS), 1);
    assert.equal(world.events.length, 1, 'a refused write is no event');
  });

  test('admits what does not grow when it is full, and even when it is past its capacity (T2)', () => {
    const { world, state, put } = partition();
    state.answer('put', put('k', 'x'.repeat(CAPACITY - 1)));
    state.answer('put', put('k', 'y'.repeat(CAPACITY - 1)));
    const lowered = world.actor(stateKind({ capacityBytes: 10 }), '1');
    lowered.answer('put', put('k', 'z'.repeat(CAPACITY - 1)));
    lowered.answer('put', put('k', 'z'.repeat(CAPACITY / 2)));
    assert.equal(world.counter(STATE_BYTES), CAPACITY / 2 + 1);
    assert.equal(lowered.refusal('put', put('k', 'z'.repeat(CAPACITY / 2 + 1))), 'STORE_FULL');
    lowered.answer('delete', { key: 'k', by: 'tab_a', condition: null });
    assert.equal(world.counter(STATE_BYTES), 0);
  });

  test('counts growth that is still in flight (T2)', () => {
    const { world, state, put } = partition();
    world.holdCommits();
    state.answer('put', put('a', 'x'.repeat(59)));
    assert.equal(state.refusal('put', put('b', 'x'.repeat(59))), 'STORE_FULL');
    world.commitHeld();
    assert.equal(world.counter(STATE_BYTES), 60);
  });
});

describe('compare-and-set', () => {
  test('writes only over the etag that was read, and tells the current one', () => {
    const { state, put } = partition();
    const { etag: first } = state.answer('put', put('k', '1'));
    const { etag: second } = state.answer('put', { ...put('k', '2'), condition: { kind: 'match', etag: first } });
    const late = state.ask('put', { ...put('k', '3'), condition: { kind: 'match', etag: first } });
    assert.ok(late.kind === 'refused');
    assert.equal(late.code, 'CONFLICT');
    assert.equal(late.params.etag, second);
    assert.equal(state.answer('get', { key: 'k' }).value, '2');
  });

  test('creates with `none` only where nothing is', () => {
    const { world, state, put } = partition();
    const { etag } = state.answer('put', { ...put('k', '1'), condition: { kind: 'none' } });
    const again = state.ask('put', { ...put('k', '2'), condition: { kind: 'none' } });
    assert.ok(again.kind === 'refused' && again.code === 'CONFLICT');
    assert.equal(again.params.etag, etag);
    assert.equal(world.events.length, 1);
  });

  test('matches anything with `*`, but not nothing', () => {
    const { state, put } = partition();
    const whatever = { kind: 'match', etag: '*' } as const;
    const absent = state.ask('put', { ...put('k', '1'), condition: whatever });
    assert.ok(absent.kind === 'refused' && absent.code === 'CONFLICT');
    assert.equal(absent.params.etag, '');
    state.answer('put', put('k', '1'));
    state.answer('put', { ...put('k', '2'), condition: whatever });
    state.answer('delete', { key: 'k', by: 'tab_a', condition: whatever });
  });

  test('deletes only what was read', () => {
    const { world, state, put } = partition();
    const { etag } = state.answer('put', put('k', '1'));
    const stale = { key: 'k', by: 'tab_a', condition: { kind: 'match', etag: 'other' } } as const;
    assert.equal(state.refusal('delete', stale), 'CONFLICT');
    state.answer('delete', { ...stale, condition: { kind: 'match', etag } });
    assert.deepEqual(world.events.at(-1), {
      type: 'state_deleted',
      agent: 'tab_a',
      data: { key: 'k', deleted_by: 'tab_a' },
    });
    assert.equal(state.refusal('delete', { key: 'k', by: 'tab_a', condition: null }), 'NOT_FOUND');
  });
});

describe('listing', () => {
  test('pages in byte order, under a prefix, with a total of the prefix', () => {
    const { state, put } = partition(10_000);
    const keys = ['a', 'a/1', 'a/10', 'a/2', 'b', '\u{1F600}', '\uffee', 'é'];
    for (const key of [...keys].reverse()) state.answer('put', put(key, 'v'));
    const all = state.answer('list', { prefix: '', after: null, limit: 100 });
    assert.deepEqual(all, { keys: ['a', 'a/1', 'a/10', 'a/2', 'b', 'é', '\uffee', '\u{1F600}'], next: null, total: 8 });
    const first = state.answer('list', { prefix: 'a/', after: null, limit: 2 });
    assert.deepEqual(first, { keys: ['a/1', 'a/10'], next: 'a/10', total: 3 });
    const second = state.answer('list', { prefix: 'a/', after: first.next, limit: 2 });
    assert.deepEqual(second, { keys: ['a/2'], next: null, total: 3 });
    assert.deepEqual(state.answer('list', { prefix: 'a/', after: 'a', limit: 2 }), first);
    assert.deepEqual(state.answer('list', { prefix: 'none', after: null, limit: 2 }), {
      keys: [],
      next: null,
      total: 0,
    });
  });
});
