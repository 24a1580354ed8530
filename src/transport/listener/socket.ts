// Socket (port)
//
// How WebSockets (RFC 6455) arrive and leave, over the same listener as HTTP. Both adapters run one conformance suite
// (test/transport/listener/socket-conformance.ts).
//
// Owns:     the handshake, frames, fragments, masks, ping and pong, the close handshake, what waits to be sent.
// Does not: route, authenticate, or know what a frame means.
//
// S1. The upgrade handler runs once per upgrade request, when the head has arrived, and answers it in that very turn:
//     accept() or refuse(). What it does not answer, or throws, is answered with 500, also behind an accept().
// S2. The calls of a socket come in order: open, then data and drained, then closed, exactly once. Nothing comes after
//     closed, and nothing that is sent afterwards has any effect. opened() is called as soon as the upgrade handler has
//     returned; closed() inside of close() and terminate(), and of a send() that S6 ends.
// S3. A frame is handed over whole, with its fragments joined, and at most `frameBytesMax`. A larger one, broken UTF-8,
//     an unmasked frame or any other breach of the protocol ends the socket: nothing of it is handed over.
// S4. Data is handed over as a view that is valid in that call only.
// S5. No extension is agreed to: nobody can send a few bytes that become many.
// S6. send() never blocks. What the peer does not read is kept, and counted in bufferedBytes; drained() says that the
//     buffer has become empty, or smaller than it was when send() was last called. A socket to which more is sent while
//     more than SEND_BUFFER_BYTES_MAX wait is cut, and so is one whose peer reads none of hundreds of pongs.
// S7. A handler that throws ends its socket with 1011, and never takes the process down.
// S8. A peer that says nothing at all, no data and no pong, for `socketIdleTimeoutMs` is closed: pings are sent in time.
//     docs/listeners.md says how exactly each adapter counts.
// S9. Draining a listener leaves its sockets open: whoever opened them ends them. close() ends them all.

import type { RequestHead, ResponseHeaders } from './request-head.js';

/** 1000, 1011 and those that are an application's own: 4000 to 4999. */
export type CloseCode = number;

export interface Socket {
  /** Text for a string, binary for bytes, which are copied. False when the socket is closed or closing. */
  send(data: string | Uint8Array): boolean;
  /** Bytes that the peer has not taken yet, beyond what the system itself holds. */
  readonly bufferedBytes: number;
  /** Begins the close handshake behind what was sent; a peer that does not answer it is cut off. */
  close(code: CloseCode, reason: string): void;
  /** Cuts the connection now; what was not sent is lost. */
  terminate(): void;
}

/** What an accepted socket calls. */
export interface SocketHandler {
  opened(socket: Socket): void;
  data(socket: Socket, bytes: Uint8Array, isBinary: boolean): void;
  drained(socket: Socket): void;
  /** 1006 where the peer went away without saying so. */
  closed(socket: Socket, code: CloseCode): void;
}

export interface UpgradeExchange {
  readonly head: RequestHead;
  /** The subprotocols that the client offers, in its order: head.headers holds no such thing. */
  readonly protocols: readonly string[];
  /** Becomes a socket; `protocol` is one that was offered, or undefined for none. */
  accept(protocol: string | undefined, handler: SocketHandler): void;
  /** Answers as HTTP, and ends the connection. */
  refuse(status: number, headers: ResponseHeaders, body: string): void;
}

/** Takes every upgrade request of a listener. Where a listener has none, an upgrade request is a request like others. */
export type UpgradeHandler = (exchange: UpgradeExchange) => void;
