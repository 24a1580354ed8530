// Bounds and failures under any schedule: mailboxes, streams, attempts, quarantine.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CodedError } from '../../src/errors.js';
import { STREAM_WINDOW } from '../../src/runtime/incoming-stream.js';
import { createTestSystem, type TestSystem } from '../../src/testing/testing.js';
import { type Guarantee, guarantee } from './guarantee.js';
import {
  BOX_BYTES_MAX,
  BOX_CAPACITY,
  FRAIL_ATTEMPTS_MAX,
  FRAIL_FAILURES_MAX,
  FRAIL_WINDOW_MS,
  makeHardKinds,
  Witness,
} from './guarantee-kinds.js';

const FLOOD_MAX = 12;
const ROUNDS_MAX = 4;

interface World {
  readonly witness: Witness;
  readonly kinds: ReturnType<typeof makeHardKinds>;
  readonly system: TestSystem;
}

function worldOf(seed: number): World {
  const witness = new Witness();
  const kinds = makeHardKinds(witness);
  return { witness, kinds, system: createTestSystem({ kinds: Object.values(kinds), seed }) };
}

/** An ask of a flood: what became of it. */
interface Flooding {
  readonly answers: string[];
  readonly settled: Promise<void>[];
}

function ask({ system, kinds }: World, item: number, ballast: string, { answers, settled }: Flooding): void {
  const asking = system.ref(kinds.box, 'b').ask('put', { item, ballast });
  settled.push(
    asking.then(
      () => void answers.push('done'),
      (error: unknown) => void answers.push(error instanceof CodedError ? error.code : String(error)),
    ),
  );
}

/** Told or asked, and how many steps are taken before the next. */
const message = fc.record({ isAsk: fc.boolean(), steps: fc.nat({ max: 6 }) });
const floods = fc.array(fc.array(message, { maxLength: FLOOD_MAX, size: 'max' }), {
  minLength: 1,
  maxLength: ROUNDS_MAX,
});

export const boundedMailbox: Guarantee = guarantee(
  'a mailbox takes as many as it says, tells all others at once, and loses none (G4)',
  fc.record({ seed: fc.integer(), floods }),
  async ({ seed, floods }) => {
    const world = worldOf(seed);
    const { witness, system, kinds } = world;
    const handled = witness.handledBy('box/b');
    let item = 0;
    for (const flood of floods) {
      const [handledBefore, deadBefore] = [handled.length, system.status.deadLetters];
      const flooding: Flooding = { answers: [], settled: [] };
      witness.isHolding = true;
      // One in hand, so that the mailbox is empty when the others come.
      assert.ok(system.ref(kinds.box, 'b').tell('put', { item: ++item, ballast: '' }));
      await system.run();
      for (const { isAsk, steps } of flood) {
        item++;
        if (isAsk) ask(world, item, '', flooding);
        else assert.ok(system.ref(kinds.box, 'b').tell('put', { item, ballast: '' }));
        await system.steps(steps);
      }
      await system.run();
      const refused = flooding.answers.length + system.status.deadLetters - deadBefore;
      assert.ok(flooding.answers.every((code) => code === 'OVERLOADED'));
      assert.equal(flood.length - refused, Math.min(flood.length, BOX_CAPACITY), 'waiting in the mailbox');
      witness.release();
      await system.run();
      await system.until(Promise.all(flooding.settled));
      assert.equal(handled.length - handledBefore, 1 + flood.length - refused, 'handled of what was admitted');
    }
    assert.deepEqual(
      handled,
      [...handled].sort((a, b) => a - b),
      'handled in the order said',
    );
  },
);

export const boundedBytes: Guarantee = guarantee(
  'under a flood of large messages and slow readers, memory stays within its bounds (G8)',
  fc.record({
    seed: fc.integer(),
    sizes: fc.array(fc.nat({ max: BOX_BYTES_MAX }), { maxLength: FLOOD_MAX, size: 'max' }),
    reads: fc.nat({ max: 100 }),
  }),
  async ({ seed, sizes, reads }) => {
    const world = worldOf(seed);
    const { witness, system, kinds } = world;
    const flooding: Flooding = { answers: [], settled: [] };
    witness.isHolding = true;
    for (const [item, size] of sizes.entries()) {
      ask(world, item, '.'.repeat(size), flooding);
      if (size % 2 === 0) await system.step();
    }
    await system.run();
    const refused = flooding.answers.length;
    assert.ok(flooding.answers.every((code) => code === 'OVERLOADED'));
    witness.release();
    await system.until(Promise.all(flooding.settled));
    const handled = witness.handledBy('box/b');
    assert.equal(handled.length, sizes.length - refused);
    // The first was in hand; one that is too large by itself is taken when it is alone.
    const waited = handled.slice(1).map((item) => sizes[item]!);
    const bytes = waited.reduce((sum, size) => sum + size, 0);
    assert.ok(waited.length <= BOX_CAPACITY && (waited.length <= 1 || bytes <= BOX_BYTES_MAX), `${waited} waited`);
    const stream = system.ref(kinds.fountain, 'f').stream('flow');
    for (let read = 0; read < reads; read++) await system.until(stream.next());
    await system.run();
    assert.ok(witness.given <= reads + STREAM_WINDOW, `${witness.given} items for ${reads} that were read`);
    await stream.return?.();
  },
);

/** Tells to a frail actor, with time in between. */
const tells = fc.array(
  fc.record({ item: fc.integer({ min: 1, max: 9 }), passMs: fc.constantFrom(0, 0, 5, 100, 61_000) }),
  {
    maxLength: FLOOD_MAX,
    size: 'max',
  },
);

export const failures: Guarantee = guarantee(
  'what fails is tried as often as its kind says, and an actor that fails too often is set aside (G9)',
  fc.record({ seed: fc.integer(), tells, skips: fc.boolean() }),
  async ({ seed, tells, skips }) => {
    const { witness, system, kinds } = worldOf(seed);
    const attempts = witness.handledBy('frail/f');
    let resumedAt = 0;
    const isAside = (): boolean => {
      const failed = witness.failedAt.slice(resumedAt);
      const recent = failed.filter((at) => failed.at(-1)! - at < FRAIL_WINDOW_MS).length;
      const aside = system.quarantined.length > 0;
      if (aside) assert.equal(recent, FRAIL_FAILURES_MAX, 'failures of an actor that is set aside');
      else assert.ok(recent < FRAIL_FAILURES_MAX, `${recent} failures of an actor that is not set aside`);
      return aside;
    };
    // Told apart by the place they were told at, which changes nothing of what three divides.
    const told: number[] = [];
    for (const [place, { item, passMs }] of tells.entries()) {
      const said = (place + 1) * 30 + item;
      if (system.ref(kinds.frail, 'f').tell('take', said)) told.push(said);
      await system.pass(passMs);
    }
    for (let rounds = 0; rounds <= tells.length * FRAIL_ATTEMPTS_MAX; rounds++) {
      await system.pass(1_000);
      if (!isAside()) break;
      resumedAt = witness.failedAt.length;
      assert.ok(system.resume('frail/f', skips));
    }
    const dead = system.deadLetters;
    for (const item of told) {
      const times = attempts.filter((attempt) => attempt === item).length;
      const letters = dead.filter(({ args }) => args === item).map(({ reason }) => reason);
      if (letters[0] === 'QUARANTINED') assert.deepEqual([times, letters.length], [0, 1]);
      else if (item % 3 !== 0) assert.deepEqual([times, letters], [1, []], `${item} is not handled once`);
      else {
        assert.deepEqual(letters, ['INTERNAL'], `${item} is not given up once`);
        assert.ok(times <= FRAIL_ATTEMPTS_MAX && (skips || times === FRAIL_ATTEMPTS_MAX), `${item}: ${times} attempts`);
      }
    }
    assert.deepEqual(system.quarantined, []);
  },
);
