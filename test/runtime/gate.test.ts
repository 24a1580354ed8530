import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Gates } from '../../src/runtime/gate.js';

interface Step {
  readonly kind: 'assign' | 'fail' | 'hold' | 'open';
  /** How many records ago. */
  readonly back: number;
}
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('assign' as const), back: fc.constant(0) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('hold' as const), back: fc.nat({ max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('open' as const), back: fc.nat({ max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail' as const), back: fc.constant(0) }) },
);

const impossible = (output: number) => assert.fail(`${output} left`);

describe('gates', () => {
  it('let every output out once, in order, when its record is settled, and not before (GT1, GT2, GT3)', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
        const left: string[] = [];
        const gates = new Gates<number>(
          (output) => left.push(`open ${output}`),
          (output) => left.push(`fail ${output}`),
        );
        const expected: string[] = [];
        let waiting: { readonly number: number; readonly output: number }[] = [];
        let settled = 0;
        let assigned = 0;
        let outputs = 0;
        const settle = (upTo: number, how: string) => {
          const due = waiting.filter(({ number }) => number <= upTo).sort((a, b) => a.number - b.number);
          waiting = waiting.filter(({ number }) => number > upTo);
          expected.push(...due.map(({ output }) => `${how} ${output}`));
          settled = Math.max(settled, upTo);
        };
        for (const one of steps) {
          if (one.kind === 'assign') assert.equal(gates.assign(), ++assigned);
          else if (one.kind === 'fail') {
            gates.failAll();
            settle(assigned, 'fail');
          } else if (one.kind === 'open') {
            const number = Math.max(0, assigned - one.back);
            gates.open(number);
            settle(number, 'open');
          } else {
            const number = Math.max(0, assigned - one.back);
            gates.hold(number, ++outputs);
            if (number <= settled) expected.push(`open ${outputs}`);
            else waiting.push({ number, output: outputs });
          }
          assert.deepEqual(left, expected);
          assert.equal(gates.settled, settled);
        }
      }),
    );
  });

  it('stay in order across the giving back of their queue', () => {
    const left: number[] = [];
    const gates = new Gates<number>((output) => left.push(output), impossible);
    for (let i = 1; i <= 5_000; i++) {
      gates.hold(gates.assign(), i);
      if (i % 7 === 0) gates.open(i - 3);
    }
    gates.open(5_000);
    assert.deepEqual(
      left,
      Array.from({ length: 5_000 }, (_, i) => i + 1),
    );
  });

  it('do not believe an acknowledgement of what was never sent', () => {
    const gates = new Gates<number>(impossible, impossible);
    assert.throws(() => gates.open(1));
    assert.throws(() => gates.hold(1, 1));
  });
});
