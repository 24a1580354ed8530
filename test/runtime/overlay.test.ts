import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Cell } from '../../src/runtime/cell.js';
import { Overlay } from '../../src/runtime/overlay.js';
import { hashOf, type Write } from '../../src/runtime/write-set.js';
import { makeToys } from './toy-kinds.js';

const CELLS = 3;
const KEYS = ['a', 'b', 'c', 'd'];
const { kind } = makeToys();

type Step =
  | { readonly kind: 'add'; readonly cell: number; readonly keys: readonly string[]; readonly bytes: number }
  /** How many of those that are left. */
  | { readonly kind: 'durable' | 'applied'; readonly records: number }
  | { readonly kind: 'failed' };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      cell: fc.nat({ max: CELLS - 1 }),
      keys: fc.uniqueArray(fc.constantFrom(...KEYS), { maxLength: 3 }),
      // Chunks of the bytes are used up, and some values are larger than one.
      bytes: fc.constantFrom(0, 10, 100_000, 300_000),
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
  readonly writes: readonly Write[];
}

function write(name: string, value: Uint8Array | null): Write {
  const key = Buffer.from(name);
  return { key, hash: hashOf(key), value };
}

/** A value as a text that is short and tells it from others. */
function briefly(value: Uint8Array | null): string {
  if (value === null) return 'deleted';
  return `${value.length} bytes, ${value[0]} to ${value.at(-1)}`;
}

/** What get() and eachIn() show of a cell: of all keys, and of those from a to before d. */
function seen(overlay: Overlay, cell: Cell): { readonly got: unknown; readonly walked: unknown } {
  const got = new Map<string, string>();
  for (const name of KEYS) {
    const value = overlay.get(cell, Buffer.from(name));
    if (value !== undefined) got.set(name, briefly(value));
  }
  const walked = new Map<string, string>();
  overlay.eachIn(cell, Buffer.from('a'), Buffer.from('d'), (key, value) => {
    const name = Buffer.from(key).toString();
    if (!walked.has(name)) walked.set(name, briefly(value));
  });
  return { got, walked };
}

function expected(records: readonly Record[]): Map<string, string> {
  const newest = new Map<string, string>();
  for (const { writes } of records) {
    for (const { key, value } of writes) newest.set(Buffer.from(key).toString(), briefly(value));
  }
  return newest;
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
            const value = new Uint8Array(one.bytes).fill(number % 256);
            const writes = one.keys.map((name) => write(name, name === 'c' ? null : value));
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
            const mine = records.filter((record) => record.cell === index);
            const newest = expected(mine);
            const walked = new Map([...newest].filter(([name]) => name < 'd'));
            assert.deepEqual(seen(overlay, cell), { got: newest, walked });
            assert.equal(
              cell.unapplied,
              mine.reduce((sum, { writes }) => sum + writes.length, 0),
            ); // all of them
          });
          assert.equal(overlay.records, records.length);
          for (const number of [durable, assigned]) {
            assert.equal(overlay.isApplied(number), !records.some((record) => record.number <= number));
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('does not take one key for another that has its hash', () => {
    const overlay = new Overlay();
    const cell = new Cell(kind, 0, 'a', 0);
    overlay.add(cell, 1, [write('key', null)]);
    assert.equal(overlay.get(cell, Buffer.from('yek'), hashOf(Buffer.from('key'))), undefined);
    assert.equal(overlay.get(cell, Buffer.from('key')), null);
  });

  it('holds as many as there are, in order, while it grows and when the oldest have gone', () => {
    const overlay = new Overlay();
    const cells = Array.from({ length: 50 }, (_, i) => new Cell(kind, 0, `${i}`, 0));
    const value = Buffer.alloc(8);
    let record = 0;
    let applied = 0;
    for (const lag of [10, 1_500, 5_000, 700, 5_000, 0]) {
      while (record - applied < lag) {
        record++;
        value.writeDoubleLE(record);
        overlay.add(cells[record % 50]!, record, [write(`key ${record}`, value)]);
      }
      applied = record - lag;
      overlay.applied(applied);
      for (let at = applied + 1; at <= record; at++) {
        const found = overlay.get(cells[at % 50]!, Buffer.from(`key ${at}`));
        assert.equal(Buffer.from(found!).readDoubleLE(), at);
        assert.equal(overlay.get(cells[(at + 1) % 50]!, Buffer.from(`key ${at}`)), undefined);
      }
      assert.equal(overlay.records, lag);
    }
    assert.ok(cells.every(({ unapplied }) => unapplied === 0));
  });
});
