// uWebSockets open answer
//
// An answer without an end over a response object of uWebSockets.js, which does not tell how much it keeps for a peer
// that does not read. What is known (measured with the registry's 3.0.6, and read in the library's source):
//
// - write() says whether what was kept before has left, and a piece larger than the cork buffer too. A smaller piece is
//   said to be fine, and may be kept after all, when the corked bytes are sent at the end of cork().
// - A response with a handler of onWritable is not emptied by the library any more; an empty cork() in that handler does it.
// - After a send that failed the connection is cut, 8 to 12 seconds later, unless the system says meanwhile that it takes
//   more, which it does when a third of its buffer is free. pause() and resume() set that clock back, and do nothing else.
// - end(…, true) behind a write() puts a header in the place of a chunk.
//
// Owns:     the one reference to the native response from the head on; what waits for the library to be ready.
// Does not: load the library, or judge heads (uws-exchange.ts).
//
// UO1. The library is given a piece only when it had taken all before, or has said that it is writable: it keeps little.
//      All that it was given since it had last taken everything counts as waiting: on the high side, never growing unseen.
// UO2. The end of each piece is kept back until the library says that the rest has left: it asks that question when the
//      peer reads again.
// UO3. From a send that failed until the library is writable, its clock is set back by a write every CLOCK_MS: it must not
//      run out on a slow reader, for whom the system holds megabytes.
// UO4. Nothing thrown by the handler's code leaves a callback: the library would end the process.

import { systemClock } from '../../clock.js';
import type { OpenAnswer, OpenAnswerHandler } from './open-answer.js';
import { SEND_BUFFER_BYTES_MAX } from './socket-bounds.js';

/** Of a piece that the library is given at once; one write may be larger. */
const PIECE_BYTES = 64 * 1024;
/** What waits for the end of the turn: the library gathers no more either. */
const CORKED_BYTES_MAX = 16 * 1024;
/** What is kept back of a piece (UO2). */
const TAIL_BYTES = 32;
const CLOCK_MS = 4000;

/** The part of the library's response object that is used here. */
export interface OpenResponse {
  cork(run: () => void): unknown;
  write(chunk: string | Uint8Array): boolean;
  end(body: string | Uint8Array, closeConnection: boolean): unknown;
  close(): unknown;
  onWritable(run: (offset: number) => boolean): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** What an open answer needs of its listener. */
export interface OpenAnswerHost {
  onDefect(error: unknown): void;
  /** flush() is called at the end of this turn of the loop. */
  flushSoon(answer: { flush(): void }): void;
  /** The answer holds no native response any more. */
  finished(): void;
}

export class UwsOpenAnswer implements OpenAnswer {
  readonly #host: OpenAnswerHost;
  readonly #handler: OpenAnswerHandler;
  #native: OpenResponse | undefined;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  /** Given to the library since it had last taken everything (UO1). */
  #givenBytes = 0;
  #isReady = true;
  /** When the library's clock was set; undefined while it stands. */
  #clockSetMs: number | undefined;
  #isPlanned = false;
  /** What waited when write() was last called, or drained() was: less is news (O3). */
  #owedBytes = 0;

  /** The head was written to `native`; its onAborted is the exchange's, which tells lost(). */
  constructor(host: OpenAnswerHost, native: OpenResponse, handler: OpenAnswerHandler) {
    this.#host = host;
    this.#handler = handler;
    this.#native = native;
    native.onWritable(() => this.#writable());
  }

  get bufferedBytes(): number {
    return this.#native === undefined ? 0 : this.#queuedBytes + this.#givenBytes;
  }

  write(data: string | Uint8Array): boolean {
    if (this.#native === undefined) return false;
    if (this.bufferedBytes > SEND_BUFFER_BYTES_MAX) {
      this.terminate();
      return false;
    }
    // Whose bytes they are may use them again.
    const bytes = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data);
    if (bytes.length > 0) {
      this.#queue.push(bytes);
      this.#queuedBytes += bytes.length;
    }
    this.#owedBytes = this.bufferedBytes;
    this.#setBackClock(this.#native);
    if (this.#queuedBytes > CORKED_BYTES_MAX) this.flush();
    else if (!this.#isPlanned) {
      this.#isPlanned = true;
      this.#host.flushSoon(this);
    }
    return this.#native !== undefined;
  }

  /** Hands over what was written in this turn of the loop. */
  flush(): void {
    this.#isPlanned = false;
    const native = this.#native;
    if (native === undefined) return;
    // Behind bytes that may still be kept, one write at a time, so that little is added to them.
    while (this.#isReady && this.#queue.length > 0)
      this.#give(native, this.#take(this.#givenBytes > 0 ? 1 : PIECE_BYTES));
    this.#tell();
  }

  #setBackClock(native: OpenResponse): void {
    const now = systemClock.monotonic();
    if (this.#clockSetMs === undefined || now - this.#clockSetMs < CLOCK_MS) return;
    this.#clockSetMs = now;
    native.pause();
    native.resume();
  }

  /** The first writes of the queue, together at most so large; at least one. */
  #take(bytesMax: number): Buffer {
    let bytes = 0;
    let count = 0;
    do bytes += this.#queue[count++]!.length;
    while (count < this.#queue.length && bytes + this.#queue[count]!.length <= bytesMax);
    this.#queuedBytes -= bytes;
    const taken = this.#queue.splice(0, count);
    return taken.length === 1 ? taken[0]! : Buffer.concat(taken, bytes);
  }

  #give(native: OpenResponse, piece: Buffer): void {
    const bodyBytes = piece.length > 2 * TAIL_BYTES ? piece.length - TAIL_BYTES : piece.length;
    const tail = piece.subarray(bodyBytes);
    let isTaken = true;
    native.cork(() => {
      isTaken = native.write(piece.subarray(0, bodyBytes));
      if (tail.length > 0 && isTaken) isTaken = native.write(tail);
      else if (tail.length > 0) this.#queue.unshift(tail);
    });
    const keptBack = this.#queue[0] === tail ? tail.length : 0;
    this.#queuedBytes += keptBack;
    this.#givenBytes = isTaken ? 0 : this.#givenBytes + piece.length - keptBack;
    this.#isReady = isTaken;
    if (!isTaken) this.#clockSetMs = systemClock.monotonic();
  }

  /** The library can send again. */
  #writable(): boolean {
    const native = this.#native;
    if (native !== undefined) {
      this.#clockSetMs = undefined;
      native.cork(() => undefined);
      this.#isReady = true;
      this.flush();
    }
    return true;
  }

  #tell(): void {
    const bytes = this.bufferedBytes;
    if (bytes >= this.#owedBytes) return;
    this.#owedBytes = bytes;
    try {
      this.#handler.drained();
    } catch (error) {
      this.#host.onDefect(error);
      this.terminate();
    }
  }

  end(): void {
    const native = this.#native;
    if (native === undefined) return;
    native.cork(() => {
      if (this.#queue.length > 0) native.write(Buffer.concat(this.#queue, this.#queuedBytes));
      native.end('', false);
    });
    this.lost();
  }

  /** Closing runs the exchange's abort callback, which calls lost(). */
  terminate(): void {
    this.#native?.close();
  }

  /** The native response is dead, or not ours any more. */
  lost(): void {
    if (this.#native === undefined) return;
    this.#native = undefined;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#host.finished();
    try {
      this.#handler.closed();
    } catch (error) {
      this.#host.onDefect(error);
    }
  }
}
