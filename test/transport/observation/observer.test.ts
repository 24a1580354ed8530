import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { CodedError } from '../../../src/errors.js';
import { createLog } from '../../../src/log.js';
import { Observer, READINGS_MAX, RESTART_PAUSE_MS } from '../../../src/transport/observation/observer.js';
import { ManualClock } from '../../runtime/manual-clock.js';

const workerUrl = new URL('./fragile-observer.js', import.meta.url);
const running: Observer[] = [];
afterEach(async () => {
  for (const observer of running.splice(0)) await observer.stop();
});

function start(settled: () => Promise<void> = async () => undefined) {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = createLog({ level: 'warn', destination: { write: (line) => lines.push(line) } });
  const taps: unknown[] = [];
  const system = {
    settled,
    tapEvents: (port: { close(): void }) => {
      taps.push(port);
      port.close();
    },
  };
  const observer = new Observer({ workerUrl, data: { directory: '', archives: '' }, system, clock, log });
  running.push(observer);
  const read = async (key: string) => {
    const json = await observer.read({ kind: 'entry', key });
    return Buffer.from(json!).toString();
  };
  return { observer, read, clock, lines, taps };
}

const coded = (code: string) => (error: unknown) => error instanceof CodedError && error.code === code;

describe('the observer', () => {
  test('has no thread before somebody asks', async () => {
    const { observer, read } = start();
    observer.tell({ kind: 'untap' });
    assert.equal(observer.threadId, undefined);
    assert.equal(await read('first'), 'first');
    assert.notEqual(observer.threadId, undefined);
  });

  test('asks only when all that was acknowledged is there, and tells why when it will not be (OB1)', async () => {
    let settle = (_: unknown) => {};
    const { observer, read } = start(
      () =>
        new Promise((resolve, reject) => {
          settle = (error) => (error === undefined ? resolve() : reject(error));
        }),
    );
    const waiting = read('later');
    await new Promise(setImmediate);
    assert.equal(observer.threadId, undefined);
    settle(undefined);
    assert.equal(await waiting, 'later');
    const refused = assert.rejects(read('never'), coded('OVERLOADED'));
    settle(new CodedError('OVERLOADED', { what: 'the tables' }));
    await refused;
  });

  test('answers who waits for a thread that ends, tells the streams, and has another one after a pause (OB3)', async () => {
    for (const deadly of ['exit', 'throw']) {
      const { observer, read, clock, lines } = start();
      let lost = 0;
      observer.listen({ opened: () => {}, archived: () => {}, past: () => {}, live: () => {}, lost: () => lost++ });
      await read('alive');
      const first = observer.threadId;
      const waiting = ['silence', deadly, 'behind'].map((key) => assert.rejects(read(key), coded('WORKER_LOST')));
      await Promise.all(waiting);
      assert.equal(lost, 1);
      assert.match(lines.join(), /observer_lost/);
      assert.equal(observer.threadId, undefined);
      await assert.rejects(read('soon'), (error) => {
        assert.ok(coded('WORKER_LOST')(error));
        return (error as CodedError).retryAfterMs! > 0;
      });
      assert.throws(() => observer.tap(), coded('WORKER_LOST'));
      clock.advance(RESTART_PAUSE_MS);
      assert.equal(await read('again'), 'again');
      assert.notEqual(observer.threadId, first);
    }
  });

  test('tells a reading that failed, and goes on', async () => {
    const { observer, read } = start();
    await assert.rejects(read('fail'), /it was told to/);
    const before = observer.threadId;
    assert.equal(await read('next'), 'next');
    assert.equal(observer.threadId, before);
  });

  test('lets so many wait and no more (OB2)', async () => {
    const { observer, read } = start();
    const waiting = Array.from({ length: READINGS_MAX }, () => assert.rejects(read('silence'), coded('DRAINING')));
    await assert.rejects(read('one more'), coded('OVERLOADED'));
    await new Promise(setImmediate);
    await observer.stop();
    await Promise.all(waiting);
    await assert.rejects(read('late'), coded('DRAINING'));
  });

  test('taps once, and again when it was let go of', async () => {
    const { observer, taps } = start();
    observer.tap();
    observer.tap();
    assert.equal(taps.length, 1);
    observer.untap();
    observer.untap();
    observer.tap();
    assert.equal(taps.length, 2);
  });
});
