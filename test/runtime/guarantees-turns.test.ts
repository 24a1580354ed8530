// G1 to G3 on real threads: activations, turns and the order of messages, while workers are ended under load.

import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'node:test';
import { BookLoad } from './book-load.js';
import { book, copy, talker } from './guarantee-kinds.js';
import { keyOn, served, startWorld, verifyBooks, verifyLives } from './guarantee-system.js';
import { coded, removeDirectories, stopAll } from './library-system.js';

const WORKERS = 3;
const REPLACEMENTS = 9;
const KEYS = Array.from({ length: 9 }, (_, i) => `b${i}`);
/** Rounds of the talkers that are under way at once. */
const ROUNDS_AT_ONCE = 8;
describe('on real threads', { timeout: 60_000 }, () => {
  afterEach(stopAll);
  after(removeDirectories);

  it('one activation of an address at a time: nothing an older one wrote is behind a newer one, while workers are ended (G1)', async () => {
    const world = await startWorld({ workers: WORKERS });
    const load = new BookLoad(world.system, KEYS, () => 'add');
    for (let i = 0; i < REPLACEMENTS; i++) {
      await load.more(100);
      await world.replace(i % WORKERS);
    }
    // One that ends itself, in the middle of a turn.
    const ending = world.system.ref(book, KEYS[0]!);
    await assert.rejects(ending.ask('exit'), coded('WORKER_LOST'));
    await served(() => ending.ask('entries'));
    await load.more(100);
    await load.stop();
    assert.equal(world.witness.violations, 0);
    await verifyBooks(world.system, KEYS, load.added);
    await verifyLives(world.system, KEYS);
    assert.ok(
      KEYS.every((key) => world.witness.activations(key) > 1),
      'a book was never activated again',
    );
    assert.ok((await world.system.status()).workerReplacements > REPLACEMENTS);
  });

  it('one turn at a time per actor, also when its handler waits for others and for the loop (G2)', async () => {
    const world = await startWorld({ workers: WORKERS });
    const load = new BookLoad(world.system, KEYS, (item) => (item % 4 === 0 ? 'add' : 'addSlowly'));
    await load.more(500);
    for (let worker = 0; worker < WORKERS; worker++) {
      await world.replace(worker);
      await load.more(100);
    }
    await load.stop();
    assert.equal(world.witness.violations, 0);
    await verifyBooks(world.system, KEYS, load.added);
  });

  it('what one says to another is handled in the order said, across workers; all of it, while none is lost (G3)', async () => {
    const { system, replace } = await startWorld({ workers: WORKERS });
    const workers = Array.from({ length: WORKERS }, (_, worker) => worker);
    const talkers = workers.map((worker) => keyOn(talker, worker, WORKERS));
    const copies = workers.map((worker) => keyOn(copy, worker, WORKERS));
    let item = 0;
    /** Everybody says something to everybody, in turns and directly. */
    const round = async (): Promise<void> => {
      const told = talkers.flatMap((from) =>
        copies.map((to) => system.ref(talker, from).ask('say', { to, item: ++item })),
      );
      for (const to of copies) system.ref(copy, to).tell('note', ++item);
      await Promise.allSettled(told);
    };
    const notes = async (to: string) => served(() => system.ref(copy, to).ask('notes'));
    const rounds = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += ROUNDS_AT_ONCE) await Promise.all(Array.from({ length: ROUNDS_AT_ONCE }, round));
    };

    await rounds(80);
    const expected = 80 * (talkers.length + 1);
    for (const to of copies) {
      let noted = await notes(to);
      // The last tells may be on their way still.
      const deadline = Date.now() + 10_000;
      while (noted.length < expected && Date.now() < deadline) noted = await notes(to);
      assert.equal(noted.length, expected, 'something that was said did not come, or came twice');
    }

    let isOver = false;
    const talking = (async () => {
      while (!isOver) await rounds(ROUNDS_AT_ONCE);
    })();
    for (let i = 0; i < WORKERS; i++) await replace(i % WORKERS);
    isOver = true;
    await talking;
    await rounds(ROUNDS_AT_ONCE);
    for (const to of copies) {
      const last = new Map<string, number>();
      const noted = await notes(to);
      assert.ok(noted.length > expected, 'nothing came while workers were ended');
      for (const [from, said] of noted) {
        const before = last.get(from) ?? 0;
        assert.ok(said > before, `copy/${to} has ${said} from ${from} behind ${before}`);
        last.set(from, said);
      }
      assert.equal(last.size, talkers.length + 1);
    }
  });
});
