import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Clock } from '../../../src/clock.js';
import { DiscardPace } from '../../../src/transport/listener/discard-pace.js';

/** A clock whose timers fire when they are told to. */
function handClock() {
  let timers: (() => void)[] = [];
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    after(_delayMs, run) {
      timers.push(run);
      return { cancel: () => assert.fail('the timer of the pace is never cancelled') };
    },
  };
  const fire = (): void => {
    const due = timers;
    timers = [];
    for (const run of due) run();
  };
  return { clock, fire, armed: () => timers.length };
}

describe('the discard pace', () => {
  test('gives one turn at a time, in the order of waiting (DP1), and stops its timer when nobody waits (DP2)', () => {
    const { clock, fire, armed } = handClock();
    const pace = new DiscardPace(clock);
    const turns: string[] = [];
    assert.equal(armed(), 0);
    const first = (): void => {
      turns.push('first');
      if (turns.length < 4) pace.wait(first);
    };
    pace.wait(first);
    pace.wait(() => turns.push('second'));
    assert.equal(armed(), 1, 'one timer for all');
    for (let n = 1; n <= 4; n++) {
      fire();
      assert.equal(turns.length, n);
    }
    assert.deepEqual(turns, ['first', 'second', 'first', 'first']);
    assert.equal(armed(), 0);
  });

  test('passes over who has given up waiting', () => {
    const { clock, fire, armed } = handClock();
    const pace = new DiscardPace(clock);
    const turns: string[] = [];
    const gone = pace.wait(() => turns.push('gone'));
    pace.wait(() => turns.push('there'));
    gone.cancel();
    fire();
    assert.deepEqual([turns, armed()], [['there'], 0]);
  });
});
