// Keys
//
// The ordered encoding of `Key` tuples to the bytes that a store sorts by, and back. Every part is a tag and its
// content, so that parts of different types never mix: numbers, then strings, then bytes.
//
//   number  0x01  the double in 8 big-endian bytes; the sign bit flipped, or all bits when it is negative
//   string  0x02  UTF-8, 0x00 written as 0x00 0xff, then 0x00
//   bytes   0x03  as they are, 0x00 written as 0x00 0xff, then 0x00
//
// What follows a closing 0x00 is a tag or the end, both smaller than 0xff: a part sorts before every longer part that
// it begins, and [a, b] before [a, b, c].
//
// K1. decodeKey(encodeKey(key)) equals key (-0 becomes 0).
// K2. The order of the bytes is the order of the tuples: part by part, numbers by value, strings by UTF-8, bytes by byte.
// K3. rangeOf(under) holds `under` itself and every key that continues it, and no other.

import { invariant } from '../../invariant.js';
import type { Key } from '../actor.js';

/** The longest key, in encoded bytes. LMDB takes 1978 in pages of 4 KiB; one is kept for afterKey(). */
export const KEY_BYTES_MAX = 1977;

const NUMBER = 0x01;
const STRING = 0x02;
const BYTES = 0x03;
const END = 0x00;
const ESCAPE = 0xff;

type Part = Key[number];

/** Keys with start <= key < end. */
export interface KeyRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

// Keys are written here first, so that a key costs one allocation of its exact size. Writes past the end are ignored
// by typed arrays, while the position goes on: finish() sees the true length.
const scratch = new Uint8Array(KEY_BYTES_MAX);
const float = new Float64Array(1);
const floatView = new DataView(float.buffer);

/**
 * The bytes of a key. Throws a Defect when it is longer than KEY_BYTES_MAX, or holds a lone surrogate or a number that
 * is not finite: whatever comes from outside was bounded and checked before.
 */
export function encodeKey(key: Key): Uint8Array {
  return finish(writeKey(key), key);
}

/** The key of bytes that encodeKey gave. Throws a Defect for any other bytes that it can tell from them. */
export function decodeKey(bytes: Uint8Array): Key {
  const parts: Part[] = [];
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at < view.length) {
    const tag = view[at++];
    if (tag === NUMBER) {
      invariant(at + 8 <= view.length, 'A stored key ends inside a number.');
      parts.push(readNumber(view, at));
      at += 8;
      continue;
    }
    invariant(tag === STRING || tag === BYTES, () => `A stored key has a part of unknown type ${tag}.`);
    const end = contentEnd(view, at);
    parts.push(tag === STRING ? readString(view, at, end) : withoutEscapes(view, at, end));
    at = end + 1;
  }
  const [table, ...rest] = parts;
  invariant(typeof table === 'string', 'A stored key does not begin with the name of a table.');
  return [table, ...rest];
}

/**
 * All keys whose leading parts are exactly `under`, with `under` itself; with `prefix`, only those whose next part is a
 * string that begins with it. Throws as encodeKey does.
 */
export function rangeOf(under: Key, prefix?: string): KeyRange {
  let length = writeKey(under);
  if (prefix === undefined) {
    const end = new Uint8Array(length + 1);
    const start = finish(length, under);
    end.set(start);
    end[length] = ESCAPE; // greater than any tag, and smaller than any sibling of the last part
    return { start, end };
  }
  scratch[length++] = STRING;
  const start = finish(writeString(prefix, length), under);
  return { start, end: afterPrefix(start) };
}

/** The smallest key that is greater than this one: where a range starts that excludes it. */
export function afterKey(key: Uint8Array): Uint8Array {
  const after = new Uint8Array(key.length + 1);
  after.set(key);
  return after;
}

/** The smallest bytes greater than all that begin with `prefix`, which holds a byte below 0xff: its first tag. */
function afterPrefix(prefix: Uint8Array): Uint8Array {
  let length = prefix.length;
  while (prefix[length - 1] === 0xff) length--;
  const after = prefix.slice(0, length);
  after[length - 1] = after[length - 1]! + 1;
  return after;
}

function finish(length: number, key: Key): Uint8Array {
  invariant(
    length <= KEY_BYTES_MAX,
    () => `A key in table "${key[0]}" takes ${length} bytes; the longest possible takes ${KEY_BYTES_MAX}.`,
  );
  return scratch.slice(0, length);
}

function writeKey(key: Key): number {
  let at = 0;
  for (let i = 0; i < key.length; i++) {
    const part = key[i]!;
    if (typeof part === 'string') {
      scratch[at] = STRING;
      at = writeString(part, at + 1);
      scratch[at++] = END;
    } else if (typeof part === 'number') {
      scratch[at] = NUMBER;
      at = writeNumber(part, at + 1);
    } else {
      scratch[at] = BYTES;
      at = writeBytes(part, at + 1);
      scratch[at++] = END;
    }
  }
  return at;
}

function writeString(text: string, start: number): number {
  let at = start;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      scratch[at++] = unit;
      if (unit === 0) scratch[at++] = ESCAPE;
    } else if (unit < 0x800) {
      scratch[at++] = 0xc0 | (unit >> 6);
      scratch[at++] = 0x80 | (unit & 0x3f);
    } else if (unit < 0xd800 || unit > 0xdfff) {
      scratch[at++] = 0xe0 | (unit >> 12);
      scratch[at++] = 0x80 | ((unit >> 6) & 0x3f);
      scratch[at++] = 0x80 | (unit & 0x3f);
    } else {
      const low = text.charCodeAt(++i);
      invariant(unit < 0xdc00 && low >= 0xdc00 && low <= 0xdfff, 'A key holds half of a surrogate pair.');
      const point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
      scratch[at++] = 0xf0 | (point >> 18);
      scratch[at++] = 0x80 | ((point >> 12) & 0x3f);
      scratch[at++] = 0x80 | ((point >> 6) & 0x3f);
      scratch[at++] = 0x80 | (point & 0x3f);
    }
  }
  return at;
}

function writeNumber(value: number, at: number): number {
  invariant(Number.isFinite(value), () => `A key holds ${value}, which has no place in an order.`);
  floatView.setFloat64(0, value + 0); // -0 + 0 is 0
  const high = floatView.getInt32(0);
  const flip = high < 0 ? 0xff : 0;
  scratch[at] = (high >>> 24) ^ flip ^ (flip === 0 ? 0x80 : 0);
  for (let i = 1; i < 8; i++) scratch[at + i] = floatView.getUint8(i) ^ flip;
  return at + 8;
}

function writeBytes(bytes: Uint8Array, start: number): number {
  let at = start;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    scratch[at++] = byte;
    if (byte === 0) scratch[at++] = ESCAPE;
  }
  return at;
}

function readNumber(bytes: Uint8Array, at: number): number {
  const positive = (bytes[at]! & 0x80) !== 0;
  floatView.setUint8(0, bytes[at]! ^ (positive ? 0x80 : 0xff));
  for (let i = 1; i < 8; i++) floatView.setUint8(i, bytes[at + i]! ^ (positive ? 0 : 0xff));
  return floatView.getFloat64(0);
}

/** The place of the 0x00 that closes the part which starts at `at`. */
function contentEnd(bytes: Buffer, start: number): number {
  let at = bytes.indexOf(END, start);
  while (at !== -1 && bytes[at + 1] === ESCAPE) at = bytes.indexOf(END, at + 2);
  invariant(at !== -1, 'A stored key ends inside a part.');
  return at;
}

function readString(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end);
  return text.includes('\0') ? Buffer.from(withoutEscapes(bytes, start, end)).toString() : text;
}

/** A copy of the content without its escapes. */
function withoutEscapes(bytes: Buffer, start: number, end: number): Uint8Array {
  const content = new Uint8Array(end - start);
  let length = 0;
  for (let at = start; at < end; at++) {
    content[length++] = bytes[at]!;
    if (bytes[at] === END) at++;
  }
  return content.slice(0, length);
}
