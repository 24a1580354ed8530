import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DIMENSIONS_MAX, dotProducts, STEP } from '../../../src/actors/subject/dot-products.js';
import { VectorTable } from '../../../src/actors/subject/vector-table.js';

const vectors = (dimensions: number, count: number): fc.Arbitrary<Float32Array[]> => {
  const value = fc.float({ min: -1_000, max: 1_000, noNaN: true });
  const vector = fc
    .array(value, { minLength: dimensions, maxLength: dimensions })
    .map((values) => Float32Array.from(values));
  return fc.array(vector, { minLength: count, maxLength: count });
};

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array): number => x.reduce((sum, value, at) => sum + value * y[at]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

test('a cosine is within a hundredth of the true one, for any number of dimensions', () => {
  const some = fc.integer({ min: 1, max: 70 }).chain((dimensions) => vectors(dimensions, 6));
  fc.assert(
    fc.property(some, ([query, ...others]) => {
      const table = new VectorTable();
      for (const [item, vector] of others.entries()) assert.equal(table.set(item * 2, vector), true);
      const unit = table.queryOf(query!);
      fc.pre(unit !== null && others.every((vector) => vector.some((value) => Math.abs(value) > 1e-3)));
      const cosines = table.cosines(Int32Array.of(0, 1, 2, 4, 6, 8), unit!);
      assert.ok(Number.isNaN(cosines[1]), 'an item without a vector has no cosine');
      for (const [place, item] of [0, 2, 4, 6, 8].entries()) {
        const found = cosines[item === 0 ? 0 : place + 1]!;
        assert.ok(Math.abs(found - cosine(query!, others[place]!)) < 0.01, `${found}`);
      }
    }),
    { numRuns: 300 },
  );
});

test('products are those of the numbers, at the most dimensions and the greatest values, over many chunks', () => {
  for (const [dimensions, count] of [
    [DIMENSIONS_MAX, 80],
    [512, 1_300],
    [STEP, 10],
  ] as const) {
    const rows = Int8Array.from({ length: dimensions * count }, (_, at) => ((at * 7919) % 255) - 127);
    rows.fill(127, 0, dimensions);
    rows.fill(-128, dimensions, dimensions * 2);
    const query = Float32Array.from({ length: dimensions }, (_, at) => (at % 3 === 0 ? 1 : 0.999));
    const products = dotProducts(rows, count, query);
    for (let row = 0; row < count; row++) {
      let expected = 0;
      for (let at = 0; at < dimensions; at++) expected += rows[row * dimensions + at]! * query[at]!;
      const allowed = 1 + Math.abs(expected) / 1_000;
      assert.ok(Math.abs(products[row]! - expected) < allowed, `${products[row]} for ${expected} at ${dimensions}`);
    }
  }
});

test('a table refuses what it cannot compare, and forgets what is cleared', () => {
  const table = new VectorTable();
  assert.equal(table.set(0, new Float32Array(0)), false);
  assert.equal(table.set(0, new Float32Array(DIMENSIONS_MAX + 1)), false);
  assert.equal(table.set(3, Float32Array.of(0, 0, 0)), true);
  assert.equal(table.count, 1);
  assert.deepEqual([...table.cosines(Int32Array.of(3), table.queryOf(Float32Array.of(1, 0, 0))!)], [0]);
  table.clear(3);
  table.clear(3);
  assert.equal(table.count, 0);
  assert.equal(table.queryOf(Float32Array.of(1, 0)), null);
});
