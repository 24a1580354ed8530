// What the threads of a system count of themselves, as the system tells it.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { countOf } from '../../src/metrics.js';
import { System } from '../../src/runtime/system.js';
import { DEEPEST_TOLD } from '../../src/runtime/waiting-mailboxes.js';
import { until } from '../server/expectations.js';
import { counter, unruly } from './counter-worker.js';

const ASKS = 200;
/** Of unruly (counter-worker.ts). */
const MAILBOX_CAPACITY = 100;
const home = mkdtempSync(join(tmpdir(), 'troupe-meters-'));
const system = await System.start({
  store: {
    directory: home,
    journalDirectory: join(home, 'journal'),
    backups: join(home, 'backups'),
    journal: { segmentBytes: 256 * 1024, unappliedBytesMax: 128 * 1024 * 1024, applyAfterMs: 250 },
  },
  workers: 2,
  workerUrl: new URL('./counter-worker.js', import.meta.url),
  settings: {},
  protocols: [counter, unruly],
  counters: ['total'],
  durability: 'durable',
  residentBytesMaxPerWorker: 64 * 1024 * 1024,
  forceEncoding: false,
  isExplained: true,
  seed: 0,
  handlerMsMax: Number.POSITIVE_INFINITY,
  onLog: () => undefined,
  onEscalation: () => undefined,
  onTrouble: () => undefined,
  onFatal: (error) => {
    throw error;
  },
});
after(async () => {
  await system.stop(0);
  rmSync(home, { recursive: true, force: true });
});

async function mailboxes() {
  const { workers } = await system.status();
  return workers.map((report) => report?.mailboxes ?? { depth: 0, bytes: 0, deepest: [] });
}

async function turnsBegun(): Promise<number> {
  const { workers } = await system.status();
  return workers.reduce((sum, report) => sum + (report?.turns ?? 0), 0);
}

test('counts turns by kind, what waited for them, and what was committed', async () => {
  for (let i = 0; i < ASKS; i++) assert.ok((await system.actors.ask(counter, `key-${i % 8}`, 'add', 1)).ok);
  const { turns, mailboxWaits, commits, eventAppends } = system.readMeters();
  assert.deepEqual(
    turns.map(({ kind }) => kind),
    ['counter', 'unruly'],
  );
  const [ofCounter, ofUnruly] = turns.map(({ reading }) => reading);
  assert.ok(countOf(ofCounter!) > 0 && ofCounter!.sumMs > 0);
  assert.equal(countOf(ofUnruly!), 0);
  // All came from another thread, and each that was looked at was looked at for both.
  assert.equal(countOf(mailboxWaits), countOf(ofCounter!));
  assert.ok(mailboxWaits.sumMs >= 0);
  // One after the other: each its own group, and one more for the fence at the start.
  assert.equal(countOf(commits), ASKS + 1);
  assert.ok(commits.sumMs > 0);
  assert.equal(countOf(eventAppends), 0);
});

test('every thread has its vitals from the beginning (VI1)', () => {
  const { threads } = system.readMeters();
  assert.deepEqual(
    threads.map(({ thread }) => thread),
    ['journal', 'applier', 'shard-0', 'shard-1'],
  );
  for (const { heapUsedBytes, heapTotalBytes, loopDelayMs } of threads) {
    assert.ok(heapUsedBytes > 1_000_000 && heapTotalBytes >= heapUsedBytes);
    assert.ok(loopDelayMs.mean >= 0 && loopDelayMs.max >= loopDelayMs.mean);
  }
});

test('tells the deepest mailboxes, and all that waits; what found no room is a dead letter, also after a new life (MT1)', async () => {
  const actors = 2 * DEEPEST_TOLD + 4;
  const before = await turnsBegun();
  let waiting = 0;
  for (let i = 0; i < actors; i++) {
    // The first is handled for ever.
    for (let sent = 0; sent <= i; sent++) assert.ok(system.actors.tell(unruly, `busy-${i}`, 'never', null));
    waiting += i;
  }
  await until('one of each is handled', async () => (await turnsBegun()) === before + actors);
  await until('all wait', async () => (await mailboxes()).reduce((sum, { depth }) => sum + depth, 0) === waiting);
  for (const { depth, bytes, deepest } of await mailboxes()) {
    const depths = deepest.map((mailbox) => mailbox.depth);
    assert.equal(deepest.length, DEEPEST_TOLD);
    assert.deepEqual(
      depths,
      [...depths].sort((a, b) => b - a),
    );
    assert.ok(bytes >= depth && depth >= depths.reduce((sum, one) => sum + one, 0));
    for (const mailbox of deepest) assert.equal(mailbox.address, `unruly/busy-${mailbox.depth}`);
  }

  assert.equal(system.readMeters().deadLetters, 0);
  const tooMany = 4;
  const begun = await turnsBegun();
  system.actors.tell(unruly, 'full', 'never', null);
  await until('it is handled for ever', async () => (await turnsBegun()) === begun + 1);
  for (let i = 0; i < MAILBOX_CAPACITY + tooMany; i++) system.actors.tell(unruly, 'full', 'never', null);
  await until('they are dead letters', () => system.readMeters().deadLetters === tooMany);
  const turns = () => system.readMeters().turns.map(({ reading }) => countOf(reading));
  const counted = turns();
  for (const worker of [0, 1]) assert.ok(await system.replaceWorker(worker));
  assert.equal(
    (await mailboxes()).reduce((sum, { depth }) => sum + depth, 0),
    0,
  );
  assert.equal(system.readMeters().deadLetters, tooMany);
  for (const [kind, count] of turns().entries()) assert.ok(count >= counted[kind]!);
});
