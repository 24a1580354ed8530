import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionOf, STATE_BYTES, STATE_KEYS } from '../../../src/actors/state/protocol.js';
import { AGENT, AT, AT_TEXT, errorOf, fault, inWorld, OTHER, ok, type World } from './http-world.js';

function put(world: World, path: string, json: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return world.request(`/v1/state/${path}`, { method: 'PUT', as: 'agent', json, headers });
}

const written = () => ok({ etag: 'e2', at: AT });

test('a value is read with its etag in quotes', () =>
  inWorld({}, async (world) => {
    world.play('state.get', ({ args }) => ok({ key: args.key, value: '', etag: 'e1', by: OTHER, at: AT }));
    const response = await world.request('/v1/state/a%2Fb/c%20d', { as: 'agent' });
    assert.equal(response.headers.get('etag'), '"e1"');
    assert.deepEqual(await response.json(), {
      key: 'a/b/c d',
      value: '',
      last_modified_by: OTHER,
      last_modified_at: AT_TEXT,
    });
    assert.equal(world.asked[0]?.key, partitionOf('a/b/c d'));
  }));

test('a value is written for the caller, without a condition unless one is given', () =>
  inWorld({}, async (world) => {
    world.play('state.put', written);
    const response = await put(world, 'k', { value: 'v', extra: 1 });
    assert.equal(response.headers.get('etag'), '"e2"');
    assert.deepEqual(await response.json(), { key: 'k', written_by: AGENT, written_at: AT_TEXT });
    assert.deepEqual(world.asked[0]?.args, { key: 'k', value: 'v', by: AGENT, condition: null });
  }));

const keys: readonly (readonly [path: string, status: number])[] = [
  ['x'.repeat(20), 200],
  ['x'.repeat(21), 400],
  ['%C3%A9'.repeat(10), 200],
  [`${'%C3%A9'.repeat(10)}x`, 400],
  ['', 400],
  ['a%00b', 400],
  ['a%zz', 400],
  ['a%ff', 400],
  ['a%ED%A0%80', 400],
  ['a%252F', 200],
  ['a//b/', 200],
  ['_capacity', 400],
  ['%5Fcapacity', 400],
  ['_capacity/x', 200],
];
for (const [path, status] of keys) {
  test(`PUT of the key ${JSON.stringify(path)} is ${status}`, () =>
    inWorld({}, async (world) => {
      world.play('state.put', written);
      assert.equal((await put(world, path, { value: 'v' })).status, status);
      assert.equal(world.asked.length, status === 200 ? 1 : 0);
    }));
}

test('a key is decoded once', () =>
  inWorld({}, async (world) => {
    world.play('state.put', written);
    await put(world, 'a%252Fb+c', { value: 'v' });
    assert.equal(world.asked[0]?.args.key, 'a%2Fb+c');
  }));

test('a value is a text of bounded bytes and whole Unicode; it may be empty', () =>
  inWorld({}, async (world) => {
    world.play('state.put', written);
    const cases: readonly (readonly [value: unknown, status: number])[] = [
      ['', 200],
      ['é'.repeat(100), 200],
      [`${'é'.repeat(100)}x`, 413],
      ['\0', 200],
      ['\udc00', 400],
      [7, 400],
      [null, 400],
      [{}, 400],
      [undefined, 400],
    ];
    for (const [value, status] of cases) assert.equal((await put(world, 'k', { value })).status, status);
  }));

const conditions: readonly (readonly [headers: Record<string, string>, condition: unknown])[] = [
  [{ 'if-match': '"e1"' }, { kind: 'match', etag: 'e1' }],
  [{ 'if-match': '*' }, { kind: 'match', etag: '*' }],
  [{ 'if-none-match': '*' }, { kind: 'none' }],
];
for (const [headers, condition] of conditions) {
  test(`${JSON.stringify(headers)} is a condition of the write`, () =>
    inWorld({}, async (world) => {
      world.play('state.put', written);
      assert.equal((await put(world, 'k', { value: 'v' }, headers)).status, 200);
      assert.deepEqual(world.asked[0]?.args.condition, condition);
    }));
}

const noConditions: readonly Record<string, string>[] = [
  { 'if-match': 'e1' },
  { 'if-match': '"e1", "e2"' },
  { 'if-match': 'W/"e1"' },
  { 'if-match': '""' },
  { 'if-match': '"*"' },
  { 'if-match': `"${'e'.repeat(65)}"` },
  { 'if-none-match': '"e1"' },
  { 'if-match': '"e1"', 'if-none-match': '*' },
];
for (const headers of noConditions) {
  test(`${JSON.stringify(headers)} is 400 and writes nothing`, () =>
    inWorld({}, async (world) => {
      assert.equal((await put(world, 'k', { value: 'v' }, headers)).status, 400);
      assert.equal(world.asked.length, 0);
    }));
}

test('a condition that does not hold is 409 with the current etag', () =>
  inWorld({}, async (world) => {
    world.play('state.put', () => fault('CONFLICT', { reason: 'the etag is another', etag: 'e9' }));
    const response = await put(world, 'k', { value: 'v' }, { 'if-match': '"e1"' });
    assert.equal(response.status, 409);
    assert.equal(response.headers.get('etag'), '"e9"');
    assert.equal((await errorOf(response)).detail, 'e9');
    world.play('state.put', () => fault('CONFLICT', { reason: 'there is none', etag: '' }));
    const absent = await put(world, 'k', { value: 'v' }, { 'if-match': '"e1"' });
    assert.equal(absent.headers.get('etag'), null);
    assert.equal((await errorOf(absent)).detail, undefined);
  }));

test('a delete takes If-Match, and the reserved key not at all', () =>
  inWorld({}, async (world) => {
    world.play('state.delete', () => ok({ at: AT }));
    const remove = (key: string, headers = {}) =>
      world.request(`/v1/state/${key}`, { method: 'DELETE', as: 'agent', headers });
    const response = await remove('k', { 'if-match': '"e1"' });
    assert.deepEqual(await response.json(), { key: 'k', deleted_by: AGENT, deleted_at: AT_TEXT });
    assert.deepEqual(world.asked[0]?.args.condition, { kind: 'match', etag: 'e1' });
    assert.equal((await remove('k', { 'if-none-match': '*' })).status, 400);
    assert.equal((await remove('_capacity')).status, 400);
    assert.equal((await remove('%5Fcapacity')).status, 400);
  }));

test('a full store is 507', () =>
  inWorld({}, async (world) => {
    world.play('state.put', () => fault('STORE_FULL'));
    const response = await put(world, 'k', { value: 'v' });
    assert.equal(response.status, 507);
    assert.equal((await errorOf(response)).error, 'store_full');
  }));

test('the capacity comes from the counters, under either spelling of its key', () =>
  inWorld({ counter: (name) => ({ [STATE_BYTES]: 12, [STATE_KEYS]: 3 })[name] ?? -1 }, async (world) => {
    for (const key of ['_capacity', '%5Fcapacity']) {
      const response = await world.request(`/v1/state/${key}`, { as: 'agent' });
      assert.deepEqual(await response.json(), { used_bytes: 12, total_bytes: 5000, key_count: 3 });
    }
    assert.equal(world.asked.length, 0);
  }));

test('a listing goes on from its cursor, whatever the keys hold', () =>
  inWorld({}, async (world) => {
    const last = 'a/ü&%?#=';
    world.play('state.list', () => ok({ keys: ['a', last], next: last, total: 9 }));
    const first = await world.request('/v1/state?prefix=a%2F&limit=2', { as: 'agent' });
    const body = (await first.json()) as { keys: string[]; next_cursor: string; total: number };
    assert.deepEqual(body.keys, ['a', last]);
    assert.equal(body.total, 9);
    assert.match(body.next_cursor, /^[\w-]+$/);
    world.play('state.list', () => ok({ keys: [], next: null, total: 9 }));
    const second = await world.request(`/v1/state?cursor=${body.next_cursor}&limit=9999`, { as: 'agent' });
    assert.equal(((await second.json()) as { next_cursor: unknown }).next_cursor, null);
    assert.deepEqual(
      world.asked.map(({ args }) => args),
      [
        { prefix: 'a/', after: null, limit: 2 },
        { prefix: '', after: last, limit: 100 },
      ],
    );
  }));

test('a cursor that was never given, or a prefix that no key has, is 400', () =>
  inWorld({}, async (world) => {
    const long = Buffer.from('x'.repeat(21)).toString('base64url');
    for (const query of [
      'cursor=%21',
      'cursor=YQ==',
      'cursor=_w',
      `cursor=${long}`,
      'prefix=%zz',
      'prefix=%00',
      `prefix=${'x'.repeat(21)}`,
    ]) {
      assert.equal((await world.request(`/v1/state?${query}`, { as: 'agent' })).status, 400, query);
    }
    assert.equal(world.asked.length, 0);
  }));
