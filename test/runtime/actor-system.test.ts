// The library as its user has it: kinds in a module, real threads, a real directory.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { type ActorSystem, CodedError, createSystem, type Log, type SystemOptions } from '../../src/index.js';
import { type LogRecord, silentLog } from '../../src/log.js';
import { account, asker, counter, escalating, ledger, restarting, resuming, stopping } from './library-kinds.js';

const KINDS = new URL('./library-kinds.js', import.meta.url);
const COUNTER_ALONE = new URL('./volatile-kinds.js', import.meta.url);
const DEADLINE_MS = 10_000;

const running = new Set<ActorSystem>();
const roots: string[] = [];

function directory(): string {
  const root = mkdtempSync(join(tmpdir(), 'troupe-library-'));
  roots.push(root);
  return root;
}

async function start(over: Partial<SystemOptions> = {}): Promise<ActorSystem> {
  const system = await createSystem({
    kinds: [KINDS],
    directory: directory(),
    workers: 2,
    log: silentLog,
    forceEncoding: true,
    ...over,
  });
  running.add(system);
  return system;
}

async function stop(system: ActorSystem): Promise<void> {
  running.delete(system);
  await system.stop();
}

function coded(code: string) {
  return (error: unknown): boolean => error instanceof CodedError && error.code === code;
}

async function until<T>(look: () => Promise<T | undefined | false>, what: string): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    assert.ok(Date.now() < deadline, `${what} did not come`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('a system of one’s own actors', () => {
  afterEach(async () => {
    for (const system of running) await stop(system);
  });
  after(() => {
    for (const root of roots) rmSync(root, { recursive: true, force: true });
  });

  it('tells and asks, and an actor knows who spoke to it', async () => {
    const system = await start();
    const a = system.ref(counter, 'a');
    assert.equal(a.tell('add', 1), true);
    assert.equal(await a.ask('add', 2), 3);
    for (const key of ['x', 'y', 'z'])
      assert.equal(typeof (await system.ref(asker, key).ask('add', { to: 'a', by: 1 })), 'number');
    const { count, from } = await a.ask('get');
    assert.equal(count, 6);
    assert.deepEqual(from, ['outside', 'outside', 'asker/x', 'asker/y', 'asker/z']);
    assert.equal(await a.ask('reset'), null);
    assert.equal((await a.ask('get')).count, 0);
  });

  it('keeps states and rows over a restart, and what failed changed nothing', async () => {
    const home = directory();
    const first = await start({ directory: home });
    assert.equal(await first.ref(account, 'a').ask('deposit', 5), 5);
    assert.equal(await first.ref(account, 'a').ask('deposit', 6), 11);
    await assert.rejects(first.ref(account, 'a').ask('failAfter', 100), coded('INTERNAL'));
    assert.equal(await first.ref(account, 'a').ask('balance'), 11);
    assert.equal(await first.ref(ledger, 'l').ask('write', 'one'), 1);
    assert.equal(await first.ref(ledger, 'l').ask('write', 'two'), 2);
    assert.equal(await first.ref(counter, 'c').ask('add', 1), 1);
    await first.ref(account, 'closed').ask('deposit', 1);
    await first.ref(account, 'closed').ask('close');
    await stop(first);
    const second = await start({ directory: home, workers: 1 });
    assert.equal(await second.ref(account, 'a').ask('balance'), 11);
    assert.equal(await second.ref(account, 'closed').ask('balance'), 0);
    assert.deepEqual(await second.ref(ledger, 'l').ask('read'), ['one', 'two']);
    assert.equal(await second.ref(counter, 'c').ask('add', 1), 1);
  });

  it('gives refusals, faults, time limits and aborts as errors with a code or a reason', async () => {
    const system = await start();
    const a = system.ref(counter, 'a');
    await assert.rejects(a.ask('refuse'), coded('CONFLICT'));
    assert.equal(await system.ref(asker, 'x').ask('refused', 'a'), 'CONFLICT');
    await assert.rejects(a.ask('dawdle', 2_000, { timeoutMs: 1 }), coded('ASK_TIMEOUT'));
    assert.equal(await system.ref(asker, 'x').ask('limited', { to: 'b', timeoutMs: 1 }), 'ASK_TIMEOUT');
    const leave = new AbortController();
    const asked = system.ref(counter, 'c').ask('dawdle', 2_000, { signal: leave.signal });
    leave.abort(new Error('no more'));
    await assert.rejects(asked, /no more/);
    await assert.rejects(a.ask('add', 1, { signal: leave.signal }), /no more/);
  });

  it('refuses an ask that would wait for itself, at once and by name', async () => {
    const system = await start();
    const ask = (key: string, path: string[]) => system.ref(asker, key).ask('path', path);
    assert.deepEqual(await ask('a', ['b', 'c', 'd']), ['a', 'b', 'c', 'd']);
    assert.deepEqual(await ask('a', ['a']), ['a', 'ASK_CYCLE', 'asker/a → asker/a']);
    assert.deepEqual(await ask('a', ['b', 'c', 'a', 'd']), [
      'a',
      'b',
      'c',
      'ASK_CYCLE',
      'asker/a → asker/b → asker/c → asker/a',
    ]);
    assert.equal(
      (
        await ask(
          'long',
          Array.from({ length: 40 }, (_, i) => `k${i}`),
        )
      ).at(-2),
      'OVERLOADED',
    );
    assert.deepEqual(await ask('a', ['b']), ['a', 'b']);
  });

  it('streams replies, in order and bounded, from generators of both kinds', async () => {
    const system = await start();
    const a = system.ref(counter, 'a');
    const expected = Array.from({ length: 1_000 }, (_, i) => i + 1);
    assert.deepEqual(await collect(a.stream('count', 1_000)), expected);
    assert.equal((await collect(system.ref(counter, 'b').stream('letters', 'streamed'))).join(''), 'streamed');
    assert.deepEqual(await collect(a.stream('count', 0)), []);
    // Nobody reads: the generator stops a window ahead.
    const slow = system.ref(counter, 'slow').stream('endless');
    assert.equal((await slow.next()).value, 1);
    const { count } = await system.ref(counter, 'slow').ask('get');
    assert.ok(count <= 65, `${count} items were made for a reader of one`);
    assert.equal((await slow.return!()).done, true);
    assert.equal((await slow.next()).done, true);
    const ended = await until(
      async () => (await system.ref(counter, 'slow').ask('get')).endings[0],
      'the end of a generator',
    );
    assert.equal(ended, 'the generator was ended');
  });

  it('commits each step of a stream with its item, and other messages are handled between two', async () => {
    const system = await start();
    const a = system.ref(account, 'a');
    for (let i = 0; i < 3; i++) await a.ask('deposit', 1);
    const lines: string[] = [];
    for await (const line of a.stream('statement')) {
      lines.push(line);
      assert.ok((await a.ask('balance')) >= 3 + lines.length * 100);
    }
    assert.deepEqual(lines, ['+1', '+1', '+1']);
    assert.equal(await a.ask('balance'), 303);
  });

  it('ends a stream with the reason when its generator throws, its actor stops, its worker is lost, or its reader aborts', async () => {
    const system = await start();
    const seen: number[] = [];
    const failing = async () => {
      for await (const item of system.ref(counter, 'f').stream('countAndFail', 3)) seen.push(item);
    };
    await assert.rejects(failing, coded('INTERNAL'));
    assert.deepEqual(seen, [1, 2, 3]);
    const stopped = system.ref(counter, 's').stream('endless');
    await stopped.next();
    await system.ref(counter, 's').ask('stop');
    await assert.rejects(collect(stopped), coded('STOPPED'));
    const aborted = new AbortController();
    const left = system.ref(counter, 'l').stream('endless', undefined, { signal: aborted.signal });
    await left.next();
    aborted.abort(new Error('no more'));
    await assert.rejects(collect(left), /no more/);
    const lost = system.ref(counter, 'w').stream('endless');
    await lost.next();
    await assert.rejects(system.ref(counter, 'w').ask('exit'), coded('WORKER_LOST'));
    await assert.rejects(collect(lost), coded('WORKER_LOST'));
  });

  it('tells who watches how a life ended, actors and others', async () => {
    const system = await start();
    const watched = system.ref(counter, 'a').watch();
    await system.ref(counter, 'watcher').ask('watch', 'a');
    await system.ref(counter, 'watcher').ask('watch', 'b');
    await system.ref(counter, 'a').ask('stop');
    assert.equal(await watched, 'stopped');
    await assert.rejects(system.ref(counter, 'b').ask('fail'), coded('INTERNAL'));
    const endings = await until(async () => {
      const state = await system.ref(counter, 'watcher').ask('get');
      return state.endings.length === 2 && state.endings;
    }, 'news of two ends');
    assert.deepEqual([...endings].sort(), ['counter/a stopped', 'counter/b failed']);
    const leave = new AbortController();
    const forgotten = system.ref(counter, 'c').watch({ signal: leave.signal });
    leave.abort(new Error('no more'));
    await assert.rejects(forgotten, /no more/);
  });

  it('reminds at a time, once, whatever is restarted in between; and not what was forgotten', async () => {
    const home = directory();
    const first = await start({ directory: home });
    await first.ref(account, 'soon').ask('remindMe', { inMs: 30, amount: 7 });
    await until(async () => (await first.ref(account, 'soon').ask('balance')) === 7, 'a reminder');
    await first.ref(account, 'over').ask('remindMe', { inMs: 400, amount: 8 });
    await first.ref(account, 'not').ask('remindMe', { inMs: 400, amount: 9 });
    await first.ref(account, 'not').ask('forgetMe');
    await first.ref(account, 'moved').ask('remindMe', { inMs: 1, amount: 50 });
    await first.ref(account, 'moved').ask('remindMe', { inMs: 500, amount: 5 });
    await stop(first);
    const second = await start({ directory: home, workers: 1 });
    await until(async () => (await second.ref(account, 'over').ask('balance')) === 8, 'a reminder of a former process');
    await until(async () => (await second.ref(account, 'moved').ask('balance')) >= 5, 'a reminder that was moved');
    assert.ok([5, 55].includes(await second.ref(account, 'moved').ask('balance')));
    assert.equal(await second.ref(account, 'not').ask('balance'), 0);
    assert.equal(await second.ref(account, 'soon').ask('balance'), 7);
  });

  it('deals with an actor that fails as its kind says (G9)', async () => {
    const escalated: string[] = [];
    const system = await start({ onEscalation: (address) => escalated.push(address) });
    for (const kind of [restarting, resuming, stopping]) {
      await system.ref(kind, 'a').ask('add', 1);
      await assert.rejects(system.ref(kind, 'a').ask('fail'), coded('INTERNAL'));
    }
    // Three attempts of one message are three failures, which is what this kind bears.
    await assert.rejects(system.ref(restarting, 'a').ask('add', 1), coded('QUARANTINED'));
    assert.equal(await system.ref(resuming, 'a').ask('add', 1), 102);
    assert.equal(await system.ref(stopping, 'a').ask('add', 1), 1);
    await assert.rejects(system.ref(escalating, 'a').ask('fail'), coded('QUARANTINED'));
    await until(async () => escalated.length > 0, 'an escalation');
    assert.deepEqual(escalated, ['escalating/a']);
  });

  it('sets a failing actor aside, keeps what it is told meanwhile, and brings it back by hand, with or without what failed', async () => {
    const system = await start();
    const a = system.ref(escalating, 'a');
    a.tell('fail');
    const entry = await until(() => system.quarantined.inspect('escalating/a'), 'the quarantine');
    assert.equal(entry.message, 'fail');
    assert.match(entry.error, /RangeError: it was told to fail/);
    await assert.rejects(a.ask('add', 1), coded('QUARANTINED'));
    assert.equal(await system.quarantined.resume('escalating/a'), true);
    // What it failed at is tried again, and fails again.
    await until(async () => (await system.quarantined.list()).length === 1, 'the quarantine again');
    assert.equal(await system.quarantined.skip('escalating/a'), true);
    assert.equal(await a.ask('add', 1), 1);
    assert.equal(await system.quarantined.skip('escalating/a'), false);
    const [letter] = await system.deadLetters.list();
    assert.deepEqual([letter!.address, letter!.message, letter!.reason], ['escalating/a', 'fail', 'INTERNAL']);
    assert.equal(await system.deadLetters.replay('none'), false);
    assert.equal(await system.deadLetters.replay(letter!.id), true);
    await until(() => system.quarantined.inspect('escalating/a'), 'the replayed message');
  });

  it('draws the same numbers for the same seed and actor, on one worker or three (G12)', async () => {
    const draw = async (workers: number, seed: number) => {
      const system = await start({ workers, seed });
      assert.equal(system.seed, seed);
      const drawn = await Promise.all(['a', 'b', 'c', 'd'].map((key) => system.ref(counter, key).ask('draw', 20)));
      await stop(system);
      return drawn;
    };
    const one = await draw(1, 7);
    assert.deepEqual(await draw(3, 7), one);
    assert.notDeepEqual(await draw(1, 8), one);
    const all = one.flat();
    assert.ok(all.every((number) => number >= 0 && number < 1) && new Set(all).size === all.length);
  });

  it('runs without a directory, and then refuses to keep anything', async () => {
    await assert.rejects(createSystem({ kinds: [KINDS] }), /account.*needs a directory/);
    const system = await createSystem({ kinds: [COUNTER_ALONE], workers: 2, log: silentLog });
    running.add(system);
    assert.equal(await system.ref(counter, 'a').ask('add', 2), 2);
    await assert.rejects(system.ref(counter, 'a').ask('write'), coded('INTERNAL'));
  });

  it('says what actors log, with their address', async () => {
    const lines: object[] = [];
    const log: Log = { ...silentLog, info: (line) => lines.push(line) };
    const system = await start({ log });
    await system.ref(counter, 'a').ask('note', 'hello');
    await until(async () => lines.length > 0, 'a line');
    assert.deepEqual(lines, [{ event: 'actor', address: 'counter/a', message: 'noted', details: { text: 'hello' } }]);
  });

  it('explains which actors take the time, wait, are refused, and who sends to them', async () => {
    const system = await start();
    const busy = system.ref(counter, 'busy');
    for (let i = 0; i < 300; i++) await busy.ask('spin', 0.2);
    const waiting = system.ref(counter, 'waiting');
    const dawdling = waiting.ask('dawdle', 800);
    for (let i = 0; i < 2_000; i++) waiting.tell('add', 1);
    const explanation = await until(async () => {
      const found = await system.explain({ top: 3 });
      return (found.byMailboxDepth[0]?.refusals ?? 0) > 900 && found;
    }, 'an explanation');
    assert.equal(explanation.byTurnTime[0]!.address, 'counter/busy');
    assert.ok(explanation.byTurnTime[0]!.turnMs > 10, `${explanation.byTurnTime[0]!.turnMs} ms`);
    const [deepest] = explanation.byMailboxDepth;
    assert.equal(deepest!.address, 'counter/waiting');
    assert.ok(deepest!.mailboxDepth > 900 && deepest!.refusals > 900 && deepest!.mailboxBytes > 0);
    assert.equal(deepest!.senders[0]!.address, 'outside');
    assert.equal(explanation.threads.length, 2);
    assert.ok(explanation.threads.every(({ links, loopDelayMs }) => links.length === 2 && loopDelayMs.max >= 0));
    await dawdling;
    const silent = await start({ explain: false });
    await silent.ref(counter, 'busy').ask('spin', 1);
    assert.deepEqual((await silent.explain()).byTurnTime, []);
  });

  it('names a handler that does not return, with its stack, and replaces its worker past the limit (W1)', async () => {
    const lines: LogRecord[] = [];
    const log: Log = { ...silentLog, warn: (line) => lines.push(line) };
    const system = await start({ log, handlerMsMax: 2_000 });
    const spinning = system.ref(counter, 'a').ask('spin', 60_000);
    await assert.rejects(spinning, coded('WORKER_LOST'));
    const told = lines.filter(({ message }) => message === 'a handler does not return');
    assert.equal(told.length, 1);
    assert.deepEqual([told[0]!.address, told[0]!.handling], ['counter/a', 'spin']);
    assert.match(String(told[0]!.stack), /^ {4}at spin .*library-kinds/m);
    assert.equal(
      await until(
        () =>
          system
            .ref(counter, 'a')
            .ask('add', 1)
            .catch(() => undefined),
        'the new worker',
      ),
      1,
    );
  });

  it('says what is wrong with what it was given, and leaves nothing running', async () => {
    await assert.rejects(createSystem({ kinds: [new URL('./nothing.js', import.meta.url)] }), /nothing\.js/);
    await assert.rejects(
      createSystem({ kinds: [new URL('./manual-clock.js', import.meta.url)] }),
      /exports no actor kind/,
    );
    await assert.rejects(createSystem({ kinds: [COUNTER_ALONE], workers: 0 }), /workers/);
    const home = directory();
    const system = await start({ directory: home });
    await assert.rejects(createSystem({ kinds: [KINDS], directory: home }), /in use|holds|lock/i);
    await stop(system);
    await stop(await start({ directory: home }));
  });
});
