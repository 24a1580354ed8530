// G5 and G9 on real threads: what a turn leaves when it fails, and what becomes of what fails and of who fails.

import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'node:test';
import { CodedError } from '../../src/index.js';
import { BookLoad, type BookMessage } from './book-load.js';
import { book, copy, frail } from './guarantee-kinds.js';
import { startWorld, verifyBooks, type World } from './guarantee-system.js';
import { coded, collect, removeDirectories, stopAll, until } from './library-system.js';

const WORKERS = 3;
const KEYS = Array.from({ length: 6 }, (_, i) => `b${i}`);
/** What is promised, and what a kind has that says nothing else. */
const ATTEMPTS_MAX = 3;
const FAILURES_MAX = 10;

/** How often a message of this actor failed. All of it that happened before this was called was told. */
async function failures({ system, troubles }: World, address: string): Promise<number> {
  await system.status();
  return troubles.filter(({ message, details }) => message === 'a turn failed' && details.address === address).length;
}

describe('on real threads', { timeout: 60_000 }, () => {
  afterEach(stopAll);
  after(removeDirectories);

  it('a handler that throws leaves nothing: no row, count, event, message, timer or reminder (G5)', async () => {
    const world = await startWorld({ workers: WORKERS });
    const { system } = world;
    for (const key of KEYS) {
      const ref = system.ref(book, key);
      assert.equal(await ref.ask('add', 1), 1);
      const events = (await system.status()).journal!.seq;
      await assert.rejects(ref.ask('fail', 2), coded('INTERNAL'));
      await assert.rejects(ref.ask('failSlowly', 3), coded('INTERNAL'));
      await assert.rejects(collect(ref.stream('failWithin', 4)), coded('INTERNAL'));
      ref.tell('fail', 5);
      assert.equal(await ref.ask('add', 6), 2);
      assert.deepEqual(
        (await ref.ask('rows')).map(([item]) => item),
        [1, 6],
      );
      assert.deepEqual(await ref.ask('mirror'), [1, 6]);
      assert.deepEqual(await system.ref(copy, key).ask('notes'), []);
      assert.equal((await system.status()).journal!.seq, events);
      // Each was tried as often as its kind says, and a stream once.
      assert.equal(await failures(world, `book/${key}`), 3 * ATTEMPTS_MAX + 1);
    }
    assert.equal(await system.ref(book, KEYS[0]!).ask('entries'), 2 * KEYS.length);
  });

  it('the effects of a turn are there together or not at all, and seen by nobody before, while turns fail and workers are ended (G5)', async () => {
    const world = await startWorld({ workers: WORKERS });
    const messages: readonly BookMessage[] = ['add', 'add', 'addSlowly', 'add', 'fail', 'add', 'failSlowly'];
    const load = new BookLoad(world.system, KEYS, (item) => messages[item % messages.length]!);
    for (let worker = 0; worker < WORKERS; worker++) {
      await load.more(200);
      await world.replace(worker);
    }
    await load.more(200);
    await load.stop();
    // Whoever was told of an item read it where it is stored.
    assert.equal(world.witness.violations, 0);
    await verifyBooks(world.system, KEYS, load.added);
    assert.ok(
      load.added.some(({ answer }) => answer === 'INTERNAL'),
      'nothing failed',
    );
  });

  it('a message that fails 3 times is a dead letter, and what came behind it is handled once, in order (G9)', async () => {
    const world = await startWorld({ workers: WORKERS });
    const { system, witness } = world;
    const ref = system.ref(frail, 'f');
    for (const item of [1, 2, 3, 4, 5]) ref.tell('take', item);
    assert.deepEqual(await ref.ask('taken'), [1, 2, 4, 5]);
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((item) => witness.attempts(item)),
      [1, 1, ATTEMPTS_MAX, 1, 1],
    );
    assert.equal(await failures(world, 'frail/f'), ATTEMPTS_MAX);
    await assert.rejects(ref.ask('take', 6), coded('INTERNAL'));
    assert.equal(witness.attempts(6), ATTEMPTS_MAX);
    const letters = await system.deadLetters.list();
    assert.deepEqual(
      letters.map(({ address, message, args, reason }) => [address, message, args, reason]),
      [
        ['frail/f', 'take', 3, 'INTERNAL'],
        ['frail/f', 'take', 6, 'INTERNAL'],
      ],
    );
    // Said again when its cause is mended.
    await ref.ask('cure');
    assert.equal(await system.deadLetters.replay(letters[0]!.id), true);
    await until(async () => (await ref.ask('taken')).includes(3), 'what was said again');
    assert.deepEqual(await ref.ask('taken'), [1, 2, 4, 5, 3]);
  });

  it('an actor that fails 10 times is set aside: callers get the reason; it is resumed, with or without what it failed at (G9)', async () => {
    const world = await startWorld({ workers: WORKERS });
    const { system, witness } = world;
    const ref = system.ref(frail, 'f');
    // Three messages are nine failures, and it still works.
    for (const item of [3, 6, 9]) await assert.rejects(ref.ask('take', item), coded('INTERNAL'));
    assert.deepEqual(await ref.ask('taken'), []);
    for (const item of [12, 13, 14]) ref.tell('take', item);
    const entry = await until(() => system.quarantined.inspect('frail/f'), 'the quarantine');
    assert.equal(await failures(world, 'frail/f'), FAILURES_MAX);
    assert.equal(witness.attempts(12), FAILURES_MAX - 3 * ATTEMPTS_MAX);
    assert.equal(entry.message, 'take');
    assert.match(entry.error, /cannot take 12/);
    ref.tell('take', 15);
    await assert.rejects(ref.ask('taken'), (error) => {
      return error instanceof CodedError && error.code === 'QUARANTINED' && error.retryAfterMs! > 0;
    });
    // Its neighbours do not feel it.
    await Promise.all(KEYS.map((key) => system.ref(frail, key).ask('take', 1)));

    assert.equal(await system.quarantined.resume('frail/f'), true);
    // What it failed at is tried as often as it has attempts left, and what waited behind it is handled.
    await until(async () => (await ref.ask('taken')).length === 2, 'what waited');
    assert.deepEqual(await ref.ask('taken'), [13, 14]);
    assert.equal(witness.attempts(12), ATTEMPTS_MAX);
    const reasons = (await system.deadLetters.list()).map(({ args, reason }) => [args, reason]);
    assert.deepEqual(
      reasons.sort(),
      [
        [12, 'INTERNAL'],
        [15, 'QUARANTINED'],
        [3, 'INTERNAL'],
        [6, 'INTERNAL'],
        [9, 'INTERNAL'],
      ].sort(),
    );
    assert.deepEqual(await system.quarantined.list(), []);

    // Another ten, and back without what it failed at.
    for (const item of [18, 21]) await assert.rejects(ref.ask('take', item), coded('INTERNAL'));
    for (const item of [24, 27, 28]) ref.tell('take', item);
    await until(() => system.quarantined.inspect('frail/f'), 'the quarantine again');
    assert.equal(await system.quarantined.skip('frail/f'), true);
    await until(async () => (await ref.ask('taken')).length === 3, 'what waited again');
    assert.deepEqual(await ref.ask('taken'), [13, 14, 28]);
    assert.equal(await system.quarantined.skip('frail/f'), false);
  });
});
