import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { integerClamped, integerOr, queryValue } from '../../src/contract/query.js';

test('queryValue reads what URLSearchParams reads from any query that a client encodes', () => {
  const name = fc.constantFrom('limit', 'lim', 'limits', 'x', 'cursor');
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.string({ unit: 'grapheme' })), { maxLength: 6 }), (pairs) => {
      const sent = new URLSearchParams(pairs);
      for (const wanted of ['limit', 'lim', 'cursor']) {
        assert.equal(queryValue(sent.toString(), wanted), sent.get(wanted) ?? undefined);
      }
    }),
  );
});

test('queryValue tells an absent, an empty and a malformed value apart', () => {
  assert.equal(queryValue('', 'limit'), undefined);
  assert.equal(queryValue('a=1&limits=2', 'limit'), undefined);
  assert.equal(queryValue('a=1&limit', 'limit'), '');
  assert.equal(queryValue('limit=&a=1', 'limit'), '');
  assert.equal(queryValue('prefix=%zz', 'prefix'), null);
  assert.equal(queryValue('limit=1&limit=2', 'limit'), '1');
});

test('a limit that is out of range or no whole number is the default', () => {
  for (const bad of [undefined, null, '', '0', '1001', '-1', '1.5', '1e2', 'ten', ' 5', '5 ', '9'.repeat(400)]) {
    assert.equal(integerOr(bad, 1, 1000, 100), 100, String(bad));
  }
  assert.equal(integerOr('1', 1, 1000, 100), 1);
  assert.equal(integerOr('1000', 1, 1000, 100), 1000);
});

test('a wait past the longest is the longest, and one that is no number is none', () => {
  assert.equal(integerClamped('31', 30, 0), 30);
  assert.equal(integerClamped('9'.repeat(400), 30, 0), 30);
  assert.equal(integerClamped('7', 30, 0), 7);
  for (const bad of [undefined, null, '', '-1', 'soon', '1.5']) assert.equal(integerClamped(bad, 30, 0), 0);
});
