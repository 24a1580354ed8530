import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { READS_PER_BATCH, type Read } from '../../../src/actors/reads/protocol.js';
import type { ErrorCode } from '../../../src/errors.js';
import type { Actors, Answer } from '../../../src/runtime/ref.js';
import {
  BATCH_AFTER_MS,
  RETRY_AFTER_MS,
  ReadLog,
  TOLD_EVERY_MS,
  WAITING_MAX,
} from '../../../src/transport/kernel/read-log.js';
import { ManualClock } from '../../runtime/manual-clock.js';

/** A read log whose actor answers when the test says so. */
class Stage {
  readonly clock = new ManualClock();
  readonly batches: (readonly Read[])[] = [];
  readonly told: number[] = [];
  dropped = 0;
  readonly log: ReadLog;
  readonly #asked: ((answer: Answer<null>) => void)[] = [];

  constructor() {
    const ask = (_to: unknown, _key: string, _message: string, { reads }: { reads: readonly Read[] }) => {
      this.batches.push(reads);
      return new Promise<Answer<null>>((resolve) => this.#asked.push(resolve));
    };
    this.log = new ReadLog({
      actors: { ask } as unknown as Pick<Actors, 'ask'>,
      clock: this.clock,
      log: { warn: (record) => this.told.push(Number(record.count)) },
      meter: { readsDropped: (count) => (this.dropped += count) },
    });
  }

  get underWay(): number {
    return this.#asked.length;
  }

  async answer(code?: ErrorCode): Promise<void> {
    const resolve = this.#asked.shift();
    assert.ok(resolve !== undefined, 'a batch is under way');
    resolve(code === undefined ? { ok: true, value: null, replayed: false } : { ok: false, fault: { code } });
    await Promise.resolve();
    await Promise.resolve();
  }

  read(count: number): void {
    for (let i = 0; i < count; i++) this.log.stateRead('ann', `${i}`, true);
  }
}

describe('the log of reads', () => {
  test('tells what was read in order, a batch at a time, some moments later (RL1, RL3)', async () => {
    const stage = new Stage();
    stage.log.stateRead('ann', 'k', true);
    stage.log.registryRead('bob');
    stage.log.stateRead('bob', 'absent', false);
    stage.clock.advance(BATCH_AFTER_MS - 1);
    assert.equal(stage.underWay, 0);
    stage.clock.advance(1);
    assert.deepEqual(stage.batches, [
      [
        { kind: 'state', key: 'k', by: 'ann', found: true },
        { kind: 'registry', by: 'bob' },
        { kind: 'state', key: 'absent', by: 'bob', found: false },
      ],
    ]);
    stage.read(2);
    stage.clock.advance(10 * BATCH_AFTER_MS);
    assert.equal(stage.underWay, 1, 'one batch is on its way (RL2)');
    await stage.answer();
    stage.clock.advance(0);
    assert.equal(stage.batches[1]?.length, 2);
    await stage.answer();
    stage.clock.advance(1_000);
    assert.deepEqual([stage.underWay, stage.clock.timers, stage.dropped], [0, 0, 0]);
  });

  test('sends a full batch at once, and the next behind it', async () => {
    const stage = new Stage();
    stage.read(READS_PER_BATCH * 2 + 1);
    stage.clock.advance(0);
    assert.equal(stage.batches[0]?.length, READS_PER_BATCH);
    for (const length of [READS_PER_BATCH, 1]) {
      await stage.answer();
      stage.clock.advance(0);
      assert.equal(stage.batches.at(-1)?.length, length);
    }
  });

  test('drops what is too much, counts it, and tells of it now and then (RL2, RL3)', async () => {
    const stage = new Stage();
    stage.read(WAITING_MAX + 3);
    assert.deepEqual([stage.dropped, stage.told], [3, [1]]);
    stage.clock.advance(TOLD_EVERY_MS);
    stage.read(1);
    assert.deepEqual([stage.dropped, stage.told], [4, [1, 3]]);
    await stage.answer();
    stage.read(1);
    assert.equal(stage.dropped, 4, 'there is room again');
  });

  test('keeps what is refused for want of room, and does not repeat what may have happened (RL2, RL3)', async () => {
    const stage = new Stage();
    stage.read(3);
    stage.clock.advance(BATCH_AFTER_MS);
    await stage.answer('OVERLOADED');
    stage.read(1);
    stage.clock.advance(RETRY_AFTER_MS);
    assert.deepEqual(
      stage.batches.map((batch) => batch.length),
      [3, 4],
    );
    await stage.answer('WORKER_LOST');
    stage.clock.advance(RETRY_AFTER_MS);
    assert.deepEqual([stage.underWay, stage.dropped, stage.told], [0, 4, [4]]);
  });

  test('is emptied by a stop, which does not wait for ever', async () => {
    const stage = new Stage();
    await stage.log.stop();
    stage.read(READS_PER_BATCH + 1);
    const stopped = stage.log.stop();
    stage.clock.advance(0);
    await stage.answer();
    stage.clock.advance(0);
    await stage.answer();
    await stopped;
    stage.read(1);
    const late = stage.log.stop();
    stage.clock.advance(1_000);
    await late;
    assert.equal(stage.underWay, 1);
  });
});
