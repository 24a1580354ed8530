// The order of what one says to another, under any schedule: talkers say rising numbers to copies, which write them down.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createTestSystem } from '../../src/testing/testing.js';
import { type Guarantee, guarantee } from './guarantee.js';
import { makeKinds, Witness } from './guarantee-kinds.js';

const WORKERS = 3;
const TALKERS = ['p', 'q'];
const COPIES = ['x', 'y'];
const MOVES_MAX = 30;

type Move =
  | { readonly kind: 'say'; readonly from: number; readonly to: number }
  | { readonly kind: 'say directly'; readonly to: number }
  | { readonly kind: 'steps'; readonly count: number }
  | { readonly kind: 'lose'; readonly worker: number }
  | { readonly kind: 'disk fails' };

const to = fc.nat({ max: COPIES.length - 1 });
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('say' as const), from: fc.nat({ max: TALKERS.length - 1 }), to }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('say directly' as const), to }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('steps' as const), count: fc.integer({ min: 1, max: 10 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('lose' as const), worker: fc.nat({ max: WORKERS - 1 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'disk fails' as const }) },
);

interface Schedule {
  readonly seed: number;
  readonly moves: readonly Move[];
}

async function play({ seed, moves }: Schedule): Promise<void> {
  const { book, copy, echo, talker } = makeKinds(new Witness(), false);
  const system = createTestSystem({ kinds: [book, copy, echo, talker], seed, workers: WORKERS });
  let item = 0;
  for (const each of moves) {
    item++;
    switch (each.kind) {
      case 'say':
        system.ref(talker, TALKERS[each.from]!).tell('say', { to: COPIES[each.to]!, item });
        break;
      case 'say directly':
        system.ref(copy, COPIES[each.to]!).tell('note', item);
        break;
      case 'steps':
        await system.steps(each.count);
        break;
      case 'lose':
        system.loseWorker(each.worker);
        break;
      case 'disk fails':
        system.failNextCommit();
        break;
      default:
        each satisfies never;
    }
  }
  await system.run();
  const isQuiet = moves.every(({ kind }) => kind !== 'lose' && kind !== 'disk fails');
  let noted = 0;
  for (const key of COPIES) {
    const last = new Map<string, number>();
    for (let place = 1; ; place++) {
      const row = system.stored(['copy', key, place]) as [string, number] | undefined;
      if (row === undefined) break;
      const [from, said] = row;
      const before = last.get(from) ?? 0;
      assert.ok(said > before, `copy/${key} has ${said} from ${from} behind ${before}`);
      last.set(from, said);
      noted++;
    }
  }
  // What is never lost comes whole, not only in order.
  const expected = moves.filter(({ kind }) => kind === 'say' || kind === 'say directly').length;
  if (isQuiet) assert.equal(noted, expected, 'something that was said did not come');
}

export const orderPerPair: Guarantee = guarantee(
  'what one says to another is handled in the order said, also across the loss of a worker (G3)',
  fc.record({ seed: fc.integer(), moves: fc.array(move, { maxLength: MOVES_MAX, size: 'max' }) }),
  play,
);
