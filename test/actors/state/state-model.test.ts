import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Condition, STATE_BYTES, STATE_KEYS } from '../../../src/actors/state/protocol.js';
import { type StateRow, stateKind } from '../../../src/actors/state/state.js';
import { World } from '../turn-double.js';

const CAPACITY = 40;

type Command =
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly condition: Choice }
  | { readonly kind: 'delete'; readonly key: string; readonly condition: Choice }
  | { readonly kind: 'kill' };
/** Which condition to send, told the etag that the reference knows. */
type Choice = 'free' | 'current' | 'stale' | 'any' | 'none';

const keys = fc.constantFrom('a', 'bb', 'é€');
const choice = fc.constantFrom<Choice>('free', 'free', 'free', 'current', 'stale', 'any', 'none');
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      key: keys,
      value: fc.string({ maxLength: 20, unit: 'grapheme' }),
      condition: choice,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), key: keys, condition: choice }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const) }) },
);

interface Known {
  readonly value: string;
  readonly etag: string;
}

function conditionOf(choice: Choice, known: Known | undefined): Condition | null {
  switch (choice) {
    case 'free':
      return null;
    case 'current':
      return { kind: 'match', etag: known?.etag ?? 'never given' };
    case 'stale':
      return { kind: 'match', etag: 'never given' };
    case 'any':
      return { kind: 'match', etag: '*' };
    case 'none':
      return { kind: 'none' };
    default:
      return choice satisfies never;
  }
}

function holds(choice: Choice, known: Known | undefined): boolean {
  if (choice === 'free') return true;
  if (choice === 'none') return known === undefined;
  return known !== undefined && choice !== 'stale';
}

function used(entries: ReadonlyMap<string, Known>): number {
  let bytes = 0;
  for (const [key, { value }] of entries) bytes += Buffer.from(key).length + Buffer.from(value).length;
  return bytes;
}

function run(commands: readonly Command[]): void {
  const world = new World();
  const state = world.actor(stateKind({ capacityBytes: CAPACITY }), '7');
  const reference = new Map<string, Known>();
  const etags = new Set<string>();
  let accepted = 0;
  for (const command of commands) {
    if (command.kind === 'kill') {
      world.kill();
      continue;
    }
    const known = reference.get(command.key);
    const condition = conditionOf(command.condition, known);
    if (command.kind === 'delete') {
      const outcome = state.ask('delete', { key: command.key, by: 'tab_a', condition });
      const expected = !holds(command.condition, known) ? 'CONFLICT' : known === undefined ? 'NOT_FOUND' : 'done';
      assert.equal(outcome.kind === 'refused' ? outcome.code : 'done', expected);
      if (expected === 'done') reference.delete(command.key);
      accepted += expected === 'done' ? 1 : 0;
    } else {
      const outcome = state.ask('put', { key: command.key, value: command.value, by: 'tab_a', condition });
      const next = new Map(reference).set(command.key, { value: command.value, etag: '' });
      const fits = used(next) <= Math.max(CAPACITY, used(reference));
      const expected = !holds(command.condition, known) ? 'CONFLICT' : fits ? 'done' : 'STORE_FULL';
      assert.equal(outcome.kind === 'refused' ? outcome.code : 'done', expected);
      if (outcome.kind === 'answered') {
        const { etag } = outcome.value;
        assert.ok(!etags.has(etag), 'an etag is never given twice (T3)');
        etags.add(etag);
        reference.set(command.key, { value: command.value, etag });
        accepted++;
      }
    }
    assert.equal(world.counter(STATE_BYTES), used(reference), 'the counter of bytes equals a recount (T1)');
    assert.equal(world.counter(STATE_KEYS), reference.size, 'the counter of keys equals a recount (T1)');
    assert.equal(world.events.length, accepted, 'each accepted write is one event, a refused one none (T4)');
  }
  const stored = new Map(world.table('state').map(({ key, value }) => [key[1] as string, value as StateRow]));
  assert.deepEqual([...stored.keys()].sort(), [...reference.keys()].sort());
  for (const [key, { value, etag }] of reference) {
    const row = stored.get(key)!;
    assert.equal(row.value, value);
    assert.equal(row.etag, etag);
    assert.equal(row.bytes, Buffer.from(value).length);
  }
}

test('any sequence of writes, conditions and crashes leaves what a plain map would hold (T1, T2, T3, T4)', () => {
  fc.assert(fc.property(fc.array(command, { maxLength: 60, size: 'max' }), run), { numRuns: 500 });
});
