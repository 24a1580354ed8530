// The test system itself: it does what it is told, the same for the same seed, and what it takes away is gone.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { repositoryRoot } from '../../examples/02-conversations/conversations.js';
import { CodedError } from '../../src/errors.js';
import { actor } from '../../src/runtime/actor.js';
import { createTestSystem, type TestSystem, type TestSystemOptions } from '../../src/testing/testing.js';
import { account, asker, counter, ledger } from '../runtime/library-kinds.js';

const KINDS = [account, asker, counter, ledger];
type BallMessages = { readonly hit: { readonly args: string; readonly reply: null } };
const DAY_MS = 86_400_000;

function start(over: Partial<TestSystemOptions> = {}): TestSystem {
  return createTestSystem({ kinds: KINDS, ...over });
}

/** Settles an answer that may be refused before anybody waits for it. */
function outcome<T>(answer: Promise<T>): Promise<T | string> {
  return answer.catch((error: unknown) => (error instanceof CodedError ? error.code : String(error)));
}

/** Everything that a system can be put through, as the list of its steps. */
async function stepsOf(seed: number): Promise<string[]> {
  const steps: string[] = [];
  const system = start({ seed, workers: 3, onStep: (step) => steps.push(step) });
  const answers = ['a', 'b', 'c', 'd'].flatMap((key) => [
    outcome(system.ref(account, key).ask('deposit', 1)),
    outcome(system.ref(asker, key).ask('add', { to: key, by: 1 })),
  ]);
  await system.steps(20);
  system.loseWorker(1);
  system.failNextCommit();
  await system.steps(20);
  system.crash();
  answers.push(outcome(system.ref(account, 'a').ask('deposit', 1)));
  await system.until(Promise.all(answers));
  return steps;
}

describe('a test system', () => {
  it('takes the same steps for the same seed, and others for another (TS1)', async () => {
    const steps = await stepsOf(1);
    assert.deepEqual(await stepsOf(1), steps);
    assert.notDeepEqual(await stepsOf(2), steps);
  });

  it('takes every sort of step some time (SC1)', async () => {
    const kinds = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) for (const step of await stepsOf(seed)) kinds.add(step.split(' ')[0]!);
    const all = 'acknowledge applied apply arrive bury commit hear replace send submit tick timer';
    assert.equal([...kinds].sort().join(' '), all);
  });

  it('keeps what was durable over a crash and nothing else (TS2)', async () => {
    const system = start();
    assert.equal(await system.until(system.ref(account, 'a').ask('deposit', 5)), 5);
    assert.equal(await system.until(system.ref(counter, 'c').ask('add', 1)), 1);
    const inFlight = outcome(system.ref(account, 'a').ask('deposit', 100));
    system.crash();
    assert.equal(await inFlight, 'WORKER_LOST');
    assert.equal(await system.until(system.ref(account, 'a').ask('balance')), 5);
    assert.equal(await system.until(system.ref(counter, 'c').ask('add', 1)), 1);
    assert.deepEqual(system.stored(['actor_state', 'account', 'a']), [1, { balance: 5, history: ['+5'] }]);
  });

  it('lets a commit fail: nothing of it has happened', async () => {
    const system = start();
    await system.until(system.ref(ledger, 'l').ask('write', 'one'));
    system.failNextCommit();
    assert.equal(await system.until(outcome(system.ref(ledger, 'l').ask('write', 'two'))), 'COMMIT_FAILED');
    assert.equal(system.stored(['ledger', 'l', 2]), undefined);
    assert.equal(await system.until(system.ref(ledger, 'l').ask('write', 'three')), 2);
    assert.equal(system.counter('entries'), 2);
  });

  it('replaces a worker that is lost, and says so to whoever waits for it', async () => {
    const system = start({ workers: 1 });
    await system.until(system.ref(account, 'a').ask('deposit', 5));
    const inFlight = outcome(system.ref(account, 'a').ask('deposit', 100));
    assert.equal(system.loseWorker(0), true);
    assert.equal(system.loseWorker(0), false);
    assert.equal(await inFlight, 'WORKER_LOST');
    assert.equal(await outcome(system.ref(account, 'a').ask('balance')), 'SLOT_MOVING');
    await system.run();
    assert.equal(await system.until(system.ref(account, 'a').ask('balance')), 5);
  });

  it('moves time only when it is told to, over a crash too (VC2)', async () => {
    const system = start();
    const a = system.ref(account, 'a');
    await system.until(a.ask('remindMe', { inMs: DAY_MS, amount: 7 }));
    await system.pass(DAY_MS - 1);
    system.crash();
    await system.run();
    const before = system.clock.now();
    assert.equal(await system.until(a.ask('balance')), 0);
    assert.equal(system.clock.now(), before);
    await system.pass(20_000);
    assert.equal(await system.until(a.ask('balance')), 7);
    assert.equal(system.clock.now(), before + 20_000);
    assert.throws(() => system.clock.advance(-1), RangeError);
  });

  it('streams, watches, and shows what died and what was set aside', async () => {
    const system = start();
    const a = system.ref(counter, 'a');
    const stream = a.stream('count', 100);
    const items: number[] = [];
    for (let item = await system.until(stream.next()); !item.done; item = await system.until(stream.next())) {
      items.push(item.value);
    }
    assert.deepEqual(
      items,
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
    const ended = a.watch();
    await system.run();
    await system.until(a.ask('stop'));
    assert.equal(await system.until(ended), 'stopped');
    a.tell('fail');
    await system.pass(1_000);
    assert.deepEqual(
      system.deadLetters.map(({ address, message, reason }) => [address, message, reason]),
      [['counter/a', 'fail', 'INTERNAL']],
    );
    assert.equal(system.failures.length, 3);
    await system.until(a.ask('note', 'seen'));
    assert.deepEqual(
      system.log.map(({ message }) => message),
      ['noted'],
    );
  });

  it('says so when nothing can settle what is waited for', async () => {
    const system = start();
    await assert.rejects(system.until(new Promise(() => undefined)), /Nothing that is left to happen/);
  });

  it('says so when actors never come to rest', async () => {
    const ball = actor({
      kind: 'ball',
      state: () => ({}),
      messages: {
        hit(context, _by: string): void {
          context.tell<BallMessages, 'hit'>({ kind: 'ball', messages: ['hit'] }, context.key, 'hit', context.key);
        },
      },
    });
    const system = createTestSystem({ kinds: [ball] });
    system.ref(ball, 'b').tell('hit', 'me');
    await assert.rejects(system.run(), /have not come to rest/);
  });

  it('refuses a number of workers that is none', () => {
    assert.throws(() => start({ workers: 0 }), /workers is a whole number from 1/);
  });
});

describe('docs/testing.md', () => {
  const root = repositoryRoot();

  it('shows the example that is a test', () => {
    const page = readFileSync(join(root, 'docs', 'testing.md'), 'utf8');
    const shown = /```ts\n([^`]*(?:`[^`]+`[^`]*)*?)```/.exec(page)?.[1];
    const example = readFileSync(join(root, 'test', 'testing', 'own-actors.test.ts'), 'utf8')
      .replace("'../../src/index.js'", "'troupe'")
      .replace("'../../src/testing/testing.js'", "'troupe/testing'");
    assert.equal(shown, example);
  });

  it('names what the package exports', () => {
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      exports: Record<string, { default: string }>;
    };
    const source = exports['./testing']!.default.replace('./dist/', '').replace(/\.js$/, '.ts');
    assert.ok(existsSync(join(root, source)), `${source} is not there`);
  });
});
