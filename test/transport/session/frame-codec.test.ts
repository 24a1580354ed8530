// Frames as bytes: what is an object within bounds, and what is refused before anything is built of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK } from '../../../src/contract/session.js';
import { decodeValue, encodeValue } from '../../../src/runtime/codec.js';
import { codecFor, type FrameCodec } from '../../../src/transport/session/frame-codec.js';
import { msgpackFault } from '../../../src/transport/session/msgpack-structure.js';

const json = codecFor([SUBPROTOCOL_JSON]) as FrameCodec;
const msgpack = codecFor([SUBPROTOCOL_MSGPACK]) as FrameCodec;

test('knows its subprotocols, in the order of the client', () => {
  assert.equal(codecFor([]), undefined);
  assert.equal(codecFor(['troupe', 'TROUPE.V1.JSON']), undefined);
  assert.equal(codecFor(['x', SUBPROTOCOL_MSGPACK, SUBPROTOCOL_JSON]), msgpack);
});

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(
      fc.string().filter((name) => name !== '__proto__'),
      tie('value'),
      { maxKeys: 20, noNullPrototype: true },
    ),
  ),
})).value;

test('takes every object that MessagePack can hold and JSON could, and gives it back as it was', () => {
  fc.assert(
    fc.property(plain, (value) => {
      const bytes = encodeValue({ type: 'x', value });
      assert.equal(msgpackFault(bytes), undefined);
      assert.deepEqual(msgpack.decode(bytes, true), decodeValue(bytes));
    }),
  );
});

test('takes lengths and numbers of every width', () => {
  const long = {
    a: 'x'.repeat(70_000),
    b: 'x'.repeat(300),
    c: 'x'.repeat(40),
    d: Array.from({ length: 300 }, (_, i) => i),
  };
  const wide = { e: [1.5, -1, -200, -70_000, 200, 70_000, 5e9, 2 ** 53 - 1, -(2 ** 53 - 1), null, true] };
  const value = { ...long, ...wide };
  assert.deepEqual(msgpack.decode(encodeValue(value), true), value);
});

test('gives a fault or an object for any bytes, and never throws', () => {
  const check = (bytes: Uint8Array): void => {
    for (const codec of [json, msgpack]) {
      const decoded = codec.decode(bytes, codec === msgpack);
      assert.ok(typeof decoded === 'string' || (typeof decoded === 'object' && !Array.isArray(decoded)));
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), check), { numRuns: 2_000 });
  // Sound ones that were damaged get further.
  const damaged = fc.tuple(plain, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
    const bytes = Uint8Array.from(encodeValue({ type: 'x', value }));
    bytes[at % bytes.length] = byte;
    return bytes;
  });
  fc.assert(fc.property(damaged, check), { numRuns: 2_000 });
});

test('refuses what is too many parts or too deep, before it is built', () => {
  const many = encodeValue({ more: Array.from({ length: 10_001 }, () => null) });
  assert.match(String(msgpack.decode(many, true)), /more than 10000 parts/);
  const claimed = Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff]);
  assert.match(String(msgpack.decode(claimed, true)), /more than 10000 parts/);
  const deep = Buffer.concat([Buffer.alloc(17, 0x91), Buffer.from([0xc0])]);
  assert.match(String(msgpack.decode(deep, true)), /more than 16 deep/);
  const jsonDeep = Buffer.from(`{"a":${'['.repeat(200_000)}`);
  assert.equal(typeof json.decode(jsonDeep, false), 'string');
});

test('refuses binary, extensions, texts that are not UTF-8, and anything behind the value', () => {
  const key = [0x81, 0xa1, 0x6b];
  for (const bytes of [
    [...key, 0xc4, 0x00],
    [...key, 0xc7, 0x00, 0x01],
    [...key, 0xd4, 0x72, 0x40],
    [...key, 0xd6, 0xff, 0, 0, 0, 0],
    [...key, 0xc1],
    [...key, 0xa2, 0xc3, 0x28],
    [...key, 0xa3, 0xed, 0xa0, 0x80],
    [0x80, 0xc0],
    [...key, 0xd9, 0x05, 0x61],
    [...key, 0xcb, 0x00],
    key,
  ]) {
    assert.equal(typeof msgpack.decode(Buffer.from(bytes), true), 'string', Buffer.from(bytes).toString('hex'));
  }
});

test('refuses frames of the other kind', () => {
  assert.equal(typeof json.decode(Buffer.from('{}'), true), 'string');
  assert.equal(typeof msgpack.decode(Buffer.from([0x80]), false), 'string');
});
