import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InFlight, type Release } from '../../../src/transport/gate/in-flight.js';

/** Enters where nobody can be inside. */
function enterFree(inFlight: InFlight, scope: string, key: string): Release {
  const entry = inFlight.enter(scope, key);
  assert.ok(entry.kind === 'entered');
  return entry.release;
}

describe('requests with the same idempotency key', () => {
  it('go in one at a time, in the order they came (K1)', async () => {
    const inFlight = new InFlight();
    const order: number[] = [];
    let inside = 0;
    const request = async (n: number) => {
      const entry = inFlight.enter('agent:a', 'k');
      assert.notEqual(entry.kind, 'refused');
      const release = entry.kind === 'waiting' ? await entry.entered : entry.kind === 'entered' ? entry.release : null;
      assert.equal(++inside, 1);
      await Promise.resolve();
      order.push(n);
      inside--;
      release?.();
    };
    await Promise.all(Array.from({ length: 9 }, (_, n) => request(n)));
    assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert.equal(inFlight.count, 0);
  });

  it('do not wait for another scope or another key', () => {
    const inFlight = new InFlight();
    enterFree(inFlight, 'agent:a', 'k');
    enterFree(inFlight, 'agent:b', 'k');
    enterFree(inFlight, 'agent:a', 'k2');
    enterFree(inFlight, 'agent:', 'ak');
    assert.equal(inFlight.count, 4);
  });

  it('wait eight at a time; the next is refused with OVERLOADED (K2)', async () => {
    const inFlight = new InFlight();
    const release = enterFree(inFlight, 'agent:a', 'k');
    const waiting = Array.from({ length: 8 }, () => inFlight.enter('agent:a', 'k'));
    const refused = inFlight.enter('agent:a', 'k');
    assert.equal(refused.kind === 'refused' && refused.fault.code, 'OVERLOADED');
    assert.equal(inFlight.count, 9);
    release();
    assert.equal(inFlight.enter('agent:a', 'k').kind, 'waiting', 'a place is free again');
    for (const entry of waiting) if (entry.kind === 'waiting') (await entry.entered)();
    assert.equal(inFlight.count, 1);
  });

  it('are bounded in all (K2)', () => {
    const inFlight = new InFlight();
    const releases = Array.from({ length: 65_536 }, (_, n) => enterFree(inFlight, 'agent:a', `k${n}`));
    const refused = inFlight.enter('agent:b', 'k');
    assert.equal(refused.kind === 'refused' && refused.fault.code, 'OVERLOADED');
    for (const release of releases) release();
    assert.equal(inFlight.count, 0);
    enterFree(inFlight, 'agent:b', 'k');
  });

  it('let one in for each release, however often it is called (K1)', async () => {
    const inFlight = new InFlight();
    const release = enterFree(inFlight, 'agent:a', 'k');
    const second = inFlight.enter('agent:a', 'k');
    let thirdIn = false;
    const third = inFlight.enter('agent:a', 'k');
    assert.ok(second.kind === 'waiting' && third.kind === 'waiting');
    const thirdEntered = third.entered.then((leave) => {
      thirdIn = true;
      return leave;
    });
    release();
    release();
    const leaveSecond = await second.entered;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(thirdIn, false);
    leaveSecond();
    (await thirdEntered)();
    assert.equal(inFlight.count, 0);
  });
});
