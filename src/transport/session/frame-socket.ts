// Frame socket
//
// The way out of one session: frames onto its socket, and how much of them waits there.
//
// FS1. What may be put off (pages, changes, answers to reads) is not sent while more than FULL_BYTES wait. The rest is
//      small: so at most one frame and STUBBORN_BYTES more can come to lie there, and a peer that makes more wait, by
//      asking on without reading, is cut off.

import { FRAME_BYTES_MAX, type ServerFrame } from '../../contract/session.js';
import type { Socket } from '../listener/socket.js';
import type { Encoded, FrameCodec } from './frame-codec.js';

/** Past this a socket is full: what can wait does. */
export const FULL_BYTES = 1024 * 1024;
const STUBBORN_BYTES = 1024 * 1024;
/** JSON writes one byte as six at worst. */
const ESCAPED_BYTES_MAX = 6;
/** Room for the other members of a message. */
const MESSAGE_BYTES_MAX = 1024;

/** What may wait on one socket, where contents have at most `contentBytesMax` (FS1): 4 MiB unless those are large. */
export function waitingBytesMax(contentBytesMax: number): number {
  const messageBytesMax = ESCAPED_BYTES_MAX * contentBytesMax + MESSAGE_BYTES_MAX;
  return FULL_BYTES + Math.max(FRAME_BYTES_MAX, messageBytesMax) + STUBBORN_BYTES;
}

export class FrameSocket {
  readonly codec: FrameCodec;
  readonly #socket: Socket;
  readonly #waitingBytesMax: number;

  constructor(socket: Socket, codec: FrameCodec, bytesMax: number) {
    this.#socket = socket;
    this.codec = codec;
    this.#waitingBytesMax = bytesMax;
  }

  get isFull(): boolean {
    return this.#socket.bufferedBytes > FULL_BYTES;
  }

  send(frame: ServerFrame): void {
    this.sendEncoded(this.codec.encode(frame));
  }

  sendEncoded(frame: Encoded): void {
    if (this.#socket.bufferedBytes > this.#waitingBytesMax) this.#socket.terminate();
    else this.#socket.send(frame);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }
}
