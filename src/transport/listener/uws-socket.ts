// uWebSockets socket
//
// One WebSocket over uWebSockets.js. There can be tens of thousands, mostly idle: a socket is one small object, which the
// library holds as its user data, and all of them share the callbacks of one behavior.
//
// Owns:     the one reference to the native socket, and letting go of it in time; opening it.
// Does not: load the library, accept connections (uws-listener.ts), or judge handshakes (handshake.ts).
//
// W1. The native socket is touched only while #native holds it: it throws once its close callback has begun, which
//     happens inside of end() and close().
// W2. Nothing thrown by the handler's code leaves a callback: the library would end the process.
// W3. A connection becomes a socket in the callback of its request. Later would be safer for a client that sends frames
//     before it was answered, which RFC 6455 forbids: the library forgets what came in one packet with the handshake. But
//     when it is asked later it sometimes cuts the new socket (mended upstream in 2026, uWebSockets pull request 1929).
// W4. A peer that asks for answers, pongs too, and does not read them is cut before they fill the memory.
// W5. What is sent in one turn of the loop leaves in one piece, at its end: the library makes a system call of each send
//     otherwise, which costs more than all that leads to it. At most CORKED_BYTES_MAX wait for that.

import type { CloseCode, Socket, SocketHandler } from './socket.js';
import { closeReason, FRAME_BYTES_MAX, PENDING_PONGS_MAX, SEND_BUFFER_BYTES_MAX } from './socket-bounds.js';
import type { UpgradeAccepted } from './upgrade.js';
import type { NativeResponse } from './uws-exchange.js';

/** What waits for the end of the turn: the library itself gathers no more than this. */
const CORKED_BYTES_MAX = 16 * 1024;
/** What send() says of data that it dropped, because more than `maxBackpressure` waits. */
const DROPPED = 2;
/** The library counts idle time in steps of 4 seconds, and ends the process where it is outside of these. */
const IDLE_STEP_S = 4;
const IDLE_MIN_S = 8;
const IDLE_MAX_S = 960;

/** The part of the library's WebSocket that is used here. */
export interface NativeSocket {
  send(data: string | Uint8Array, isBinary: boolean): number;
  cork(run: () => void): unknown;
  getBufferedAmount(): number;
  end(code: number, reason: string): void;
  close(): void;
}

/** The library copies the members of the user data to the native socket. */
interface UserData {
  readonly socket: UwsSocket;
}
type OwnedSocket = NativeSocket & UserData;

export type UpgradeContext = object;

export interface UpgradableResponse extends NativeResponse {
  upgrade(userData: UserData, key: string, protocol: string, extensions: string, context: UpgradeContext): void;
}

/** What the library is told of all sockets of one app. */
export interface SocketBehavior {
  readonly compression: number;
  readonly maxPayloadLength: number;
  readonly maxBackpressure: number;
  readonly idleTimeout: number;
  readonly sendPingsAutomatically: boolean;
  open(native: OwnedSocket): void;
  message(native: OwnedSocket, bytes: ArrayBuffer, isBinary: boolean): void;
  drain(native: OwnedSocket): void;
  ping(native: OwnedSocket): void;
  close(native: OwnedSocket, code: number): void;
}

/** What a socket needs of its listener. */
export interface SocketHost {
  onDefect(error: unknown): void;
  /** flush() is called at the end of this turn of the loop. */
  flushSoon(socket: { flush(): void }): void;
  socketOpened(): void;
  socketClosed(): void;
}

/** `idleTimeoutMs` is rounded up to what the library can count. */
export function socketBehavior(frameBytesMax: number | undefined, idleTimeoutMs: number): SocketBehavior {
  const idleSeconds = Math.ceil(idleTimeoutMs / 1000 / IDLE_STEP_S) * IDLE_STEP_S;
  return {
    // None, either way (S5).
    compression: 0,
    maxPayloadLength: frameBytesMax ?? FRAME_BYTES_MAX,
    maxBackpressure: SEND_BUFFER_BYTES_MAX,
    idleTimeout: Math.min(Math.max(idleSeconds, IDLE_MIN_S), IDLE_MAX_S),
    sendPingsAutomatically: true,
    open: (native) => native.socket.opened(native),
    message: (native, bytes, isBinary) => native.socket.message(bytes, isBinary),
    drain: (native) => native.socket.drained(),
    ping: (native) => native.socket.pinged(),
    close: (native, code) => native.socket.closed(code),
  };
}

/** Makes a socket of a connection whose handshake was accepted. To be called in the callback of the request (W3). */
export function openUwsSocket(
  host: SocketHost,
  response: UpgradableResponse,
  context: UpgradeContext,
  key: string,
  { protocol, handler }: UpgradeAccepted,
): void {
  response.upgrade({ socket: new UwsSocket(host, handler) }, key, protocol ?? '', '', context);
}

/** Most sockets have nothing to send: they share this, which nothing is put into. */
const NONE: (string | Uint8Array)[] = [];

class UwsSocket implements Socket {
  readonly #host: SocketHost;
  readonly #handler: SocketHandler;
  #native: NativeSocket | undefined;
  #queue: (string | Uint8Array)[] = NONE;
  #queuedBytes = 0;
  /** Pongs that were sent since the peer had taken everything, at most. */
  #pongs = 0;

  constructor(host: SocketHost, handler: SocketHandler) {
    this.#host = host;
    this.#handler = handler;
  }

  get bufferedBytes(): number {
    return this.#native === undefined ? 0 : this.#native.getBufferedAmount() + this.#queuedBytes;
  }

  send(data: string | Uint8Array): boolean {
    if (this.#native === undefined) return false;
    if (this.#queue.length === 0) {
      this.#queue = [];
      this.#host.flushSoon(this);
    }
    // Whose bytes they are may use them again.
    this.#queue.push(typeof data === 'string' ? data : new Uint8Array(data));
    this.#queuedBytes += data.length;
    if (this.#queuedBytes > CORKED_BYTES_MAX) this.flush();
    return this.#native !== undefined;
  }

  /** Hands over what was sent in this turn of the loop (W5). */
  flush(): void {
    const native = this.#native;
    const queue = this.#queue;
    this.#queue = NONE;
    this.#queuedBytes = 0;
    if (native === undefined || queue.length === 0) return;
    let isDropped = false;
    const sendAll = (): void => {
      for (const data of queue) isDropped ||= native.send(data, typeof data !== 'string') === DROPPED;
    };
    if (queue.length === 1) sendAll();
    else native.cork(sendAll);
    if (isDropped) this.terminate();
  }

  close(code: CloseCode, reason: string): void {
    this.flush();
    this.#native?.end(code, closeReason(reason));
  }

  terminate(): void {
    this.#queue = NONE;
    this.#queuedBytes = 0;
    this.#native?.close();
  }

  opened(native: NativeSocket): void {
    this.#native = native;
    this.#host.socketOpened();
    try {
      this.#handler.opened(this);
    } catch (error) {
      this.#fail(error);
    }
  }

  message(bytes: ArrayBuffer, isBinary: boolean): void {
    try {
      this.#handler.data(this, new Uint8Array(bytes), isBinary);
    } catch (error) {
      this.#fail(error);
    }
  }

  drained(): void {
    try {
      this.#handler.drained(this);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The library has sent the pong. */
  pinged(): void {
    if (this.bufferedBytes === 0) this.#pongs = 0;
    else if (++this.#pongs > PENDING_PONGS_MAX) this.terminate();
  }

  closed(code: number): void {
    this.#native = undefined;
    this.#queue = NONE;
    this.#queuedBytes = 0;
    this.#host.socketClosed();
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
}
