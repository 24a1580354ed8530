import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FAILED_PAUSE_MS, HELD_LOOKS_MAX, LOOK_EVERY_MS, Retention } from '../../src/archive/retention.js';
import { ManualClock } from '../runtime/manual-clock.js';
import { until } from '../server/expectations.js';

/** Retention over a played thread; a look asks for the floors once, which is how looks are counted. */
class Stage {
  readonly clock = new ManualClock();
  readonly logged: string[] = [];
  floors = [70, 50, 60];
  looks = 0;
  hurries = 0;
  trimPorts = 0;
  readonly retention: Retention;

  constructor(manner: string, policy = { days: 1, bytes: 0 }) {
    const note = ({ event }: { readonly event: string }) => void this.logged.push(event);
    this.retention = new Retention({
      workerUrl: new URL('./played-archivist.js', import.meta.url),
      directory: '',
      archiveDirectory: manner,
      policy,
      system: {
        trimEvents: (port) => {
          this.trimPorts++;
          port.close();
        },
      },
      floors: [
        {
          upTo: () => {
            this.looks++;
            return this.floors[0]!;
          },
          hurry: () => this.hurries++,
        },
        { upTo: () => this.floors[1]!, hurry: () => undefined },
        { upTo: () => this.floors[2]!, hurry: () => undefined },
      ],
      clock: this.clock,
      log: { info: note, warn: note, error: note },
    });
    this.retention.start();
    this.clock.advance(0);
  }

  get isIdle(): boolean {
    // Between two looks there is nothing but the timer of the next.
    return this.clock.timers === 1;
  }

  async rest(): Promise<void> {
    await until('it rests', () => this.isIdle);
  }

  async end(): Promise<void> {
    await this.retention.stop();
  }
}

describe('retention', () => {
  test('has no thread where everything is kept (RT5)', async () => {
    const stage = new Stage('fast', { days: 0, bytes: 0 });
    stage.clock.advance(10 * LOOK_EVERY_MS);
    assert.deepEqual([stage.looks, stage.trimPorts, stage.clock.timers], [0, 0, 0]);
    const resume = await stage.retention.pause();
    resume();
    await stage.end();
  });

  test('looks now and then, and is told the lowest floor each time (RT1, RT3)', async () => {
    const stage = new Stage('fast');
    await stage.rest();
    assert.deepEqual([stage.looks, stage.retention.latest?.trimmed], [1, 50]);
    stage.clock.advance(LOOK_EVERY_MS - 1);
    assert.equal(stage.looks, 1);
    stage.floors = [Number.POSITIVE_INFINITY, 900, 800];
    stage.clock.advance(1);
    await stage.rest();
    assert.deepEqual([stage.looks, stage.retention.latest?.trimmed, stage.trimPorts], [2, 800, 1]);
    await stage.end();
  });

  test('looks again at once while there is more to do (RT1)', async () => {
    const stage = new Stage('busy');
    for (let look = 1; look < 5; look++) {
      await stage.rest();
      assert.equal(stage.looks, look);
      stage.clock.advance(0);
    }
    await stage.rest();
    stage.clock.advance(0);
    assert.equal(stage.looks, 5);
    await stage.end();
  });

  test('is paused when the look that was under way is over, until the last pause has ended (RT2)', async () => {
    const stage = new Stage('slow');
    assert.equal(stage.looks, 1);
    const [first, second] = await Promise.all([stage.retention.pause(), stage.retention.pause()]);
    assert.equal(stage.retention.latest?.trimmed, 50, 'the look is over');
    stage.clock.advance(10 * LOOK_EVERY_MS);
    first();
    first();
    stage.clock.advance(10 * LOOK_EVERY_MS);
    assert.equal(stage.looks, 1);
    second();
    stage.clock.advance(LOOK_EVERY_MS);
    assert.equal(stage.looks, 2);
    await stage.rest();
    await stage.end();
  });

  test('replaces a thread that has ended, and tells of it (RT4)', async () => {
    const stage = new Stage('dies');
    for (let life = 1; life <= 3; life++) {
      await stage.rest();
      assert.deepEqual([stage.looks, stage.trimPorts], [life, life]);
      stage.clock.advance(FAILED_PAUSE_MS - 1);
      assert.equal(stage.looks, life);
      stage.clock.advance(1);
    }
    await stage.rest();
    await stage.end();
  });

  test('tries again what failed, and tells when that begins and when it is over (RT4)', async () => {
    const stage = new Stage('fails once');
    await stage.rest();
    assert.deepEqual(stage.logged, ['retention_failing']);
    stage.clock.advance(FAILED_PAUSE_MS);
    await stage.rest();
    assert.deepEqual(stage.logged, ['retention_failing', 'retention_goes_on']);
    await stage.end();
  });

  test('asks what holds something back to hurry, and tells once that it has been so for long (RT3)', async () => {
    const stage = new Stage('held');
    await stage.rest();
    for (let look = 1; look < HELD_LOOKS_MAX; look++) {
      assert.deepEqual([stage.hurries, stage.logged], [look, []]);
      stage.clock.advance(LOOK_EVERY_MS);
      await stage.rest();
    }
    stage.clock.advance(LOOK_EVERY_MS);
    await stage.rest();
    assert.deepEqual([stage.hurries, stage.logged], [HELD_LOOKS_MAX + 1, ['retention_held']]);
    await stage.end();
  });
});
