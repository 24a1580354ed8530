// Node listener
//
// The listener over node:http: slower than uWebSockets.js, and there wherever Node is.
//
// Owns:     the server, its timeouts and connection bound, what is answered when the parser gives up, draining; the server
//           of `ws`, and which requests reach it.
// Does not: hold the state of one request (node-exchange.ts) or socket (node-socket.ts), or judge heads (head-reader.ts).
//
// A1. No event of the server or of a socket is left without a listener that could throw.
// A2. At most PIPELINE_MAX requests of one connection wait for an answer; the next one ends the connection.
// A3. Behind an answer that says `close` no request is taken. Node parses what comes until the socket is shut, and would
//     hand it a response out of turn: when that one ends, Node finds its queue out of order and ends the process.
// A4. A socket that Node has handed over, or that was refused without a request, is read to its end, for a bounded time:
//     one that nobody reads would never be found closed.

import { createServer, IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { systemClock } from '../../clock.js';
import { BODIES_BYTES_MAX, BodyBudget } from './body-budget.js';
import { Deadlines } from './deadlines.js';
import { DiscardPace } from './discard-pace.js';
import { asksWebSocket } from './handshake.js';
import { HEAD_BYTES_MAX, HEADER_COUNT_MAX, type HeadFlaw, HeadReader } from './head-reader.js';
import { listenError } from './listen-error.js';
import type { Listener, ListenerOptions, RequestHandler } from './listener.js';
import { NodeExchange, type NodeExchangeHost } from './node-exchange.js';
import { LOOKS, NodeSocket, type NodeSocketHost } from './node-socket.js';
import { addressFromText } from './peer-address.js';
import { badRequestBody, headersOfHandshake, REFUSAL_HEADERS, statusOfFlaw } from './refusal.js';
import type { ResponseHeaders } from './request-head.js';
import type { UpgradeHandler } from './socket.js';
import { FRAME_BYTES_MAX, PENDING_PONGS_MAX, SOCKET_IDLE_TIMEOUT_MS } from './socket-bounds.js';
import { askUpgrade, type UpgradeAccepted } from './upgrade.js';

/** Requests of one connection that may wait for an answer at once. */
export const PIPELINE_MAX = 16;
/** How often Node looks for connections past their time, at most. */
const TIMEOUT_CHECK_MS_MAX = 1000;
/** Room for the colons, spaces and line ends of a head, which HEAD_BYTES_MAX does not count. */
const SEPARATOR_BYTES_MAX = 1024;
/** How long a peer may take to answer our side of a close handshake. */
const CLOSE_TIMEOUT_MS = 16_000;

interface Connection {
  readonly ip: string;
  /** Requests that wait for an answer. */
  open: number;
  /** One was answered, and told that it is the last (A3). */
  closing: boolean;
  /** It was accepted as a WebSocket. */
  upgraded: boolean;
}

/** Node hands over each request that offers any other protocol; here only those that ask for a WebSocket are (HS1). */
class Request extends IncomingMessage {
  declare asksUpgrade: boolean | null;

  get upgrade(): boolean {
    return this.asksUpgrade === true && (this.method === 'CONNECT' || asksWebSocket(this.headers.upgrade));
  }

  set upgrade(asks: boolean | null) {
    this.asksUpgrade = asks;
  }
}

class OwnedWebSocket extends WebSocket {
  owner: NodeSocket | undefined;
}

// One set of listeners for all sockets.
function onMessage(this: WebSocket, data: WebSocket.RawData, isBinary: boolean): void {
  // A Buffer, since nothing else was asked for.
  (this as OwnedWebSocket).owner?.message(data as Buffer, isBinary);
}
/** A breach of the protocol, or of a bound: the package has begun to close. */
function onError(this: WebSocket): void {
  (this as OwnedWebSocket).owner?.closed(1006);
}
function onClose(this: WebSocket, code: number): void {
  (this as OwnedWebSocket).owner?.closed(code);
}

export function openNodeListener(options: ListenerOptions, handler: RequestHandler): Listener {
  return new NodeListener(options, handler);
}

class NodeListener implements Listener, NodeExchangeHost, NodeSocketHost {
  readonly adapter = 'node';
  readonly bodyBytesMax: number;
  readonly bodies: BodyBudget;
  readonly deadlines: Deadlines;
  readonly discards = new DiscardPace(systemClock);
  readonly looks: Deadlines;
  readonly #options: ListenerOptions;
  readonly #handler: RequestHandler;
  readonly #server: Server<typeof Request, typeof ServerResponse>;
  readonly #webSockets: WebSocketServer;
  readonly #reader: HeadReader;
  readonly #connections = new Map<Duplex, Connection>();
  /** Of `#connections`. */
  #upgraded = 0;
  #sockets = 0;
  /** What handleUpgrade is to answer, for the length of its call. */
  #protocol: string | undefined;
  #draining = false;

  constructor(options: ListenerOptions, handler: RequestHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#reader = new HeadReader(options.tenantHeader);
    this.bodyBytesMax = options.bodyBytesMax;
    this.bodies = new BodyBudget(options.bodiesBytesMax ?? BODIES_BYTES_MAX);
    this.deadlines = new Deadlines(options.bodyTimeoutMs, systemClock);
    this.looks = new Deadlines((options.socketIdleTimeoutMs ?? SOCKET_IDLE_TIMEOUT_MS) / LOOKS, systemClock);
    const shortestMs = Math.min(options.headTimeoutMs, options.bodyTimeoutMs, options.idleTimeoutMs);
    this.#server = createServer<typeof Request, typeof ServerResponse>({
      IncomingMessage: Request,
      maxHeaderSize: HEAD_BYTES_MAX + SEPARATOR_BYTES_MAX,
      headersTimeout: options.headTimeoutMs,
      requestTimeout: options.headTimeoutMs + options.bodyTimeoutMs,
      keepAliveTimeout: options.idleTimeoutMs,
      connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS_MAX, Math.ceil(shortestMs / 2)),
      noDelay: true,
      // The head reader says it, in the shape of every other refusal.
      requireHostHeader: false,
    });
    this.#server.maxConnections = options.connectionsMax;
    // One more than allowed: Node drops what is past its bound in silence, and the reader must see that there were more.
    this.#server.maxHeadersCount = HEADER_COUNT_MAX + 1;
    this.#server.on('connection', (socket) => this.#connected(socket));
    this.#server.on('request', (request, response) => this.#request(request, response));
    // An expectation other than 100-continue is ignored, as the other adapter does.
    this.#server.on('checkExpectation', (request, response) => this.#request(request, response));
    this.#server.on('clientError', (error, socket) => this.#unreadable(error, socket));
    this.#server.on('connect', (_request, socket) => this.#refuseRaw(socket, 400, 'CONNECT is not taken'));
    this.#webSockets = this.#webSocketServer();
    const { onUpgrade } = options;
    if (onUpgrade === undefined) return;
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket as Socket, head, onUpgrade));
  }

  #webSocketServer(): WebSocketServer {
    const settings = {
      noServer: true,
      clientTracking: false,
      WebSocket: OwnedWebSocket,
      maxPayload: this.#options.frameBytesMax ?? FRAME_BYTES_MAX,
      skipUTF8Validation: false,
      // No extension, either way (S5).
      perMessageDeflate: false,
      maxPendingAutoPongs: PENDING_PONGS_MAX,
      closeTimeout: CLOSE_TIMEOUT_MS,
      handleProtocols: () => this.#protocol ?? false,
    } as const;
    return new WebSocketServer(settings);
  }

  get connections(): number {
    return this.#connections.size - this.#upgraded;
  }

  get sockets(): number {
    return this.#sockets;
  }

  get draining(): boolean {
    return this.#draining;
  }

  listen(): Promise<{ readonly host: string; readonly port: number }> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException): void => reject(listenError(host, port, error));
      this.#server.once('error', fail);
      this.#server.listen({ host, port, exclusive: true }, () => {
        this.#server.off('error', fail);
        this.#server.on('error', (error) => this.onDefect(error));
        resolve({ host, port: (this.#server.address() as AddressInfo).port });
      });
    });
  }

  #connected(socket: Socket): void {
    const ip = addressFromText(socket.remoteAddress);
    const connection = { ip, open: 0, closing: false, upgraded: false };
    this.#connections.set(socket, connection);
    socket.once('close', () => {
      this.#connections.delete(socket);
      if (connection.upgraded) this.#upgraded -= 1;
    });
    // Node stops watching a socket that it hands over (CONNECT): its errors must not go unheard.
    socket.on('error', () => socket.destroy());
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(request.socket);
    // Left alone, not refused: the answer before is still on its way, and the socket is shut behind it.
    if (connection?.closing) return;
    if (connection === undefined || connection.open >= PIPELINE_MAX) {
      request.socket.destroy();
      return;
    }
    connection.open += 1;
    response.once('close', () => {
      connection.open -= 1;
    });
    const read = this.#read(request, connection.ip);
    if ('kind' in read) this.#refuse(response, statusOfFlaw(read), read);
    else if (request.httpVersion !== '1.1') this.#refuse(response, 505, onlyHttp11);
    else new NodeExchange(this, request, response, read).run(this.#handler);
  }

  #read(request: IncomingMessage, ip: string) {
    const reader = this.#reader;
    reader.begin();
    const raw = request.rawHeaders;
    for (let i = 0; i < raw.length; i += 2) {
      reader.header((raw[i] as string).toLowerCase(), raw[i + 1] as string);
    }
    const target = request.url ?? '';
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    return reader.finish(request.method ?? '', path, mark < 0 ? '' : target.slice(mark + 1), ip);
  }

  #upgrade(request: Request, socket: Socket, head: Buffer, onUpgrade: UpgradeHandler): void {
    const connection = this.#connections.get(socket);
    if (connection?.closing) {
      this.#lookAway(socket);
      return;
    }
    // It would be answered ahead of the requests before it.
    if (connection === undefined || connection.open > 0) {
      socket.destroy();
      return;
    }
    const read = this.#read(request, connection.ip);
    if ('kind' in read) {
      this.#refuseRaw(socket, statusOfFlaw(read), read.reason);
    } else if (request.httpVersion !== '1.1') {
      this.#refuseRaw(socket, 505, onlyHttp11.reason);
    } else if (read.handshake === undefined) {
      this.#refuseRaw(socket, 400, 'it cannot be read as an upgrade');
    } else if (read.handshake.kind === 'flawed') {
      const { status, reason } = read.handshake;
      this.#answerLast(socket, status, headersOfHandshake(read.handshake), badRequestBody(reason));
    } else {
      const answer = askUpgrade(read.head, read.handshake, onUpgrade, (error) => this.onDefect(error));
      if (answer.kind === 'accepted') this.#accept(request, socket, head, connection, answer);
      else this.#answerLast(socket, answer.status, answer.headers, answer.body);
    }
  }

  #accept(request: Request, socket: Socket, head: Buffer, connection: Connection, answer: UpgradeAccepted): void {
    const owner = new NodeSocket(this, answer.handler, socket);
    let isOpen = false;
    this.#protocol = answer.protocol;
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      isOpen = true;
      connection.upgraded = true;
      this.#upgraded += 1;
      (webSocket as OwnedWebSocket).owner = owner;
      webSocket.on('message', onMessage).on('error', onError).on('close', onClose);
      owner.opened(webSocket);
    });
    if (!isOpen) owner.missed();
  }

  socketOpened(): void {
    this.#sockets += 1;
  }

  socketClosed(): void {
    this.#sockets -= 1;
  }

  takeNoMore(socket: Duplex): void {
    const connection = this.#connections.get(socket);
    if (connection !== undefined) connection.closing = true;
  }

  #refuse(response: ServerResponse, status: number, flaw: HeadFlaw): void {
    this.takeNoMore(response.req.socket);
    const body = badRequestBody(flaw.reason);
    const fields = ['content-length', String(Buffer.byteLength(body)), 'connection', 'close'];
    for (const [name, value] of REFUSAL_HEADERS) fields.push(name, value);
    response.writeHead(status, fields);
    response.end(body);
  }

  /** The parser gave up: too slow, too large, or not HTTP. */
  #unreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' || error.code === 'ECONNRESET') socket.destroy();
    else if (error.code === 'HPE_HEADER_OVERFLOW') this.#refuseRaw(socket, 431, 'its head is too large');
    else this.#refuseRaw(socket, 400, 'it is not readable as HTTP/1.1');
  }

  #refuseRaw(socket: Duplex, status: number, reason: string): void {
    // While an answer is owed, bytes of ours would land in the middle of it.
    const owed = this.#connections.get(socket)?.open ?? 1;
    if (owed > 0 || !socket.writable) {
      socket.destroy();
      return;
    }
    this.#answerLast(socket, status, REFUSAL_HEADERS, badRequestBody(reason));
  }

  /** Answers on a socket that Node has let go of, and ends it. */
  #answerLast(socket: Duplex, status: number, headers: ResponseHeaders, body: string): void {
    const lines = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`,
      ...headers.map(([name, value]) => `${name}: ${value}`),
      `date: ${new Date(systemClock.now()).toUTCString()}`,
      'connection: close',
      `content-length: ${Buffer.byteLength(body)}`,
    ];
    socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
    this.#lookAway(socket);
  }

  /** Reads on, so that the end of what the client sends is seen, and ends the socket if that does not come (A4). */
  #lookAway(socket: Duplex): void {
    socket.resume();
    const late = systemClock.after(this.#options.idleTimeoutMs, () => socket.destroy());
    socket.once('close', () => late.cancel());
  }

  onDefect(error: unknown): void {
    this.#options.onDefect(error);
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#server.close();
    // Node counts only those as idle that were answered before; one that has said nothing yet is idle too.
    for (const [socket, connection] of this.#connections) {
      if (connection.open === 0 && !connection.upgraded) socket.destroy();
    }
  }

  close(): void {
    this.drain();
    this.#server.closeAllConnections();
    // Node knows nothing of those that it has handed over.
    for (const [socket, { upgraded }] of this.#connections) if (upgraded) socket.destroy();
  }
}

const onlyHttp11: HeadFlaw = { kind: 'malformed', reason: 'only HTTP/1.1 is spoken here' };
