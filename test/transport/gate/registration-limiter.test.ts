import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REGISTRATION_ENTRIES_MAX, RegistrationLimiter } from '../../../src/transport/gate/registration-limiter.js';
import { ManualClock } from '../../runtime/manual-clock.js';

function limiterOf(perHour: number) {
  const clock = new ManualClock(1_700_000_000_250);
  return { clock, limiter: new RegistrationLimiter({ perHour, clock }) };
}

function ipv4(n: number): string {
  return `10.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;
}

describe('the registration limiter', () => {
  it('grants so many an hour to one address, and says when the next is', () => {
    const { clock, limiter } = limiterOf(5);
    for (let i = 0; i < 5; i++) assert.equal(limiter.take('203.0.113.7').allowed, true);
    clock.advance(600_000);
    const refused = limiter.take('203.0.113.7');
    assert.equal(refused.fault?.code, 'RATE_LIMITED');
    assert.equal(refused.retryAfterS, 3000);
    assert.equal(limiter.take('203.0.113.8').allowed, true);
    clock.advance(3_000_000);
    assert.equal(limiter.take('203.0.113.7').allowed, true);
  });

  it('counts all addresses of an IPv6 /64 as one, and those of another apart', () => {
    const { limiter } = limiterOf(2);
    assert.equal(limiter.take('2001:db8:0:1::1').allowed, true);
    assert.equal(limiter.take('2001:db8:0:1:ffff:ffff:ffff:ffff').allowed, true);
    assert.equal(limiter.take('2001:0db8::1:abcd:0:0:2').allowed, false);
    assert.equal(limiter.take('2001:db8:0:2::1').allowed, true);
  });

  it('counts an IPv4-mapped address as the IPv4 one', () => {
    const { limiter } = limiterOf(1);
    limiter.take('192.0.2.1');
    assert.equal(limiter.take('::ffff:192.0.2.1').allowed, false);
    assert.equal(limiter.take('::ffff:192.0.2.2').allowed, true);
  });

  it('refuses new addresses with OVERLOADED when its table is flooded, and takes them again after an hour', () => {
    const { clock, limiter } = limiterOf(5);
    for (let i = 0; i < REGISTRATION_ENTRIES_MAX; i++) limiter.take(ipv4(i));
    assert.equal(limiter.take('203.0.113.7').fault?.code, 'OVERLOADED');
    assert.equal(limiter.take(ipv4(0)).remaining, 3);
    clock.advance(3_600_000);
    assert.equal(limiter.take('203.0.113.7').allowed, true);
  });

  it('is off at 0', () => {
    const { limiter } = limiterOf(0);
    for (let i = 0; i < 100; i++) assert.equal(limiter.take('203.0.113.7').allowed, true);
  });
});
