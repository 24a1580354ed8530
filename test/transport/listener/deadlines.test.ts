import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '../../../src/clock.js';
import { Deadlines, type Expirable } from '../../../src/transport/listener/deadlines.js';

/** A clock in the hand, with at most one timer at a time: more would break D2. */
class HandClock implements Clock {
  time = 0;
  timer: { dueAt: number; run: () => void } | undefined;

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  after(delayMs: number, run: () => void): { cancel(): void } {
    assert.equal(this.timer, undefined);
    this.timer = { dueAt: this.time + delayMs, run };
    return {
      cancel: () => {
        this.timer = undefined;
      },
    };
  }

  advanceTo(time: number): void {
    while (this.timer !== undefined && this.timer.dueAt <= time) {
      const { dueAt, run } = this.timer;
      this.time = dueAt;
      this.timer = undefined;
      run();
    }
    this.time = time;
  }
}

function body(expired: string[], name: string): Expirable {
  return { expire: () => expired.push(name) };
}

describe('deadlines', () => {
  it('expire who still waits, in the order of beginning, and nobody who has ended (D1)', () => {
    const clock = new HandClock();
    const deadlines = new Deadlines(100, clock);
    const expired: string[] = [];
    const [a, b, c] = [body(expired, 'a'), body(expired, 'b'), body(expired, 'c')];
    deadlines.begin(a);
    clock.advanceTo(40);
    deadlines.begin(b);
    deadlines.begin(c);
    clock.advanceTo(99);
    assert.deepEqual(expired, []);
    deadlines.end(b);
    clock.advanceTo(100);
    assert.deepEqual(expired, ['a']);
    clock.advanceTo(1000);
    assert.deepEqual(expired, ['a', 'c']);
  });

  it('run a timer only while somebody waits (D2)', () => {
    const clock = new HandClock();
    const deadlines = new Deadlines(100, clock);
    const [a, b] = [body([], 'a'), body([], 'b')];
    deadlines.begin(a);
    deadlines.begin(b);
    deadlines.end(a);
    assert.notEqual(clock.timer, undefined);
    deadlines.end(b);
    assert.equal(clock.timer, undefined);
    deadlines.begin(a);
    clock.advanceTo(100);
    assert.deepEqual([clock.timer, deadlines.waiting], [undefined, 0]);
  });

  it('let one begin again while it is expired, and keep nobody else waiting (D2, D3)', () => {
    const clock = new HandClock();
    const deadlines = new Deadlines(100, clock);
    const expired: string[] = [];
    const again: Expirable = {
      expire: () => {
        expired.push(`again ${clock.time}`);
        deadlines.begin(again);
      },
    };
    deadlines.begin(again);
    clock.advanceTo(10);
    deadlines.begin({ expire: () => expired.push(`late ${clock.time}`) });
    clock.advanceTo(200);
    assert.deepEqual(expired, ['again 100', 'late 110', 'again 200']);
  });
});
