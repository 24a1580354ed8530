// Node open answer
//
// An answer without an end over node:http.
//
// Owns:     what is written behind the head, and ending it in a bounded time.
// Does not: accept connections (node-listener.ts), or judge heads (node-exchange.ts).
//
// NO1. closed() is called inside of end() and terminate(): what becomes of the connection is nobody's concern any more.
// NO2. A peer that does not read to the end is cut END_MS after it.

import type { ServerResponse } from 'node:http';
import type { Clock } from '../../clock.js';
import type { OpenAnswer, OpenAnswerHandler } from './open-answer.js';
import { SEND_BUFFER_BYTES_MAX } from './socket-bounds.js';

/** What uWebSockets.js gives such a peer. */
const END_MS = 10_000;

export interface NodeOpenAnswerHost {
  onDefect(error: unknown): void;
}

export class NodeOpenAnswer implements OpenAnswer {
  readonly #host: NodeOpenAnswerHost;
  readonly #handler: OpenAnswerHandler;
  readonly #clock: Clock;
  readonly #written = (): void => this.#taken();
  #response: ServerResponse | undefined;
  /** What waited when write() was last called, or drained() was: less is news (O3). */
  #owedBytes = 0;

  /** The head was written to `response`, whose close the exchange tells: lost(). */
  constructor(host: NodeOpenAnswerHost, response: ServerResponse, handler: OpenAnswerHandler, clock: Clock) {
    this.#host = host;
    this.#response = response;
    this.#handler = handler;
    this.#clock = clock;
  }

  get bufferedBytes(): number {
    return this.#response?.writableLength ?? 0;
  }

  write(data: string | Uint8Array): boolean {
    const response = this.#response;
    if (response === undefined) return false;
    if (this.bufferedBytes > SEND_BUFFER_BYTES_MAX) {
      this.terminate();
      return false;
    }
    if (data.length > 0) response.write(typeof data === 'string' ? data : Buffer.from(data), this.#written);
    this.#owedBytes = response.writableLength;
    return true;
  }

  /** A piece was taken by the system, or lost. */
  #taken(): void {
    const bytes = this.bufferedBytes;
    if (this.#response === undefined || bytes >= this.#owedBytes) return;
    this.#owedBytes = bytes;
    try {
      this.#handler.drained();
    } catch (error) {
      this.#host.onDefect(error);
      this.terminate();
    }
  }

  end(): void {
    const response = this.#response;
    if (response === undefined) return;
    const late = this.#clock.after(END_MS, () => response.destroy());
    response.once('close', () => late.cancel());
    response.end();
    this.lost();
  }

  terminate(): void {
    this.#response?.destroy();
    this.lost();
  }

  /** The connection is gone, or not ours any more. */
  lost(): void {
    if (this.#response === undefined) return;
    this.#response = undefined;
    try {
      this.#handler.closed();
    } catch (error) {
      this.#host.onDefect(error);
    }
  }
}
