// Node socket
//
// One WebSocket over `ws`.
//
// Owns:     the one reference to what `ws` made, and letting go of it in time; watching for a mute peer.
// Does not: accept connections (node-listener.ts, which alone knows the package), or judge handshakes (handshake.ts).
//
// NS1. As with the other adapter, closed() is called inside of close() and terminate(): the close handshake that follows
//      is nobody's concern any more, and neither is what the peer still sends.
// NS2. A peer is looked at LOOKS times in `socketIdleTimeoutMs`. Who has sent no byte since the last look is pinged; who
//      has sent none for that many looks is cut.

import type { Socket as Connection } from 'node:net';
import type { Deadlines, Expirable } from './deadlines.js';
import type { CloseCode, Socket, SocketHandler } from './socket.js';
import { closeReason, SEND_BUFFER_BYTES_MAX } from './socket-bounds.js';

export const LOOKS = 4;

/** The part of the package's WebSocket that is used here. */
export interface FramedSocket {
  readonly bufferedAmount: number;
  readonly readyState: number;
  readonly OPEN: number;
  send(data: string | Uint8Array, written: () => void): void;
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

/** What a socket needs of its listener. */
export interface NodeSocketHost {
  readonly looks: Deadlines;
  onDefect(error: unknown): void;
  socketOpened(): void;
  socketClosed(): void;
}

export class NodeSocket implements Socket, Expirable {
  readonly #host: NodeSocketHost;
  readonly #handler: SocketHandler;
  readonly #connection: Connection;
  #framed: FramedSocket | undefined;
  /** What waited to be sent when it was last looked at: less than this is news (S6). */
  #owedBytes = 0;
  #written: (() => void) | undefined;
  #bytesRead = 0;
  #muteLooks = 0;

  constructor(host: NodeSocketHost, handler: SocketHandler, connection: Connection) {
    this.#host = host;
    this.#handler = handler;
    this.#connection = connection;
  }

  get bufferedBytes(): number {
    return this.#framed?.bufferedAmount ?? 0;
  }

  send(data: string | Uint8Array): boolean {
    const framed = this.#framed;
    if (framed === undefined || framed.readyState !== framed.OPEN) return false;
    if (framed.bufferedAmount > SEND_BUFFER_BYTES_MAX) {
      this.terminate();
      return false;
    }
    this.#written ??= () => this.#taken();
    framed.send(typeof data === 'string' ? data : Buffer.from(data), this.#written);
    this.#owedBytes = framed.bufferedAmount;
    return true;
  }

  /** A frame was taken by the system. */
  #taken(): void {
    if (this.#owedBytes === 0 || this.#framed === undefined) return;
    const bytes = this.#framed.bufferedAmount;
    if (bytes >= this.#owedBytes) return;
    this.#owedBytes = bytes;
    try {
      this.#handler.drained(this);
    } catch (error) {
      this.#fail(error);
    }
  }

  close(code: CloseCode, reason: string): void {
    const framed = this.#framed;
    if (framed === undefined) return;
    framed.close(code, closeReason(reason));
    this.closed(code);
  }

  terminate(): void {
    this.#framed?.terminate();
    this.closed(1006);
  }

  opened(framed: FramedSocket): void {
    this.#framed = framed;
    this.#host.socketOpened();
    this.#bytesRead = this.#connection.bytesRead;
    this.#host.looks.begin(this);
    this.#begin();
  }

  /** The peer went away between its handshake and our answer. */
  missed(): void {
    this.#begin();
    this.#end(1006);
  }

  #begin(): void {
    try {
      this.#handler.opened(this);
    } catch (error) {
      this.#fail(error);
    }
  }

  message(bytes: Uint8Array, isBinary: boolean): void {
    if (this.#framed === undefined) return;
    try {
      this.#handler.data(this, bytes, isBinary);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Takes effect once, whoever says it first: the handler, the peer, or the package. */
  closed(code: number): void {
    if (this.#framed === undefined) return;
    this.#framed = undefined;
    this.#host.looks.end(this);
    this.#host.socketClosed();
    this.#end(code);
  }

  #end(code: number): void {
    try {
      this.#handler.closed(this, code);
    } catch (error) {
      this.#host.onDefect(error);
    }
  }

  #fail(error: unknown): void {
    this.#host.onDefect(error);
    this.close(1011, '');
  }

  /** Due for a look (NS2). */
  expire(): void {
    const { bytesRead } = this.#connection;
    this.#muteLooks = bytesRead === this.#bytesRead ? this.#muteLooks + 1 : 0;
    this.#bytesRead = bytesRead;
    if (this.#muteLooks === LOOKS) {
      this.terminate();
      return;
    }
    if (this.#muteLooks > 0) this.#framed?.ping();
    this.#host.looks.begin(this);
  }
}
