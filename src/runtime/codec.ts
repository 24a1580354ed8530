// Codec
//
// The one place that turns values into bytes and back (msgpack). Everything that crosses a thread or reaches the store
// goes through here, so what does not survive it is found in tests, which force it everywhere.

import { Packr } from 'msgpackr';

// Records off: every value stands alone, readable by any msgpack reader. Buffers are copied out, so that a small
// value never keeps a whole batch alive.
const packr = new Packr({ useRecords: false, copyBuffers: true, int64AsType: 'number' });

export function encodeValue(value: unknown): Uint8Array {
  return packr.pack(value);
}

/** A value inside of other bytes: half the cost of decoding a view of it, for a view is made, and looked through, anew. */
export function decodeWithin(bytes: Uint8Array, start: number, end: number): unknown {
  return packr.unpack(bytes, { start, end });
}

/** Throws when the bytes are not one whole value. */
export function decodeValue(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}
