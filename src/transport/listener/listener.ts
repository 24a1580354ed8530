// Listener (port)
//
// How bytes of HTTP arrive and leave. Two adapters, one conformance suite
// (test/transport/listener/listener-conformance.ts): uws-listener.ts and node-listener.ts.
//
// Owns:     sockets, parsing, body collection and its bounds, slow or gone clients.
// Does not: route, authenticate, or know what a body means.
//
// L1. The handler runs once per request, when the head has arrived. Everything in `head` is a copy:
//     it stays valid for as long as anyone holds it.
// L2. The body is handed over whole, at most once, and never more than `bodyBytesMax`. Bytes past the bound
//     are not kept; the outcome is `too_large` and the connection is closed after the answer. So it is when the bodies
//     of all requests together would take more than `bodiesBytesMax`: the outcome is `overloaded` then.
// L3. respond() and begin() answer at most once, together. After an abort it does nothing, and says so by returning false.
// L4. onAbort callbacks run at most once, when the client goes away before it was answered.
// L5. A handler that throws answers 500 and never takes the process down.
// L6. HEAD is answered with the headers of the answer and no body.
// L7. A body that takes longer than `bodyTimeoutMs`, or a head longer than `headTimeoutMs`, ends the connection.
// L8. Answers to pipelined requests leave in the order of the requests. An adapter may end a connection that asks
//     ahead of an answer (the waiting request is then aborted); it never answers out of order.
//
// Where the adapters cannot be the same, docs/listeners.md says how they differ.

import type { OpenAnswer, OpenAnswerHandler } from './open-answer.js';
import type { RequestHead, ResponseHeaders } from './request-head.js';
import type { UpgradeHandler } from './socket.js';

export type { RequestHead, ResponseHeaders } from './request-head.js';

export interface ListenerOptions {
  readonly host: string;
  /** 0 asks for any free port. */
  readonly port: number;
  readonly bodyBytesMax: number;
  /** Of all requests together, until they are answered; BODIES_BYTES_MAX when absent. */
  readonly bodiesBytesMax?: number;
  readonly bodyTimeoutMs: number;
  /** Fixed by the library in the uws adapter, like idleTimeoutMs: docs/listeners.md. */
  readonly headTimeoutMs: number;
  /** An open connection with no request on it is closed after this. */
  readonly idleTimeoutMs: number;
  /** Of connections and sockets together. */
  readonly connectionsMax: number;
  /** Most bytes of a WebSocket frame, its fragments joined; FRAME_BYTES_MAX when absent. */
  readonly frameBytesMax?: number;
  /** A WebSocket whose peer is mute for this long is closed (socket.ts, S8); SOCKET_IDLE_TIMEOUT_MS when absent. */
  readonly socketIdleTimeoutMs?: number;
  /** What the header is called that names a tenant, in lower case; `x-tenant-id` when absent. */
  readonly tenantHeader?: string;
  /** Takes the upgrade requests (socket.ts). */
  readonly onUpgrade?: UpgradeHandler;
  /** Told of a handler that threw (L5). */
  readonly onDefect: (error: unknown) => void;
}

export type BodyOutcome =
  | { readonly kind: 'body'; readonly bytes: Uint8Array }
  | { readonly kind: 'too_large' }
  /** There are too many bodies at once. */
  | { readonly kind: 'overloaded' }
  /** The client went away, was too slow, or broke the framing: nobody is left to answer. */
  | { readonly kind: 'aborted' };

export interface HttpExchange {
  readonly head: RequestHead;
  /**
   * Collects the body and hands it over (L2), of at most `bytesMax` where that is said, and not `bodyBytesMax`. May be called
   * once, in the handler's own turn of the loop.
   */
  readBody(done: (outcome: BodyOutcome) => void, bytesMax?: number): void;
  /** Sends status, headers and body in one go. Content-Length is the adapter's. False when the client is gone (L3). */
  respond(status: number, headers: ResponseHeaders, body: string | Uint8Array): boolean;
  /**
   * Begins an answer without an end, in the place of respond(), with the first piece of its body, which is not empty
   * (open-answer.ts). Undefined when the client is gone (L3), and where there can be none: HEAD is answered with the
   * headers alone, a request with a body with 400.
   */
  begin(status: number, headers: ResponseHeaders, first: string, handler: OpenAnswerHandler): OpenAnswer | undefined;
  onAbort(run: () => void): void;
  readonly aborted: boolean;
}

export type RequestHandler = (exchange: HttpExchange) => void;

export interface Listener {
  readonly adapter: 'uws' | 'node';
  /** Resolves when bound; rejects with a clear error when the address is taken or not ours. */
  listen(): Promise<{ readonly host: string; readonly port: number }>;
  /** Accepts no more connections; those open stay until their request is answered, then close. */
  drain(): void;
  /** Ends every connection now. */
  close(): void;
  /** Those that speak HTTP; an accepted socket is none. */
  readonly connections: number;
  /** Accepted WebSockets that are not closed. */
  readonly sockets: number;
}
