import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { Counters, Reservations } from '../../src/runtime/counters.js';

describe('counters', () => {
  it('start at what the store holds, and are the same through every view of their memory', () => {
    const counters = new Counters(['a', 'b']);
    counters.load(1, 2 ** 52);
    const view = new Counters(['a', 'b'], counters.memory);
    assert.deepEqual([view.committed(1), view.used(1), view.committed(0)], [2 ** 52, 2 ** 52, 0]);
    view.addCommitted(1, 3);
    assert.equal(counters.committed(1), 2 ** 52 + 3);
    assert.throws(() => counters.index('c'));
  });

  it('hold used = committed + what is reserved, and never grant past the maximum (C2, C3)', () => {
    const source = fc.nat({ max: 2 });
    const step = fc.record({
      kind: fc.constantFrom('reserve', 'commit', 'release', 'die'),
      source,
      by: fc.nat({ max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.nat({ max: 200 }), (steps, max) => {
        const counters = new Counters(['n']);
        const sources = [0, 1, 2].map(() => ({ reservations: new Reservations(counters), held: [] as number[] }));
        let committed = 0;
        for (const { kind, source: index, by } of steps) {
          const { reservations, held } = sources[index]!;
          const reserved = sources.flatMap((one) => one.held).reduce((sum, n) => sum + n, 0);
          if (kind === 'reserve') {
            const granted = reservations.reserve(0, by, max);
            assert.equal(granted, committed + reserved + by <= max);
            if (granted) held.push(by);
          } else if (kind === 'die') {
            reservations.releaseAll();
            held.length = 0;
          } else if (held.length > 0) {
            const one = held.shift()!;
            if (kind === 'release') reservations.release(0, one);
            else {
              reservations.settle(0, one);
              counters.addCommitted(0, one);
              committed += one;
            }
          }
          const now = sources.flatMap((each) => each.held).reduce((sum, n) => sum + n, 0);
          assert.deepEqual([counters.committed(0), counters.used(0)], [committed, committed + now]);
          assert.ok(counters.used(0) <= max);
        }
      }),
    );
  });

  it('never grant past the maximum to threads that reserve at the same time (C2)', async () => {
    const counters = new Counters(['n']);
    const max = 10_001;
    const url = new URL('../../src/runtime/counters.js', import.meta.url).href;
    const script = `
      const { workerData, parentPort } = require('node:worker_threads');
      import(workerData.url).then(({ Counters, Reservations }) => {
        const counters = new Counters(['n'], workerData.memory);
        const reservations = new Reservations(counters);
        let granted = 0;
        for (let i = 0; i < 20000; i++) if (reservations.reserve(0, 3, workerData.max)) granted += 3;
        parentPort.postMessage(granted);
      });`;
    const grants = await Promise.all(
      [0, 1, 2].map(
        () =>
          new Promise<number>((resolve, reject) => {
            const worker = new Worker(script, { eval: true, workerData: { url, memory: counters.memory, max } });
            worker.once('message', resolve);
            worker.once('error', reject);
          }),
      ),
    );
    const granted = grants.reduce((sum, n) => sum + n, 0);
    assert.equal(granted, max - (max % 3));
    assert.equal(counters.used(0), granted);
  });
});
