// Frame codec
//
// Frames as they travel: JSON text, or MessagePack. The same objects either way.
//
// FC1. What is decoded is one object, whose parts and depth are bounded before it is built.

import { Packr } from 'msgpackr';
import { type ServerFrame, SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK } from '../../contract/session.js';
import { hasFewParts, JSON_PARTS_MAX } from '../http/json-structure.js';
import { msgpackFault } from './msgpack-structure.js';

export type Encoded = string | Uint8Array;
export type DecodedFrame = Readonly<Record<string, unknown>>;

export interface FrameCodec {
  readonly protocol: string;
  /** The object, or, as a text, what is wrong with the bytes (FC1). */
  decode(bytes: Uint8Array, isBinary: boolean): DecodedFrame | string;
  /** What comes out is valid until the next call at least. */
  encode(frame: ServerFrame): Encoded;
}

// Each value stands alone, for any reader: no records, no extensions. Members that are undefined do not occur.
const packr = new Packr({ useRecords: false, int64AsType: 'number' });

const json: FrameCodec = {
  protocol: SUBPROTOCOL_JSON,
  decode(bytes, isBinary) {
    if (isBinary) return `${SUBPROTOCOL_JSON} takes text frames`;
    if (!hasFewParts(bytes)) return `the frame has more than ${JSON_PARTS_MAX} parts`;
    // The listener has seen that it is UTF-8 (socket.ts, S3).
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
    try {
      return asObject(JSON.parse(text));
    } catch {
      // SyntaxError, or a RangeError for what is too deep; their messages would quote the frame.
      return 'the frame is not JSON';
    }
  },
  encode: (frame) => JSON.stringify(frame),
};

const msgpack: FrameCodec = {
  protocol: SUBPROTOCOL_MSGPACK,
  decode(bytes, isBinary) {
    if (!isBinary) return `${SUBPROTOCOL_MSGPACK} takes binary frames`;
    const fault = msgpackFault(bytes);
    if (fault !== undefined) return fault;
    try {
      return asObject(packr.unpack(bytes));
    } catch {
      // What its structure lets through and the decoder does not, a map with a map for a key, say.
      return 'the frame is not one MessagePack value';
    }
  },
  encode: (frame) => packr.pack(frame),
};

const CODECS: readonly FrameCodec[] = [json, msgpack];

/** The codec of the first subprotocol that is known here; undefined when none is. */
export function codecFor(offered: readonly string[]): FrameCodec | undefined {
  for (const protocol of offered) {
    const codec = CODECS.find((one) => one.protocol === protocol);
    if (codec !== undefined) return codec;
  }
  return undefined;
}

function asObject(value: unknown): DecodedFrame | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'the frame is not an object';
  return value as DecodedFrame;
}
