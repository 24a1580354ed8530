import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { COUNTED_FROM_BYTES, hasFewParts, JSON_PARTS_MAX } from '../../../src/transport/http/json-structure.js';

const few = (text: string) => hasFewParts(Buffer.from(text));
/** Makes a text long enough to be counted, with blanks, which are no parts. */
const counted = (text: string) => few(text + ' '.repeat(COUNTED_FROM_BYTES));

/** The parts of a value as JSON.stringify writes it. */
function partsOf(value: unknown): number {
  if (typeof value === 'string') return 1;
  if (typeof value !== 'object' || value === null) return 0;
  const values = Array.isArray(value) ? value : Object.values(value);
  const names = Array.isArray(value) ? 0 : values.length;
  const commas = Math.max(0, values.length - 1);
  return 1 + names + commas + values.reduce<number>((sum, inner) => sum + partsOf(inner), 0);
}

describe('the parts of a body', () => {
  test('may be as many as the bound, and not one more', () => {
    for (const [text, parts] of [
      [(n: number) => `[${'0,'.repeat(n - 1)}0]`, (n: number) => n],
      [(n: number) => '['.repeat(n), (n: number) => n],
      [(n: number) => '{'.repeat(n), (n: number) => n],
      [(n: number) => '""'.repeat(n), (n: number) => n],
      [(n: number) => `${'"\\""'.repeat(n - 1)}"`, (n: number) => n],
    ] as const) {
      assert.equal(counted(text(parts(JSON_PARTS_MAX))), true, text(3));
      assert.equal(counted(text(parts(JSON_PARTS_MAX + 1))), false, text(3));
    }
  });

  test('are not counted in a small body', () => {
    assert.equal(few('['.repeat(COUNTED_FROM_BYTES)), true);
    assert.equal(few('['.repeat(COUNTED_FROM_BYTES + 1)), false);
  });

  test('are not what a text holds, however it is escaped', () => {
    const inner = ',{[,'.repeat(JSON_PARTS_MAX);
    for (const text of [inner, `\\"${inner}`, `${inner}\\\\`, `\\\\${inner}\\"`, `${'\\\\'.repeat(9)}${inner}`]) {
      assert.equal(few(`{"value":"${text}"}`), true, text.slice(0, 20));
    }
    assert.equal(few(`["\\\\",${'0,'.repeat(JSON_PARTS_MAX)}0]`), false, 'an escaped backslash ends no text later');
    assert.equal(few(`"${inner}`), true, 'a text without an end');
    assert.equal(few(`"${inner}\\`), true, 'a text that ends in an escape');
  });

  test('are counted as they were written', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.nat({ max: 40 }), (value, more) => {
        const parts = partsOf(value) + more + 1;
        const filled = (left: number) => counted(`${JSON.stringify(value)}${','.repeat(more)}${'['.repeat(left)}`);
        assert.equal(filled(JSON_PARTS_MAX - parts + 1), true);
        assert.equal(filled(JSON_PARTS_MAX - parts + 2), false);
      }),
      { numRuns: 300 },
    );
  });
});
