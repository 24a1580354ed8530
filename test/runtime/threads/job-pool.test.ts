import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { CodedError } from '../../../src/errors.js';
import { createJobPool, type JobPool } from '../../../src/runtime/threads/job-pool.js';
import type { TestJob } from './job-pool-worker.js';

const workerUrl = new URL('./job-pool-worker.js', import.meta.url);
const open: JobPool<TestJob, number>[] = [];

function poolOf(threads: number, queueMax: number, url = workerUrl): JobPool<TestJob, number> {
  const pool = createJobPool<TestJob, number>({
    what: 'the test queue',
    workerUrl: url,
    threads,
    queueMax,
    onDefect() {},
  });
  open.push(pool);
  return pool;
}

function cell(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** A job that holds its thread until `release`. */
function hold(): { job: TestJob; begun(): Promise<void>; release(): void } {
  const begun = cell();
  const released = cell();
  return {
    job: { kind: 'hold', begun, released },
    async begun() {
      const deadline = Date.now() + 10_000;
      while (Atomics.load(begun, 0) === 0) {
        assert.ok(Date.now() < deadline, 'the job did not begin');
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    release() {
      Atomics.store(released, 0, 1);
      Atomics.notify(released, 0);
    },
  };
}

const hasCode = (code: string) => (error: unknown) => error instanceof CodedError && error.code === code;

describe('a job pool', () => {
  after(() => Promise.all(open.map((pool) => pool.close())));

  it('gives each caller the result of its own job', async () => {
    const pool = poolOf(2, 100);
    const values = Array.from({ length: 100 }, (_, value) => value);
    const results = await Promise.all(values.map((value) => pool.run({ kind: 'echo', value })));
    assert.deepEqual(results, values);
    assert.equal(pool.queued, 0);
  });

  it('refuses with OVERLOADED and a time to retry when the threads are busy and the queue is full (J1)', async () => {
    const pool = poolOf(1, 2);
    const held = hold();
    const running = pool.run(held.job);
    await held.begun();
    const waiting = [pool.run({ kind: 'echo', value: 1 }), pool.run({ kind: 'echo', value: 2 })];
    assert.equal(pool.queued, 2);
    await assert.rejects(pool.run({ kind: 'echo', value: 3 }), (error) => {
      assert.ok(error instanceof CodedError);
      assert.equal(error.code, 'OVERLOADED');
      assert.equal(error.message, 'The bound of the test queue is reached.');
      assert.equal(error.retryAfterMs, 1000);
      return true;
    });
    held.release();
    assert.equal(await running, -1);
    assert.deepEqual(await Promise.all(waiting), [1, 2]);
    assert.equal(await pool.run({ kind: 'echo', value: 4 }), 4, 'a queue with room again admits');
  });

  it('rejects with the error that a job threw, and goes on (J2)', async () => {
    const pool = poolOf(1, 10);
    await assert.rejects(pool.run({ kind: 'throw', message: 'not a number' }), /not a number/);
    assert.equal(await pool.run({ kind: 'echo', value: 5 }), 5);
  });

  it('rejects the job whose thread died, replaces the thread and runs what waited (J3)', async () => {
    const pool = poolOf(1, 10);
    for (let round = 0; round < 3; round++) {
      const dead = assert.rejects(pool.run({ kind: 'exit' }), /exited/);
      const waited = pool.run({ kind: 'echo', value: round });
      await dead;
      assert.equal(await waited, round);
    }
    assert.equal(pool.queued, 0);
  });

  it('rejects every job when its worker file does not load, and leaves none hanging (J3)', async () => {
    const pool = poolOf(1, 10, new URL('./no-such-worker.js', import.meta.url));
    for (let round = 0; round < 3; round++) {
      const outcomes = await Promise.allSettled([1, 2, 3].map((value) => pool.run({ kind: 'echo', value })));
      assert.deepEqual(
        outcomes.map((outcome) => outcome.status),
        ['rejected', 'rejected', 'rejected'],
      );
    }
    assert.equal(pool.queued, 0);
  });

  it('takes an aborted job out of the queue', async () => {
    const pool = poolOf(1, 1);
    const held = hold();
    const running = pool.run(held.job);
    await held.begun();
    const abort = new AbortController();
    const waiting = pool.run({ kind: 'echo', value: 1 }, { signal: abort.signal });
    abort.abort();
    await assert.rejects(waiting, { name: 'AbortError' });
    const next = pool.run({ kind: 'echo', value: 2 });
    held.release();
    assert.deepEqual(await Promise.all([running, next]), [-1, 2]);
  });

  it('rejects what runs, what waits and what comes later with DRAINING when it is closed (J2)', async () => {
    const pool = poolOf(1, 10);
    const held = hold();
    const running = assert.rejects(pool.run(held.job), hasCode('DRAINING'));
    await held.begun();
    const waiting = assert.rejects(pool.run({ kind: 'echo', value: 1 }), hasCode('DRAINING'));
    const closed = pool.close();
    held.release();
    await Promise.all([running, waiting, closed]);
    await assert.rejects(pool.run({ kind: 'echo', value: 2 }), hasCode('DRAINING'));
    await pool.close();
  });
});
