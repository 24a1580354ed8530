import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PREFIXES_MAX, type StateMessages } from '../../../src/actors/state/protocol.js';
import { stateKind } from '../../../src/actors/state/state.js';
import { type OpenAsk, World } from '../turn-double.js';

const BY = 'tab_a';

function partition() {
  const world = new World();
  const state = world.actor(stateKind({ capacityBytes: 1_000_000 }), '0');
  return {
    world,
    state,
    follow: (...prefixes: string[]) => state.open('follow', { prefixes }),
    put: (key: string) => state.answer('put', { key, value: 'v', by: BY, condition: null }),
    remove: (key: string) => state.answer('delete', { key, by: BY, condition: null }),
  };
}

type Followed = OpenAsk<StateMessages['follow']['reply']>;

function changes({ items }: Followed): unknown[] {
  assert.deepEqual(items[0], { kind: 'following' });
  return items.slice(1).map((item) => {
    assert.ok(item.kind === 'change');
    return item.change;
  });
}

function keys(followed: Followed): string[] {
  return changes(followed).map((change) => (change as { readonly key: string }).key);
}

describe('a follower', () => {
  test('is told of each later change of a watched key, with its etag, who and when, and null for a delete (T5)', () => {
    const { world, follow, put, remove } = partition();
    put('a/0');
    const followed = follow('a/');
    const { etag, at } = put('a/1');
    world.advance(5);
    remove('a/1');
    put('b/1');
    assert.deepEqual(changes(followed), [
      { key: 'a/1', etag, by: BY, at },
      { key: 'a/1', etag: null, by: BY, at: world.now },
    ]);
  });

  test('is told behind the commit, in the order of the writes, and of none that was lost (W1)', () => {
    const { world, follow, put, remove } = partition();
    const followed = follow('');
    world.holdCommits();
    put('k');
    remove('k');
    assert.deepEqual(changes(followed), []);
    world.commitHeld();
    assert.deepEqual(
      changes(followed).map((change) => (change as { readonly etag: unknown }).etag === null),
      [false, true],
    );
    world.holdCommits();
    put('lost');
    world.kill();
    assert.equal(followed.outcome, 'lost');
    assert.equal(changes(followed).length, 2);
  });

  test('is told once however many prefixes match, and nothing of what was refused (W1)', () => {
    const { state, follow, put } = partition();
    const followed = follow('', 'a', 'a/', 'a/1');
    put('a/1');
    const condition = { kind: 'none' } as const;
    assert.equal(state.refusal('put', { key: 'a/1', value: 'v', by: BY, condition }), 'CONFLICT');
    assert.equal(state.refusal('delete', { key: 'a/2', by: BY, condition: null }), 'NOT_FOUND');
    assert.equal(changes(followed).length, 1);
  });

  test('gets a prefix more by watch, from its answer on, and one less by unwatch', () => {
    const { state, follow, put } = partition();
    const followed = follow();
    put('a/1');
    assert.equal(state.answer('watch', { prefix: 'a/' }), null);
    assert.equal(state.answer('watch', { prefix: 'a/' }), null, 'again');
    put('a/2');
    state.answer('unwatch', { prefix: 'b/' });
    put('a/3');
    state.answer('unwatch', { prefix: 'a/' });
    put('a/4');
    assert.deepEqual(keys(followed), ['a/2', 'a/3']);
  });

  test('takes the place of the one before, whose stream ends, with its prefixes', () => {
    const { follow, put } = partition();
    const older = follow('a/');
    const newer = follow('b/');
    put('a/1');
    put('b/1');
    assert.deepEqual(older.outcome, { kind: 'answered', value: null });
    assert.deepEqual(keys(older), []);
    assert.equal(newer.outcome, undefined);
    assert.deepEqual(keys(newer), ['b/1']);
  });

  test('that left is forgotten with the next change, and who watches for it is told to come again', () => {
    const { state, follow, put } = partition();
    assert.equal(state.refusal('watch', { prefix: 'a/' }), 'WORKER_LOST', 'nobody follows yet');
    const idle = state.residentBytes;
    const followed = follow('a/');
    assert.ok(state.residentBytes > idle);
    followed.isRead = false;
    assert.equal(state.answer('watch', { prefix: 'b/' }), null);
    put('a/1');
    assert.equal(state.refusal('watch', { prefix: 'b/' }), 'WORKER_LOST');
    assert.equal(state.residentBytes, idle);
    state.answer('unwatch', { prefix: 'a/' });
    const back = follow('a/');
    put('a/2');
    assert.deepEqual(keys(back), ['a/2']);
  });

  test('asks, and does not tell', () => {
    const { state } = partition();
    state.tell('follow', { prefixes: ['a'] });
    assert.equal(state.refusal('watch', { prefix: 'a/' }), 'WORKER_LOST');
  });

  test('has at most PREFIXES_MAX prefixes, each counted once; past it a watch is refused, and there is room again', () => {
    const { state, follow, put } = partition();
    const prefixes = Array.from({ length: PREFIXES_MAX }, (_, i) => `p${i}/`);
    const followed = follow(...prefixes, 'p0/');
    assert.equal(state.refusal('follow', { prefixes: [...prefixes, 'q/'] }), 'OVERLOADED');
    const told = state.residentBytes;
    assert.equal(state.answer('watch', { prefix: 'p0/' }), null, 'known');
    assert.equal(state.refusal('watch', { prefix: 'q/' }), 'OVERLOADED');
    assert.equal(state.residentBytes, told);
    put('q/1');
    state.answer('unwatch', { prefix: 'p1/' });
    state.answer('unwatch', { prefix: 'p1/' });
    assert.equal(state.answer('watch', { prefix: 'q/' }), null);
    assert.equal(state.refusal('watch', { prefix: 'r/' }), 'OVERLOADED');
    for (const key of ['q/2', 'p1/1', 'p2/1', 'p9999/x']) put(key);
    assert.deepEqual(keys(followed), ['q/2', 'p2/1', 'p9999/x']);
  });
});

type Command =
  | { readonly kind: 'put' | 'delete'; readonly key: string }
  | { readonly kind: 'watch' | 'unwatch'; readonly prefix: string }
  | { readonly kind: 'follow'; readonly prefixes: readonly string[] }
  | { readonly kind: 'leave' | 'hold' | 'commit' | 'kill' };

const key = fc.string({ unit: fc.constantFrom('a', 'b', '€'), maxLength: 4 });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constantFrom('put' as const, 'delete' as const), key }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('watch' as const, 'unwatch' as const), prefix: key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('follow' as const), prefixes: fc.array(key) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('leave' as const, 'hold' as const, 'commit' as const, 'kill' as const),
    }),
  },
);

test('any sequence of writes, watches, followers and crashes tells of what matches any prefix, once, in order (T5, W1)', () => {
  const property = fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
    const { world, state, follow, put } = partition();
    let live: { readonly followed: Followed; readonly prefixes: Set<string>; expected: string[] } | undefined;
    let isHeld = false;
    for (const command of commands) {
      switch (command.kind) {
        case 'put':
        case 'delete': {
          const { key } = command;
          const isWritten = command.kind === 'put' ? put(key) : state.ask('delete', { key, by: BY, condition: null });
          if ('kind' in isWritten && isWritten.kind === 'refused') break;
          if (![...(live?.prefixes ?? [])].some((prefix) => key.startsWith(prefix))) break;
          if (live!.followed.isRead) live!.expected.push(key);
          else live = undefined;
          break;
        }
        case 'watch':
          assert.equal(state.ask('watch', command).kind, live === undefined ? 'refused' : 'answered');
          live?.prefixes.add(command.prefix);
          break;
        case 'unwatch':
          state.answer('unwatch', command);
          live?.prefixes.delete(command.prefix);
          break;
        case 'follow':
          live = { followed: follow(...command.prefixes), prefixes: new Set(command.prefixes), expected: [] };
          break;
        case 'leave':
          if (live !== undefined) live.followed.isRead = false;
          break;
        case 'hold':
          isHeld = true;
          world.holdCommits();
          break;
        case 'commit':
          isHeld = false;
          world.commitHeld();
          break;
        case 'kill':
          isHeld = false;
          world.kill();
          live = undefined;
          break;
        default:
          command satisfies never;
      }
      if (isHeld || live?.followed.isRead !== true) continue;
      assert.deepEqual(keys(live.followed), live.expected);
    }
  });
  fc.assert(property, { numRuns: 1_000 });
});
