// How actors and others talk: asks, streams and watches, on real threads.

import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'node:test';
import { account, asker, counter } from './library-kinds.js';
import { coded, collect, removeDirectories, start, stopAll, until } from './library-system.js';

describe('conversations', () => {
  afterEach(stopAll);
  after(removeDirectories);

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

  it('finds actors that wait for each other, whoever asked first, and refuses one of their asks by name (IQ2)', async () => {
    const system = await start({ workers: 3 });
    for (const ring of [
      ['a', 'b'],
      ['c', 'd', 'e'],
      ['f', 'g', 'h', 'i', 'j'],
    ]) {
      const begun = performance.now();
      const answers = await Promise.all(
        ring.map((key, place) => {
          const next = ring[(place + 1) % ring.length]!;
          return system.ref(asker, key).ask('meet', { next, gate: ring.join(), all: ring.length });
        }),
      );
      assert.ok(performance.now() - begun < 10_000, 'it was a time limit that ended it');
      assert.ok(
        answers.some((answer) => answer.startsWith('ASK_CYCLE')),
        answers.join('\n'),
      );
      const path = answers.find((answer) => answer.startsWith('ASK_CYCLE'))!;
      for (const key of ring) assert.ok(path.includes(`asker/${key}`), `${path} names ${key}`);
    }
  });

  it('refuses to ask what is answered by a stream, and ends the stream', async () => {
    const system = await start();
    await assert.rejects(system.ref(counter, 'a').ask('endless' as 'get'), coded('BAD_REQUEST'));
    const endings = () => system.ref(counter, 'a').ask('get');
    await until(async () => (await endings()).endings.length === 1, 'the end of the generator');
    assert.equal(await system.ref(asker, 'x').ask('streamed', 'b'), 'BAD_REQUEST');
  });

  it('keeps nothing of who watched and left (IQ3)', async () => {
    const system = await start();
    const leave = new AbortController();
    const watched = system.ref(counter, 'a').watch({ signal: leave.signal });
    await system.ref(counter, 'watcher').ask('watch', 'a');
    await system.ref(counter, 'watcher').ask('stop');
    leave.abort(new Error('no more'));
    await assert.rejects(watched, /no more/);
    await system.ref(counter, 'a').ask('stop');
    assert.deepEqual((await system.ref(counter, 'watcher').ask('get')).endings, []);
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

  it('keeps a stream that is read as fast as it is made from its own actor and its neighbours', async () => {
    const system = await start({ workers: 1 });
    const items = system.ref(counter, 'busy').stream('slowSteps');
    let isOver = false;
    const reading = (async () => {
      for await (const _ of items) if (isOver) break;
    })();
    for (let i = 0; i < 20; i++) {
      await system.ref(counter, 'neighbour').ask('add', 1, { timeoutMs: 5_000 });
      await system.ref(counter, 'busy').ask('get', undefined, { timeoutMs: 5_000 });
    }
    isOver = true;
    await reading;
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
});
