// The library as its user has it: kinds in a module, real threads, a real directory.

import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'node:test';
import { actor, createSystem, type Log } from '../../src/index.js';
import { type LogRecord, silentLog } from '../../src/log.js';
import { account, asker, counter, escalating, ledger, restarting, resuming, stopping } from './library-kinds.js';
import { coded, directory, KINDS, removeDirectories, start, stop, stopAll, until, willStop } from './library-system.js';

const COUNTER_ALONE = new URL('./volatile-kinds.js', import.meta.url);

describe('a system of one’s own actors', () => {
  afterEach(stopAll);
  after(removeDirectories);

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
    const moved = async () => [5, 55].includes(await second.ref(account, 'moved').ask('balance'));
    await until(moved, 'a reminder that was moved');
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
    const system = willStop(await createSystem({ kinds: [COUNTER_ALONE], workers: 2, log: silentLog }));
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
    const dawdling = waiting.ask('dawdle', 3_000);
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
    const system = await start({ log, handlerMsMax: 5_000 });
    const spinning = assert.rejects(system.ref(counter, 'a').ask('spin', 60_000), coded('WORKER_LOST'));
    const isTold = ({ message }: LogRecord) => message === 'a handler does not return';
    await until(async () => lines.some(isTold), 'the name of the handler');
    await spinning;
    const told = lines.filter(isTold);
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

  it('goes on with its worker whatever is thrown, said, left behind or wished for too often', async () => {
    const troubles: LogRecord[] = [];
    const system = await start({ workers: 1, log: { ...silentLog, warn: (line) => troubles.push(line) } });
    const neighbour = system.ref(counter, 'neighbour');
    await neighbour.ask('add', 1);
    await assert.rejects(system.ref(counter, 'bare').ask('failOddly', 'bare'), coded('INTERNAL'));
    await assert.rejects(system.ref(counter, 'stack').ask('failOddly', 'stack'), coded('INTERNAL'));
    await system.ref(counter, 'stray').ask('stray');
    await until(
      async () => troubles.some(({ message }) => /nobody waited for a promise/.test(String(message))),
      'a stray promise',
    );
    await assert.rejects(system.ref(counter, 'timers').ask('remindMuch', 5_000), coded('INTERNAL'));
    await system.ref(account, 'reminded').ask('remindMuch', 3_000);
    const reminded = async () => (await system.ref(account, 'reminded').ask('balance')) === 3_000;
    await until(reminded, 'three thousand reminders');
    assert.equal((await neighbour.ask('get')).count, 1);
  });

  it('keeps a dead letter of what cannot be encoded, without what it said', async () => {
    const system = await start({ workers: 1, forceEncoding: false });
    const { key } = system.ref(counter, 'odd');
    await system.ref(counter, key).ask('add', 1);
    await system.ref(counter, 'teller').ask('failOddly', 'args');
    const letters = async () => (await system.deadLetters.list()).filter(({ message }) => message === 'takeAndFail');
    const [letter] = await until(async () => (await letters()).length > 0 && letters(), 'a dead letter');
    assert.equal(letter!.args, undefined);
    assert.equal((await system.ref(counter, 'teller').ask('get')).count, 0);
  });

  it('refuses keys, delays and kinds that cannot be, and says why', async () => {
    const system = await start();
    assert.throws(() => system.ref(counter, '\ud800'), /well-formed/);
    assert.throws(() => system.ref(counter, 'k'.repeat(70_000)), /at most/);
    await assert.rejects(system.ref(counter, 'a').ask('tellNobody'), coded('INTERNAL'));
    for (const delayMs of [-1, Number.NaN, 2 ** 31]) {
      await assert.rejects(system.ref(counter, `late ${delayMs}`).ask('later', delayMs), coded('INTERNAL'));
    }
    assert.equal(await system.ref(counter, 'then').ask('thenable'), 7);
    const messages = { broken: undefined as unknown as () => void };
    assert.throws(() => actor({ kind: 'broken', state: () => 0, messages }), /broken.*no handler/);
    assert.throws(() => actor({ kind: 'a/b', state: () => 0, messages: {} }), /no slash/);
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
