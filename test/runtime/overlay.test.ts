import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Cell } from '../../src/runtime/cell.js';
import { Overlay, type Write } from '../../src/runtime/overlay.js';
import { makeToys } from './toy-kinds.js';

const CELLS = 3;
const { kind } = makeToys();

type Step =
  | { readonly kind: 'add'; readonly cell: number; readonly keys: readonly string[] }
  /** How many of those that are left. */
  | { readonly kind: 'durable' | 'applied'; readonly records: number }
  | { readonly kind: 'failed' };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      cell: fc.nat({ max: CELLS - 1 }),
      keys: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('durable' as const, 'applied' as const),
      records: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('failed' as const) }) },
);

interface Record {
  readonly number: number;
  readonly cell: number;
  readonly writes: ReadonlyMap<string, Write>;
}

function seen(cell: Cell): Map<string, string> | undefined {
  if (cell.writes === undefined) return undefined;
  return new Map([...cell.writes].map(([text, { value }]) => [text, String(value?.[0])]));
}

describe('an overlay', () => {
  it('shows each actor the newest of what it wrote and the tables lack, also when the newest failed (OV1, OV2, OV3)', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const overlay = new Overlay();
        const cells = Array.from({ length: CELLS }, (_, i) => new Cell(kind, 0, `${i}`, 0));
        // The model: every record that is not in the tables.
        let records: Record[] = [];
        let assigned = 0;
        let durable = 0;
        for (const one of steps) {
          if (one.kind === 'add') {
            const number = ++assigned;
            const value = Uint8Array.of(number % 256);
            const writes = new Map(one.keys.map((text) => [text, { text, value: text === 'c' ? null : value }]));
            overlay.add(cells[one.cell]!, number, writes);
            records.push({ number, cell: one.cell, writes });
          } else if (one.kind === 'durable') {
            durable = Math.min(assigned, durable + one.records);
          } else if (one.kind === 'applied') {
            const upTo = Math.min(durable, (records[0]?.number ?? 0) + one.records - 1);
            overlay.applied(upTo);
            records = records.filter(({ number }) => number > upTo);
          } else {
            const failed = records.filter(({ number }) => number > durable);
            const concerned = [...overlay.failed(durable)].map(({ key }) => Number(key));
            assert.deepEqual(concerned.sort(), [...new Set(failed.map(({ cell }) => cell))].sort());
            records = records.filter(({ number }) => number <= durable);
            durable = assigned;
          }
          cells.forEach((cell, index) => {
            const mine = records.filter((record) => record.cell === index && record.writes.size > 0);
            const newest = new Map(mine.flatMap(({ writes }) => [...writes]));
            const expected = new Map([...newest].map(([text, { value }]) => [text, String(value?.[0])]));
            assert.deepEqual(seen(cell), mine.length === 0 ? undefined : expected);
          });
          assert.equal(overlay.records, records.length);
          for (const number of [durable, assigned]) {
            assert.equal(overlay.isApplied(number), !records.some((record) => record.number <= number));
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('gives back what it has let go of, and goes on in order', () => {
    const overlay = new Overlay();
    const cell = new Cell(kind, 0, 'a', 0);
    for (let record = 1; record <= 10_000; record++) {
      const text = `${record % 7}`;
      overlay.add(cell, record, new Map([[text, { text, value: null }]]));
      if (record % 3 === 0) overlay.applied(record - 2);
      assert.ok(overlay.records <= 5);
    }
    overlay.applied(10_000);
    assert.deepEqual([overlay.records, cell.writes], [0, undefined]);
  });
});
