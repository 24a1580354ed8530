import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Defect } from '../../../src/invariant.js';
import type { Key } from '../../../src/runtime/actor.js';
import { afterKey, decodeKey, encodeKey, KEY_BYTES_MAX, rangeOf } from '../../../src/runtime/storage/keys.js';

// Short strings over few characters, so that equal parts, prefixes and neighbours are common.
const text = fc.oneof(
  fc.string({
    unit: fc.constantFrom('\0', '\u0001', 'a', 'b', '\u007f', 'é', '\uffff', '😀', '\u{10ffff}'),
    maxLength: 4,
  }),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  fc.integer({ min: -2, max: 2 }),
);
const bytes = fc.oneof(
  fc.array(fc.constantFrom(0, 1, 254, 255), { maxLength: 4 }).map((list) => Uint8Array.from(list)),
  fc.uint8Array({ maxLength: 8 }),
);
const key: fc.Arbitrary<Key> = fc
  .tuple(text, fc.array(fc.oneof(text, number, bytes), { maxLength: 3 }))
  .map(([table, parts]) => [table, ...parts]);

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Math.sign(Buffer.compare(a, b));
}

function rank(part: Key[number]): number {
  if (typeof part === 'number') return 0;
  return typeof part === 'string' ? 1 : 2;
}

/** The order that the encoding must have, said without it. */
function compareKeys(a: Key, b: Key): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareParts(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return Math.sign(a.length - b.length);
}

function compareParts(a: Key[number], b: Key[number]): number {
  if (rank(a) !== rank(b)) return Math.sign(rank(a) - rank(b));
  if (typeof a === 'number') return Math.sign(a - Number(b));
  if (typeof a === 'string') return compareBytes(Buffer.from(a), Buffer.from(String(b)));
  return compareBytes(a, b as Uint8Array);
}

function inRange(bytes: Uint8Array, range: { start: Uint8Array; end: Uint8Array }): boolean {
  return compareBytes(range.start, bytes) <= 0 && compareBytes(bytes, range.end) < 0;
}

function beginsWith(key: Key, under: Key): boolean {
  return key.length >= under.length && compareKeys(key.slice(0, under.length) as unknown as Key, under) === 0;
}

function plain(key: Key): unknown[] {
  return key.map((part) => (part instanceof Uint8Array ? [...part] : part === 0 ? 0 : part));
}

test('a key comes back from its bytes as it was (K1)', () => {
  fc.assert(fc.property(key, (each) => assert.deepEqual(plain(decodeKey(encodeKey(each))), plain(each))));
});

test('the order of the bytes is the order of the tuples (K2)', () => {
  const pair = fc.oneof(
    fc.tuple(key, key),
    // Two keys that share their beginning.
    fc
      .tuple(key, fc.array(fc.oneof(text, number, bytes), { maxLength: 2 }), fc.oneof(text, number, bytes))
      .map(([head, tail, part]): [Key, Key] => [
        [...head, ...tail],
        [...head, part],
      ]),
  );
  fc.assert(
    fc.property(pair, ([a, b]) => assert.equal(compareBytes(encodeKey(a), encodeKey(b)), compareKeys(a, b))),
    { numRuns: 2000 },
  );
});

test('a range holds exactly the keys that continue its leading parts (K3)', () => {
  const parts = fc.array(fc.oneof(text, number, bytes), { maxLength: 2 });
  fc.assert(
    fc.property(key, parts, key, (under, more, other) => {
      const range = rangeOf(under);
      assert.ok(inRange(encodeKey([...under, ...more]), range));
      assert.equal(inRange(encodeKey(other), range), beginsWith(other, under));
    }),
    { numRuns: 2000 },
  );
});

test('a prefix range holds exactly the keys whose next part is a string that begins with it (K3)', () => {
  const next = fc.oneof(text, number, bytes);
  fc.assert(
    fc.property(key, text, next, text, (under, prefix, part, rest) => {
      const range = rangeOf(under, prefix);
      assert.ok(inRange(encodeKey([...under, prefix + rest]), range));
      assert.ok(inRange(encodeKey([...under, prefix + rest, part]), range));
      const wanted = typeof part === 'string' && part.startsWith(prefix);
      assert.equal(inRange(encodeKey([...under, part]), range), wanted);
      assert.equal(inRange(encodeKey(under), range), false);
    }),
    { numRuns: 2000 },
  );
});

test('no key lies between a key and the place after it', () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      const after = afterKey(encodeKey(a));
      assert.equal(compareBytes(after, encodeKey(b)) <= 0, compareKeys(a, b) < 0);
    }),
  );
});

test('whole numbers up to 2^53 keep their order and value, and -0 is 0', () => {
  const exact = [-(2 ** 53), -1, 0, 1, 12345, 2 ** 32, 2 ** 53 - 1, 2 ** 53];
  const encoded = exact.map((value) => encodeKey(['event', value]));
  assert.deepEqual(encoded.toSorted(compareBytes), encoded);
  assert.deepEqual(
    encoded.map((each) => decodeKey(each)[1]),
    exact,
  );
  assert.deepEqual(encodeKey(['event', -0]), encodeKey(['event', 0]));
});

test('refuses what has no place in the order: half a surrogate pair, NaN, an infinity', () => {
  for (const part of ['\ud800', 'a\udc00', '\ud800a', '\udc00\ud800', Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => encodeKey(['state', part]), Defect);
  }
  assert.throws(() => rangeOf(['state'], 'a\ud83d'), Defect);
});

test('a key of the longest size is encoded and one byte more is refused by name', () => {
  const overhead = encodeKey(['state', '']).length;
  assert.equal(encodeKey(['state', 'x'.repeat(KEY_BYTES_MAX - overhead)]).length, KEY_BYTES_MAX);
  const over = 'x'.repeat(KEY_BYTES_MAX - overhead + 1);
  assert.throws(() => encodeKey(['state', over]), new RegExp(`table "state" takes ${KEY_BYTES_MAX + 1} bytes`));
  assert.throws(() => rangeOf(['state', over]), Defect);
  assert.throws(() => rangeOf(['state'], `${over}x`), Defect);
});

test('bytes that are no key are refused, not guessed at', () => {
  for (const wrong of [[], [1, 0, 0], [2, 97], [7, 0], [3, 97, 0], [2, 97, 0, 255, 0, 255]]) {
    assert.throws(() => decodeKey(Uint8Array.from(wrong)), Defect, `${wrong}`);
  }
});
