import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeUtf8, exceedsBytes, percentDecode, utf8Bytes } from '../../src/contract/text.js';

test('exceedsBytes agrees with the number of UTF-8 bytes for any text and bound', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.nat(130), (text, bytesMax) => {
      assert.equal(exceedsBytes(text, bytesMax), utf8Bytes(text) > bytesMax);
    }),
  );
});

test('decodeUtf8 gives back what was encoded, and nothing for broken bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(decodeUtf8(Buffer.from(text, 'utf8')), text);
    }),
  );
  for (const broken of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf5, 0x80, 0x80, 0x80]]) {
    assert.equal(decodeUtf8(Uint8Array.from(broken)), undefined);
  }
});

test('decodeUtf8 keeps a byte order mark, so that JSON refuses it', () => {
  assert.equal(decodeUtf8(Uint8Array.from([0xef, 0xbb, 0xbf, 0x31])), '\ufeff1');
});

test('percentDecode decodes once and refuses malformed escapes', () => {
  assert.equal(percentDecode('a%2Fb%2520c'), 'a/b%20c');
  assert.equal(percentDecode('a+b'), 'a+b');
  for (const bad of ['%', '%2', '%zz', '%ff', '%ed%a0%80']) assert.equal(percentDecode(bad), undefined);
});
