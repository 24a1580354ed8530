// The hub of watches, on played partitions.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PREFIXES_MAX, STATE_PARTITIONS } from '../../../src/actors/state/protocol.js';
import type { Fault } from '../../../src/errors.js';
import type { SharedChange } from '../../../src/transport/session/shared-change.js';
import type { Watcher } from '../../../src/transport/session/watched-prefix.js';
import { AGENT, fault, ok, SessionWorld, type Subscribed, turn } from './session-world.js';

class PlayedWatcher implements Watcher {
  readonly keys: string[] = [];
  readonly ends: Fault[] = [];
  readonly answers: (Fault | undefined)[] = [];
  readonly ready = (answer: Fault | undefined): void => {
    this.answers.push(answer);
  };

  changed(change: SharedChange): void {
    this.keys.push(change.key);
  }

  ended(why: Fault): void {
    this.ends.push(why);
  }
}

function stage() {
  const world = new SessionWorld();
  const { hub } = world.sessions;
  const streams = (): Subscribed[] => {
    const latest = new Map(world.subscribed.filter(({ message }) => message === 'follow').map((one) => [one.key, one]));
    return [...latest.values()];
  };
  const follow = () => {
    for (const { reader } of streams()) reader.item({ kind: 'following' });
  };
  const change = (key: string, partition = 0) =>
    streams()[partition]?.reader.item({ kind: 'change', change: { key, etag: 'e', by: AGENT, at: 0 } });
  return { world, hub, streams, follow, change };
}

/** The watches of a prefix that were asked for, all answered. */
async function answerAsks(world: SessionWorld, answer = ok(null)): Promise<void> {
  for (const asked of world.asked.splice(0)) asked.answer(answer);
  await turn();
}

test('is ready when every partition tells the changes (WH1)', async () => {
  const { world, hub, streams, change } = stage();
  const [one, two, three] = [new PlayedWatcher(), new PlayedWatcher(), new PlayedWatcher()];
  hub.watch('a', one, one.ready);
  hub.watch('a', two, two.ready);
  assert.equal(streams().length, STATE_PARTITIONS);
  assert.deepEqual(streams()[0]?.args.prefixes, ['a']);
  for (const { reader } of streams().slice(1)) reader.item({ kind: 'following' });
  change('ab', 1);
  assert.deepEqual([one.answers, one.keys], [[], []]);
  streams()[0]?.reader.item({ kind: 'following' });
  assert.deepEqual([one.answers, two.answers], [[undefined], [undefined]]);
  change('ab');
  hub.watch('a', three, three.ready);
  change('ac', 5);
  assert.deepEqual([one.keys, two.keys, three.keys], [['ab', 'ac'], ['ab', 'ac'], ['ac']]);

  hub.watch('b', one, one.ready);
  assert.equal(world.asked.length, STATE_PARTITIONS, 'one that is followed is asked');
  await answerAsks(world);
  assert.equal(one.answers.length, 2);
});

test('tells one change once, however many prefixes match, and also the empty one (WH3)', async () => {
  const { world, hub, follow, change } = stage();
  const [one, two] = [new PlayedWatcher(), new PlayedWatcher()];
  for (const prefix of ['', 'a', 'abc', 'b']) hub.watch(prefix, one, one.ready);
  hub.watch('ab', two, two.ready);
  follow();
  await answerAsks(world);
  change('abcd');
  change('a');
  change('c');
  assert.deepEqual([one.keys, two.keys], [['abcd', 'a', 'c'], ['abcd']]);
});

test('tells the partitions when nobody watches a prefix any more', () => {
  const { world, hub, follow } = stage();
  const [one, two] = [new PlayedWatcher(), new PlayedWatcher()];
  hub.watch('a', one, one.ready);
  hub.watch('a', one, one.ready);
  hub.watch('a', two, two.ready);
  follow();
  hub.unwatch('a', one, one.ready);
  hub.unwatch('a', two, two.ready);
  assert.deepEqual([world.takeTold(), hub.size], [[], 1]);
  hub.unwatch('a', one, one.ready);
  assert.deepEqual([world.takeTold().length, hub.size], [STATE_PARTITIONS, 0]);
});

test('ends what was ready when a stream is lost, and brings about what was not (WH2)', async () => {
  const { world, hub, streams, follow, change } = stage();
  const [ready, waiting] = [new PlayedWatcher(), new PlayedWatcher()];
  hub.watch('a', ready, ready.ready);
  follow();
  hub.watch('b', waiting, waiting.ready);
  const [lost] = streams();
  lost?.reader.ended({ code: 'WORKER_LOST' });
  assert.deepEqual([ready.ends, hub.size], [[{ code: 'WORKER_LOST' }], 1]);
  await answerAsks(world);
  assert.deepEqual(waiting.answers, [], 'one partition is missing');
  const before = world.subscribed.length;
  world.clock.advance(1_000);
  assert.equal(
    world.subscribed.length,
    before + STATE_PARTITIONS,
    'all are followed anew, the lost one and the others',
  );
  assert.deepEqual(streams()[0]?.args.prefixes, ['b']);
  // Of the older streams nothing is lost, and their ends mean nothing.
  for (const older of world.subscribed.slice(0, STATE_PARTITIONS)) if (older !== lost) older.reader.ended(undefined);
  follow();
  assert.deepEqual([waiting.answers, waiting.ends], [[undefined], []]);
  change('b');
  assert.deepEqual(waiting.keys, ['b']);
});

test('tells a fault that is none of theirs as one that passes', () => {
  const { hub, streams, follow } = stage();
  const watcher = new PlayedWatcher();
  hub.watch('a', watcher, watcher.ready);
  follow();
  streams()[0]?.reader.ended({ code: 'INTERNAL' });
  assert.deepEqual(watcher.ends, [{ code: 'STOPPED' }]);
});

test('refuses a watch that a partition refuses, that comes too late, or is one too many (WH4)', async () => {
  const { world, hub, follow } = stage();
  const [first, refused, late, over] = [
    new PlayedWatcher(),
    new PlayedWatcher(),
    new PlayedWatcher(),
    new PlayedWatcher(),
  ];
  hub.watch('a', first, first.ready);
  follow();
  hub.watch('b', refused, refused.ready);
  await answerAsks(world, fault('OVERLOADED'));
  assert.deepEqual(refused.answers, [{ code: 'OVERLOADED' }]);
  hub.watch('b', late, late.ready);
  world.clock.advance(10_000);
  assert.equal(late.answers[0]?.code, 'ASK_TIMEOUT');
  await answerAsks(world);
  assert.equal(late.answers.length, 1, 'answered once');
  for (let i = hub.size; i < PREFIXES_MAX; i++) hub.watch(`p${i}`, late, () => undefined);
  hub.watch('one more', over, over.ready);
  assert.equal(over.answers[0]?.code, 'OVERLOADED');
  hub.close();
});

test('follows anew where a partition was told something in vain (WH5)', () => {
  const { world, hub, streams, follow, change } = stage();
  const [one, two] = [new PlayedWatcher(), new PlayedWatcher()];
  hub.watch('a', one, one.ready);
  hub.watch('b', two, two.ready);
  follow();
  for (const { answer } of world.asked.splice(0)) answer(ok(null));
  world.isTaken = false;
  hub.unwatch('a', one, one.ready);
  world.isTaken = true;
  world.clock.advance(50);
  assert.deepEqual(streams()[3]?.args.prefixes, ['b']);
  const older = world.subscribed.find(({ message, key }) => message === 'follow' && key === '3');
  assert.equal(older?.hasLeft, false, 'what it still has to tell is heard');
  change('b', 3);
});

test('takes back a watch that waits, and leaves every stream when it closes', () => {
  const { hub, streams, follow } = stage();
  const watcher = new PlayedWatcher();
  hub.watch('a', watcher, watcher.ready);
  hub.unwatch('a', watcher, watcher.ready);
  follow();
  assert.deepEqual([watcher.answers, hub.size], [[], 0]);
  hub.watch('b', watcher, watcher.ready);
  hub.close();
  assert.deepEqual(watcher.answers, [{ code: 'DRAINING' }]);
  assert.ok(streams().every(({ hasLeft }) => hasLeft));
});
