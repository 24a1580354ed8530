// Wire socket
//
// The client's side of a WebSocket (RFC 6455) on a raw socket, for loads only: it writes small masked text frames and reads
// whole unmasked ones. Far cheaper than a general client, so that the server is what is measured.
//
// Owns:     the handshake, frames, pong.
// Does not: fragments, extensions, know what a frame means.
//
// W1. Frames are masked with a key of zeros: it changes no byte here, and the server's work is the same.
// W2. A frame is handed over as a view that is valid in that call only. After each piece of what arrived, `turn` is called.
// W3. A socket that ends without having been told to is an error, told once, with the code and reason of the close frame.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface WireTarget {
  readonly port: number;
  readonly path: string;
  readonly token?: string;
  readonly protocol?: string;
  /** The address to come from: one address has some 28,000 ports. */
  readonly from?: string;
}

export interface WireHandler {
  /** A text frame: `bytes` from `start` to `end`. */
  frame(bytes: Buffer, start: number, end: number): void;
  turn(): void;
  failed(error: Error): void;
}

const TEXT = 0x81;
const CLOSE = 0x88;
const PING = 0x89;
const PONG = 0x8a;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const READ_BYTES = 256 * 1024;
/** Longest wait for a handshake, and for the end after a close. */
const HANDSHAKE_TIMEOUT_MS = 15_000;

const NOTHING = Buffer.alloc(0);
/** One for all sockets: what is left of it when a read is over is copied. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

/** A masked text frame of less than 64 KiB, one char for each of its bytes. The text must be ASCII. */
export function textFrame(text: string): string {
  return frameHead(TEXT, text.length) + text;
}

/** What stands before a text of so many bytes. */
export function textHead(length: number): string {
  return frameHead(TEXT, length);
}

function frameHead(kind: number, length: number): string {
  const size =
    length < LENGTH_16
      ? String.fromCharCode(MASKED | length)
      : String.fromCharCode(MASKED | LENGTH_16, length >> 8, length & 0xff);
  return `${String.fromCharCode(kind)}${size}\0\0\0\0`;
}

export class WireSocket {
  readonly #handler: WireHandler;
  readonly #socket: Socket;
  /** The beginning of a frame, or of the handshake's answer, that has not arrived whole. */
  #rest: Buffer = NOTHING;
  #shaken: (() => void) | undefined;
  #reason = 'without a close frame';
  #isEnding = false;
  #hasFailed = false;

  private constructor(target: WireTarget, handler: WireHandler) {
    this.#handler = handler;
    this.#socket = connect({
      port: target.port,
      host: '127.0.0.1',
      noDelay: true,
      ...(target.from === undefined ? {} : { localAddress: target.from }),
      onread: {
        buffer: readBuffer,
        callback: (count) => {
          this.#read(readBuffer.subarray(0, count));
          return true;
        },
      },
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => {
      if (!this.#isEnding) this.#fail(new Error(`The server ended a socket ${this.#reason}`));
    });
  }

  /** Resolves when the server has switched protocols. */
  static async open(target: WireTarget, handler: WireHandler): Promise<WireSocket> {
    let failed: (error: Error) => void = () => undefined;
    const wire = new WireSocket(target, {
      frame: (bytes, start, end) => handler.frame(bytes, start, end),
      turn: () => handler.turn(),
      failed: (error) => failed(error),
    });
    const late = setTimeout(() => wire.#fail(new Error('A WebSocket was not opened in time')), HANDSHAKE_TIMEOUT_MS);
    try {
      await new Promise<void>((resolve, reject) => {
        failed = reject;
        wire.#shaken = resolve;
        wire.#socket.once('connect', () => wire.#socket.write(handshake(target), 'latin1'));
      });
    } finally {
      clearTimeout(late);
    }
    failed = (error) => handler.failed(error);
    return wire;
  }

  /** Frames made by textFrame(), as many as there are. */
  write(frames: string): void {
    this.#socket.write(frames, 'latin1');
  }

  /** The close handshake, behind everything that was written. Resolves when the connection is gone. */
  async close(): Promise<void> {
    if (this.#socket.destroyed) return;
    this.#isEnding = true;
    const ended = once(this.#socket, 'close');
    const late = setTimeout(() => this.#socket.destroy(), HANDSHAKE_TIMEOUT_MS);
    this.#socket.write(`${frameHead(CLOSE, 2)}\x03\xe8`, 'latin1');
    await ended;
    clearTimeout(late);
  }

  /** Ends it now. */
  destroy(): void {
    this.#isEnding = true;
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    if (this.#isEnding || this.#hasFailed) return;
    this.#hasFailed = true;
    this.#socket.destroy();
    this.#handler.failed(error);
  }

  #read(piece: Buffer): void {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    let at = 0;
    if (this.#shaken !== undefined) {
      const headEnd = bytes.indexOf('\r\n\r\n');
      if (headEnd < 0) {
        this.#keep(bytes, 0);
        return;
      }
      const head = bytes.toString('latin1', 0, headEnd);
      if (!head.startsWith('HTTP/1.1 101')) {
        this.#fail(new Error(`A WebSocket was refused: ${bytes.toString('latin1', 0, 400)}`));
        return;
      }
      this.#shaken();
      this.#shaken = undefined;
      at = headEnd + 4;
    }
    this.#keep(bytes, this.#readFrames(bytes, at));
    this.#handler.turn();
  }

  /** Where the frame begins that has not arrived whole. */
  #readFrames(bytes: Buffer, from: number): number {
    let at = from;
    while (bytes.length - at >= 2) {
      const kind = bytes[at]!;
      let length = bytes[at + 1]!;
      let start = at + 2;
      if (length === LENGTH_16) {
        if (bytes.length - at < 4) break;
        length = bytes.readUInt16BE(at + 2);
        start = at + 4;
      } else if (length === LENGTH_64) {
        if (bytes.length - at < 10) break;
        length = Number(bytes.readBigUInt64BE(at + 2));
        start = at + 10;
      }
      const end = start + length;
      if (end > bytes.length) break;
      if (kind === TEXT) this.#handler.frame(bytes, start, end);
      else this.#control(kind, bytes.subarray(start, end));
      at = end;
    }
    return at;
  }

  #control(kind: number, payload: Buffer): void {
    if (kind === PING) this.#socket.write(frameHead(PONG, payload.length) + payload.toString('latin1'), 'latin1');
    else if (kind === CLOSE) {
      const code = payload.length < 2 ? 1005 : payload.readUInt16BE(0);
      this.#reason = `with ${code} ${payload.subarray(2).toString('utf8')}`;
      this.#socket.end();
    } else if (kind !== PONG) this.#fail(new Error(`A frame of kind 0x${kind.toString(16)} came`));
  }

  #keep(bytes: Buffer, from: number): void {
    this.#rest = from === bytes.length ? NOTHING : Buffer.from(bytes.subarray(from));
  }
}

function handshake({ path, token, protocol }: WireTarget): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: localhost',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Version: 13',
    ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}
