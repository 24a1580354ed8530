// MessagePack structure
//
// Whether bytes are one MessagePack value of the kind that JSON could hold too, looked at before anything is built of
// them: nil, booleans, numbers, texts of UTF-8, arrays and maps, within bounds. What the format has beyond that (binary,
// extensions) means nothing here, and a decoder may run code of its own for it.
//
// Costs a walk over the heads of the values; texts are skipped, once their UTF-8 was checked.

import { isUtf8 } from 'node:buffer';
import { JSON_PARTS_MAX } from '../http/json-structure.js';

/** Values within each other. No frame needs more than two. */
const DEPTH_MAX = 16;

const BROKEN = 'the frame is not one MessagePack value';

/** How many values each container that is open still lacks. The walk is done within one call. */
const lacking = new Uint32Array(DEPTH_MAX);

/** What is wrong with it, or undefined. */
export function msgpackFault(bytes: Uint8Array): string | undefined {
  let at = 0;
  let depth = 0;
  for (let parts = 0; ; parts++) {
    if (parts >= JSON_PARTS_MAX) return `the frame has more than ${JSON_PARTS_MAX} parts`;
    if (at >= bytes.length) return BROKEN;
    const head = bytes[at]!;
    const headBytes = 1 + lengthBytes(head);
    if (at + headBytes > bytes.length) return BROKEN;
    const length = headBytes === 1 ? shortLength(head) : readLength(bytes, at + 1, headBytes - 1);
    at += headBytes;
    const kind = kindOf(head);
    if (kind === 'other') return 'the frame holds what JSON could not: binary, or an extension';
    if (kind === 'text' || kind === 'number') {
      const end = at + (kind === 'text' ? length : numberBytes(head));
      if (end > bytes.length) return BROKEN;
      if (kind === 'text' && !isText(bytes, at, end)) return 'the frame holds a text that is not UTF-8';
      at = end;
    } else if (kind !== 'plain' && length > 0) {
      if (length > JSON_PARTS_MAX) return `the frame has more than ${JSON_PARTS_MAX} parts`;
      if (depth === DEPTH_MAX) return `the frame is more than ${DEPTH_MAX} deep`;
      lacking[depth++] = kind === 'map' ? 2 * length : length;
      continue;
    }
    // A value is there, and with it perhaps the last one of what it lies in.
    while (depth > 0 && --lacking[depth - 1]! === 0) depth--;
    if (depth === 0) return at === bytes.length ? undefined : BROKEN;
  }
}

type Kind = 'plain' | 'number' | 'text' | 'array' | 'map' | 'other';

/** `plain`: the head is all there is. */
function kindOf(head: number): Kind {
  if (head <= 0x7f || head >= 0xe0) return 'plain';
  if (head <= 0x8f) return 'map';
  if (head <= 0x9f) return 'array';
  if (head <= 0xbf) return 'text';
  if (head === 0xc0 || head === 0xc2 || head === 0xc3) return 'plain';
  if (head >= 0xca && head <= 0xd3) return 'number';
  if (head >= 0xd9 && head <= 0xdb) return 'text';
  if (head === 0xdc || head === 0xdd) return 'array';
  return head === 0xde || head === 0xdf ? 'map' : 'other';
}

/** Bytes of the length that follows the head; 0 where the head holds it, or there is none. */
function lengthBytes(head: number): number {
  switch (head) {
    case 0xd9:
      return 1;
    case 0xda:
    case 0xdc:
    case 0xde:
      return 2;
    case 0xdb:
    case 0xdd:
    case 0xdf:
      return 4;
    default:
      return 0;
  }
}

function shortLength(head: number): number {
  if (head >= 0xa0 && head <= 0xbf) return head & 0x1f;
  return head >= 0x80 && head <= 0x9f ? head & 0x0f : 0;
}

function readLength(bytes: Uint8Array, start: number, size: number): number {
  let length = 0;
  for (let i = 0; i < size; i++) length = length * 256 + bytes[start + i]!;
  return length;
}

/** Of float 32 and 64, then unsigned 8 to 64, then signed 8 to 64. */
function numberBytes(head: number): number {
  if (head <= 0xcb) return head === 0xca ? 4 : 8;
  return 1 << ((head - 0xcc) & 3);
}

function isText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (bytes[at]! >= 0x80) return isUtf8(bytes.subarray(at, end));
  }
  return true;
}
