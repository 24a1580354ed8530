import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pulse } from '../../src/runtime/pulse.js';
import { STUCK_MS, Watchdog, type Watched } from '../../src/runtime/watchdog.js';
import { ManualClock } from './manual-clock.js';

const LOOK_MS = 250;
const HANDLER_MS_MAX = 5_000;

function setUp() {
  const clock = new ManualClock();
  const watchdog = new Watchdog(clock, HANDLER_MS_MAX);
  const pulse = new Pulse();
  const told: string[] = [];
  const watched: Watched = {
    pulse: new Pulse(pulse.memory),
    stuck: () => told.push('stuck'),
    overdue: () => told.push('overdue'),
  };
  watchdog.watch(watched);
  const pass = (ms: number) => {
    for (let left = ms; left > 0; left -= LOOK_MS) clock.advance(LOOK_MS);
  };
  return { clock, watchdog, watched, pulse, told, pass };
}

describe('the watchdog', () => {
  it('says nothing of a thread that is in its loop, or whose turns come to an end', () => {
    const { pulse, told, pass } = setUp();
    pass(3 * STUCK_MS);
    pulse.beginTick();
    for (let turns = 0; turns < 20; turns++) {
      pulse.beginTurn();
      pass(STUCK_MS / 2);
    }
    pulse.endTick();
    pass(3 * HANDLER_MS_MAX);
    assert.deepEqual(told, []);
  });

  it('tells of a turn that does not end, once, then that it is overdue, once; and of the next one again (W1)', () => {
    const { pulse, told, pass } = setUp();
    pulse.beginTick();
    pulse.beginTurn();
    pass(STUCK_MS);
    assert.deepEqual(told, []);
    pass(2 * LOOK_MS);
    assert.deepEqual(told, ['stuck']);
    pass(2 * HANDLER_MS_MAX);
    assert.deepEqual(told, ['stuck', 'overdue']);
    pulse.beginTurn();
    pass(STUCK_MS + 2 * LOOK_MS);
    assert.deepEqual(told, ['stuck', 'overdue', 'stuck']);
  });

  it('does not count time in which it did not run itself (W2)', () => {
    const { clock, pulse, told } = setUp();
    pulse.beginTick();
    pulse.beginTurn();
    clock.advance(LOOK_MS);
    for (let i = 0; i < 5; i++) clock.jump(60_000);
    assert.deepEqual(told, []);
  });

  it('forgets a thread that has ended, and stops looking when it was the last', () => {
    const { clock, watchdog, watched, pulse, told, pass } = setUp();
    pulse.beginTick();
    watchdog.forget(watched);
    pass(3 * HANDLER_MS_MAX);
    assert.deepEqual(told, []);
    assert.equal(clock.timers, 0);
  });
});
