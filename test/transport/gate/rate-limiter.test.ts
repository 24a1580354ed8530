import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  LIMIT_CLASSES,
  type LimitClass,
  RATE_ENTRIES_MAX,
  RateLimiter,
} from '../../../src/transport/gate/rate-limiter.js';
import { UNLIMITED, WindowTable } from '../../../src/transport/gate/window-table.js';
import { ManualClock } from '../../runtime/manual-clock.js';

const LIMITS = { message_send: 60, message_read: 300, state_read: 300, state_write: 60, registry_read: 30 };

function limiterOf(limits: Partial<Record<LimitClass, number>> = {}) {
  const clock = new ManualClock(1_700_000_000_250);
  return { clock, limiter: new RateLimiter({ perMinute: { ...LIMITS, ...limits }, clock }) };
}

describe('the rate limiter', () => {
  it('grants the limit of a class and refuses the next call with the time to retry (W1)', () => {
    const { clock, limiter } = limiterOf();
    for (let left = 59; left >= 0; left--) {
      const granted = limiter.take('tab_a', 'message_send');
      assert.deepEqual([granted.allowed, granted.limit, granted.remaining], [true, 60, left]);
    }
    clock.advance(59_500);
    const refused = limiter.take('tab_a', 'message_send');
    assert.deepEqual(refused, {
      allowed: false,
      limit: 60,
      remaining: 0,
      resetS: 1_700_000_061,
      retryAfterS: 1,
      fault: { code: 'RATE_LIMITED', params: { what: 'message_send', retryAfterMs: 1000 } },
    });
    clock.advance(500);
    assert.equal(limiter.take('tab_a', 'message_send').remaining, 59);
  });

  it('begins a window with the first call, so that a boundary of the wall clock changes nothing (W2)', () => {
    const { clock, limiter } = limiterOf({ registry_read: 2 });
    clock.setWall(1_699_999_979_999);
    limiter.take('tab_a', 'registry_read');
    clock.advance(1);
    limiter.take('tab_a', 'registry_read');
    assert.equal(limiter.take('tab_a', 'registry_read').allowed, false);
  });

  it('tells the same reset time for a whole window, also when the wall clock is set meanwhile', () => {
    const { clock, limiter } = limiterOf();
    const first = limiter.take('tab_a', 'state_read').resetS;
    clock.advance(20_123);
    clock.setWall(1_500_000_000_000);
    const second = limiter.take('tab_a', 'state_read');
    assert.equal(second.resetS, first);
    assert.equal(second.retryAfterS, 40);
  });

  it('counts each agent and each class apart', () => {
    const { limiter } = limiterOf({ message_send: 1, state_write: 1 });
    assert.equal(limiter.take('tab_a', 'message_send').allowed, true);
    assert.equal(limiter.take('tab_a', 'message_send').allowed, false);
    assert.equal(limiter.take('tab_b', 'message_send').allowed, true);
    assert.equal(limiter.take('tab_a', 'state_write').allowed, true);
  });

  it('grants a batch whole or refuses it whole (W1)', () => {
    const { limiter } = limiterOf();
    assert.equal(limiter.take('tab_a', 'message_send', 50).remaining, 10);
    assert.deepEqual(pick(limiter.take('tab_a', 'message_send', 11)), [false, 10]);
    assert.deepEqual(pick(limiter.take('tab_a', 'message_send', 10)), [true, 0]);
    assert.deepEqual(pick(limiter.take('tab_b', 'message_send', 61)), [false, 60]);
    assert.deepEqual(pick(limiter.take('tab_b', 'message_send', 60)), [true, 0]);
  });

  it('grants everything and remembers nothing where a limit is 0 (W4)', () => {
    const { limiter } = limiterOf({ message_send: 0 });
    for (let i = 0; i < 1000; i++) {
      const decision = limiter.take(`tab_${i}`, 'message_send', 100);
      assert.deepEqual([decision.allowed, decision.limit, decision.remaining], [true, UNLIMITED, UNLIMITED]);
    }
    assert.equal(limiter.size, 0);
  });

  it('refuses a new agent with OVERLOADED when its table is full, serves those known, and recovers (W3)', () => {
    const { clock, limiter } = limiterOf();
    for (let i = 0; i < RATE_ENTRIES_MAX; i++) assert.equal(limiter.take(`tab_${i}`, 'message_send').allowed, true);
    for (let i = 0; i < 1000; i++) {
      const flooded = limiter.take(`tab_new_${i}`, 'message_send');
      assert.equal(flooded.allowed, false);
      assert.equal(flooded.fault?.code, 'OVERLOADED');
    }
    assert.equal(limiter.size, RATE_ENTRIES_MAX);
    assert.equal(limiter.take('tab_7', 'message_send').remaining, 58);
    clock.advance(60_000);
    assert.equal(limiter.take('tab_new', 'message_send').allowed, true);
  });

  it('forgets ended windows with later calls, of a class without traffic too', () => {
    const { clock, limiter } = limiterOf();
    for (let i = 0; i < 500; i++) for (const limitClass of LIMIT_CLASSES) limiter.take(`tab_${i}`, limitClass);
    assert.equal(limiter.size, 2500);
    clock.advance(60_000);
    for (let i = 0; i < 3000; i++) limiter.take('tab_a', 'state_read');
    assert.equal(limiter.size, 1);
  });

  it('refuses a cost that is no positive whole number as a defect', () => {
    const { limiter } = limiterOf();
    for (const cost of [0, -1, 1.5, Number.NaN]) {
      assert.throws(() => limiter.take('tab_a', 'message_send', cost), { name: 'Defect' });
    }
  });
});

describe('a window table', () => {
  it('decides as a record of every granted call would, for any calls at any times (W1, W2)', () => {
    const call = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      cost: fc.integer({ min: 1, max: 4 }),
      passMs: fc.oneof(fc.nat(20), fc.nat(150)),
    });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 80 }), fc.integer({ min: 1, max: 6 }), (calls, limit) => {
        const clock = new ManualClock(1_700_000_000_250);
        const table = new WindowTable({ what: 'test', limit, windowMs: 100, entriesMax: 10, clock });
        const model = new Map<string, { startMs: number; used: number }>();
        for (const { key, cost, passMs } of calls) {
          clock.advance(passMs);
          const nowMs = clock.monotonic();
          const known = model.get(key);
          const window = known !== undefined && nowMs - known.startMs < 100 ? known : { startMs: nowMs, used: 0 };
          const allowed = window.used + cost <= limit;
          if (allowed) {
            window.used += cost;
            model.set(key, window);
          }
          const decision = table.take(key, cost, nowMs);
          assert.deepEqual(pick(decision), [allowed, limit - window.used]);
          assert.ok(decision.retryAfterS >= 1);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

function pick(decision: { allowed: boolean; remaining: number }): [boolean, number] {
  return [decision.allowed, decision.remaining];
}
