import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CELL_BYTES, Cell } from '../../src/runtime/cell.js';
import { Residents, TRIM_SCAN_MAX } from '../../src/runtime/passivation.js';
import { makeToys } from './toy-kinds.js';

const { kind } = makeToys();
const cellOf = (key: number) => new Cell(kind, 0, `${key}`, 0);

type Step =
  | { readonly kind: 'use' | 'remove'; readonly cell: number; readonly bytes: number }
  | { readonly kind: 'trim' };
const cellNumber = fc.nat({ max: 12 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('use' as const, 'remove' as const),
      cell: cellNumber,
      bytes: fc.nat({ max: 5_000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('trim' as const) }) },
);

describe('residents', () => {
  it('leave in the order of their last use until the rest fits, and their bytes are exact (P1)', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const bytesMax = 12_000;
        const residents = new Residents(bytesMax);
        const cells = new Map<number, Cell>();
        // The model: least recently used first.
        let order: { readonly number: number; readonly bytes: number }[] = [];
        const sizeOf = (number: number, bytes: number) => CELL_BYTES + `${number}`.length + bytes;
        const total = () => order.reduce((sum, { bytes }) => sum + bytes, 0);
        for (const one of steps) {
          if (one.kind === 'trim') {
            const left: string[] = [];
            residents.trim((cell) => {
              residents.remove(cell);
              left.push(cell.key);
              return true;
            });
            const expected: string[] = [];
            while (total() > bytesMax) {
              const { number } = order.shift()!;
              cells.delete(number);
              expected.push(`${number}`);
            }
            assert.deepEqual(left, expected);
          } else {
            const cell = cells.get(one.cell);
            order = order.filter(({ number }) => number !== one.cell);
            if (one.kind === 'remove') {
              if (cell !== undefined) residents.remove(cell);
              cells.delete(one.cell);
            } else {
              const used = cell ?? cellOf(one.cell);
              if (cell === undefined) residents.add(used);
              residents.touch(used, one.bytes);
              cells.set(one.cell, used);
              order.push({ number: one.cell, bytes: sizeOf(one.cell, one.bytes) });
            }
          }
          assert.deepEqual([residents.bytes, residents.count], [total(), order.length]);
          assert.equal(residents.tooMany, total() > bytesMax);
        }
      }),
    );
  });

  it('that may not go are looked at a bounded number of times, and not first again (P2)', () => {
    const residents = new Residents(0);
    const cells = Array.from({ length: TRIM_SCAN_MAX * 2 }, (_, key) => cellOf(key));
    for (const cell of cells) residents.add(cell);
    const seen: string[] = [];
    const refuse = (cell: Cell) => {
      seen.push(cell.key);
      return false;
    };
    residents.trim(refuse);
    assert.equal(seen.length, TRIM_SCAN_MAX);
    residents.trim(refuse);
    assert.deepEqual(
      seen,
      cells.map(({ key }) => key),
    );
  });
});
