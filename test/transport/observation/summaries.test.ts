import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { CodedError } from '../../../src/errors.js';
import { createLog } from '../../../src/log.js';
import {
  READINGS_MAX,
  RESTART_PAUSE_MS,
  START_AFTER_MS,
  Summaries,
} from '../../../src/transport/observation/summaries.js';
import { ManualClock } from '../../runtime/manual-clock.js';

const workerUrl = new URL('./fragile-summarizer.js', import.meta.url);
const running: Summaries[] = [];
afterEach(async () => {
  for (const summaries of running.splice(0)) await summaries.stop();
});

function start(settled: () => Promise<void> = async () => undefined) {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = createLog({ level: 'warn', destination: { write: (line) => lines.push(line) } });
  const data = { tables: '', summaries: '' };
  const summaries = new Summaries({ workerUrl, data, system: { settled }, clock, log });
  running.push(summaries);
  const read = async (address: string) => {
    const json = await summaries.read({ kind: 'agent', address, after: null, limit: 1 });
    return json === undefined ? undefined : Buffer.from(json).toString();
  };
  return { summaries, read, clock, lines };
}

const coded = (code: string) => (error: unknown) => error instanceof CodedError && error.code === code;

describe('the summaries', () => {
  test('have a thread from the first who asks on, or after some time without anybody', async () => {
    const asked = start();
    assert.equal(asked.summaries.threadId, undefined);
    assert.equal(await asked.read('first'), 'first');
    const first = asked.summaries.threadId;
    asked.clock.advance(START_AFTER_MS);
    assert.equal(asked.summaries.threadId, first);
    const left = start();
    left.clock.advance(START_AFTER_MS - 1);
    assert.equal(left.summaries.threadId, undefined);
    left.clock.advance(1);
    assert.notEqual(left.summaries.threadId, undefined);
  });

  test('are asked only when all that was acknowledged is there, and tell why when it will not be (SM1)', async () => {
    const settling: ((error?: Error) => void)[] = [];
    const { summaries, read } = start(
      () =>
        new Promise((resolve, reject) => settling.push((error) => (error === undefined ? resolve() : reject(error)))),
    );
    const waiting = read('later');
    await new Promise(setImmediate);
    assert.equal(summaries.threadId, undefined);
    settling.shift()!();
    assert.equal(await waiting, 'later');
    const refused = assert.rejects(read('never'), coded('OVERLOADED'));
    settling.shift()!(new CodedError('OVERLOADED', { what: 'the tables' }));
    await refused;
  });

  test('tell how far they are, and log what is wrong (SM4)', async () => {
    const { summaries, read, lines } = start();
    assert.equal(summaries.folded, 0);
    assert.equal(await read('fold'), undefined);
    assert.equal(summaries.folded, 42);
    assert.match(lines.join(), /summaries_incomplete.*"events":7/);
    assert.match(lines.join(), /summaries_failed.*no room/);
  });

  test('tell who would have to wait too long, and when to come back (SM2)', async () => {
    const { read } = start();
    await assert.rejects(read('behind'), (error) => {
      assert.ok(coded('OVERLOADED')(error));
      return (error as CodedError).retryAfterMs === 10_000;
    });
    await assert.rejects(read('fail'), /it was told to/);
    assert.equal(await read('next'), 'next');
  });

  test('answer who waits for a thread that ends, and have another one after a pause, by themselves (SM3)', async () => {
    for (const deadly of ['exit', 'throw']) {
      const { summaries, read, clock, lines } = start();
      await read('alive');
      const first = summaries.threadId;
      const waiting = ['silence', deadly, 'behind it'].map((key) => assert.rejects(read(key), coded('WORKER_LOST')));
      await Promise.all(waiting);
      assert.match(lines.join(), /summaries_lost/);
      await assert.rejects(read('soon'), coded('WORKER_LOST'));
      assert.equal(summaries.threadId, undefined);
      clock.advance(RESTART_PAUSE_MS);
      assert.notEqual(summaries.threadId, undefined);
      assert.notEqual(summaries.threadId, first);
      assert.equal(await read('again'), 'again');
    }
  });

  test('let so many wait and no more (SM2)', async () => {
    const { summaries, read } = start();
    const waiting = Array.from({ length: READINGS_MAX }, () => assert.rejects(read('silence'), coded('DRAINING')));
    await assert.rejects(read('one more'), coded('OVERLOADED'));
    await new Promise(setImmediate);
    await summaries.stop();
    await Promise.all(waiting);
    await assert.rejects(read('late'), coded('DRAINING'));
  });

  test('start nothing any more when they were stopped', async () => {
    const { summaries, clock } = start();
    await summaries.stop();
    clock.advance(START_AFTER_MS);
    assert.equal(summaries.threadId, undefined);
  });
});
