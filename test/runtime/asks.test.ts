import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ASKS_MAX, Asks } from '../../src/runtime/asks.js';
import { encodeValue } from '../../src/runtime/codec.js';
import type { Answer } from '../../src/runtime/ref.js';
import { NOBODY } from '../../src/runtime/shard-map.js';
import { ManualClock } from './manual-clock.js';

function stage() {
  const clock = new ManualClock();
  const asks = new Asks(clock);
  const answers: [number, Answer<unknown>][] = [];
  const wait = (worker: number, timeoutMs = 1_000) => {
    const correlation = asks.next();
    asks.wait(correlation, worker, timeoutMs, (answer) => answers.push([correlation, answer]));
    return correlation;
  };
  const reply = (correlation: number, value: unknown, fault = false) =>
    asks.settle({ correlation, fault, replayed: false, more: false, payload: encodeValue(value) });
  return { clock, asks, answers, wait, reply };
}

describe('asks', () => {
  it('are answered by their own reply, once (AS1, AS3)', () => {
    const { asks, answers, wait, reply } = stage();
    const [one, two] = [wait(0), wait(0)];
    reply(two, 'second');
    reply(one, { code: 'NOT_FOUND', params: {} }, true);
    reply(one, 'late');
    reply(999, 'nobody asked');
    assert.deepEqual(answers, [
      [two, { ok: true, value: 'second', replayed: false }],
      [one, { ok: false, fault: { code: 'NOT_FOUND', params: {} } }],
    ]);
    assert.equal(asks.size, 0);
  });

  it('end at their time limit, each at its own, and leave no timer behind (AS1)', () => {
    const { clock, asks, answers, wait, reply } = stage();
    const [early, late] = [wait(0, 1_000), wait(0, 5_000)];
    clock.advance(999);
    assert.equal(answers.length, 0);
    clock.advance(251);
    assert.deepEqual(answers, [[early, { ok: false, fault: { code: 'ASK_TIMEOUT' } }]]);
    reply(early, 'too late');
    reply(late, 'in time');
    assert.equal(answers.length, 2);
    clock.advance(10_000);
    assert.deepEqual([asks.size, clock.timers], [0, 0]);
  });

  it('of a lost worker are told so, and no others (AS1)', () => {
    const { asks, answers, wait } = stage();
    const [mine] = [wait(0), wait(1)];
    asks.lose(0);
    assert.deepEqual(answers, [[mine, { ok: false, fault: { code: 'WORKER_LOST' } }]]);
    assert.equal(asks.size, 1);
  });

  it('that began while nobody owned their slot are told of any loss, for any worker may have been sent them (AS1)', () => {
    const { asks, answers, wait } = stage();
    const [unowned] = [wait(NOBODY), wait(1)];
    asks.lose(0);
    assert.deepEqual(answers, [[unowned, { ok: false, fault: { code: 'WORKER_LOST' } }]]);
    assert.equal(asks.size, 1);
  });

  it('are full at their bound (AS2)', () => {
    const { asks, wait, reply } = stage();
    const first = wait(0);
    for (let i = 1; i < ASKS_MAX; i++) wait(0);
    assert.equal(asks.isFull, true);
    reply(first, null);
    assert.equal(asks.isFull, false);
  });
});
