// Session wire
//
// WebSocket frames (RFC 6455) as bytes: made, right or wrong, as a fuzzer wants them, and read as strictly as they may be.

import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface WireFrame {
  readonly opcode: number;
  readonly payload: Uint8Array;
  readonly fin?: boolean;
  /** The three reserved bits, 0 to 7; 4 is the one of compression. */
  readonly rsv?: number;
  readonly masked?: boolean;
  /** How the length is written; the shortest way when absent. */
  readonly lengthForm?: 'short' | '16' | '64';
  /** What is told instead of the true length. */
  readonly toldLength?: bigint;
}

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

export function encodeWire(frame: WireFrame): Buffer {
  const { opcode, payload, fin = true, rsv = 0, masked = true } = frame;
  const length = frame.toldLength ?? BigInt(payload.length);
  const form = frame.lengthForm ?? (length < 126n ? 'short' : length < 65_536n ? '16' : '64');
  const head = Buffer.alloc(form === 'short' ? 2 : form === '16' ? 4 : 10);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | (form === 'short' ? Number(length & 0x7fn) : form === '16' ? 126 : 127);
  if (form === '16') head.writeUInt16BE(Number(length & 0xffffn), 2);
  if (form === '64') head.writeBigUInt64BE(length, 2);
  if (!masked) return Buffer.concat([head, payload]);
  const body = Buffer.from(payload);
  for (let i = 0; i < body.length; i++) body[i] = body[i]! ^ MASK[i & 3]!;
  return Buffer.concat([head, MASK, body]);
}

export function closePayload(code: number, reason = ''): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2);
  return payload;
}

export interface Heard {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** What a server said is no WebSocket, or none that this one may speak. */
export class BadFrame extends Error {
  override readonly name = 'BadFrame';
}

const CONTROL_BYTES_MAX = 125;
/** Nothing that is asked for in a fuzz run has a larger answer. */
const PAYLOAD_BYTES_MAX = 4 * 1024 * 1024;

/** Reads what a server sends behind its 101: whole frames, unmasked, without extensions, their lengths written shortly. */
export class WireReader {
  #rest: Buffer = Buffer.alloc(0);
  #closed = false;

  /** Of a frame that has not come whole. */
  get restBytes(): number {
    return this.#rest.length;
  }

  push(piece: Buffer): Heard[] {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const heard: Heard[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
      if (this.#closed) throw new BadFrame('something was said behind a close frame');
      if (frame.opcode === OPCODE.close) this.#closed = true;
      heard.push(frame);
    }
    return heard;
  }

  #next(): Heard | undefined {
    const bytes = this.#rest;
    if (bytes.length < 2) return undefined;
    const opcode = bytes[0]! & 0x0f;
    if ((bytes[0]! & 0xf0) !== 0x80) throw new BadFrame(`the first byte ${bytes[0]!.toString(16)}`);
    if (!(Object.values(OPCODE) as number[]).includes(opcode) || opcode === OPCODE.continuation) {
      throw new BadFrame(`the opcode ${opcode}`);
    }
    if ((bytes[1]! & 0x80) !== 0) throw new BadFrame('a server must not mask');
    const short = bytes[1]!;
    const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < headBytes) return undefined;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if ((headBytes === 4 && length < 126) || (headBytes === 10 && length < 65_536)) throw new BadFrame('a long length');
    if (length > PAYLOAD_BYTES_MAX) throw new BadFrame(`a frame of ${length} bytes`);
    if (opcode >= OPCODE.close && length > CONTROL_BYTES_MAX) throw new BadFrame('a long control frame');
    if (bytes.length < headBytes + length) return undefined;
    const payload = bytes.subarray(headBytes, headBytes + length);
    if (opcode === OPCODE.text && !isUtf8(payload)) throw new BadFrame('a text that is not UTF-8');
    this.#rest = bytes.subarray(headBytes + length);
    return { opcode, payload };
  }
}

/** The code of a close frame; 1005 where it has none. */
export function closeCode(payload: Buffer): number {
  if (payload.length === 0) return 1005;
  if (payload.length === 1 || !isUtf8(payload.subarray(2))) throw new BadFrame('a broken close frame');
  return payload.readUInt16BE(0);
}

export interface Upgrade {
  readonly path: string;
  readonly protocols: readonly string[];
  readonly authorization: string | undefined;
  /** Offers the compression of messages. */
  readonly offersDeflate: boolean;
  /** Headers by other names, or in the place of the usual ones; undefined takes one out. */
  readonly changed: Readonly<Record<string, string | undefined>>;
}

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
/** RFC 6455, 4.2.2: of the key above, which is the one of its example. */
const ACCEPT = createHash('sha1').update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

export function upgradeText(upgrade: Upgrade): string {
  const { path, protocols, authorization, offersDeflate, changed } = upgrade;
  const headers: Record<string, string | undefined> = {
    Host: '127.0.0.1',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': KEY,
    'Sec-WebSocket-Protocol': protocols.length > 0 ? protocols.join(', ') : undefined,
    'Sec-WebSocket-Extensions': offersDeflate ? 'permessage-deflate; client_max_window_bits' : undefined,
    Authorization: authorization,
    ...changed,
  };
  const lines = Object.entries(headers).map(([name, value]) => (value === undefined ? '' : `${name}: ${value}\r\n`));
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** What is wrong with the head of a 101; undefined when nothing is. */
export function switchedFault(head: string, protocol: string): string | undefined {
  const [first = '', ...lines] = head.split('\r\n');
  if (!/^HTTP\/1\.1 101 /.test(first)) return first;
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line]));
  const value = (name: string) => headers.get(name)?.replace(/^[^:]*:\s*/, '');
  if (value('sec-websocket-accept') !== ACCEPT) return `the key is answered ${value('sec-websocket-accept')}`;
  if (value('sec-websocket-protocol') !== protocol) return `the protocol ${value('sec-websocket-protocol')}`;
  if (headers.has('sec-websocket-extensions')) return 'an extension is agreed to';
  if (headers.has('server')) return 'the server is named';
  return undefined;
}
