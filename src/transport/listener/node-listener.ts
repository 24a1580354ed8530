// Node listener
//
// The listener over node:http: slower than uWebSockets.js, and there wherever Node is.
//
// Owns:     the server, its timeouts and connection bound, what is answered when the parser gives up, draining.
// Does not: hold one request's state (node-exchange.ts), or judge heads (head-reader.ts).
//
// A1. No event of the server or of a socket is left without a listener that could throw.
// A2. At most PIPELINE_MAX requests of one connection wait for an answer; the next one ends the connection.
// A3. Behind an answer that says `close` no request is taken. Node parses what comes until the socket is shut, and would
//     hand it a response out of turn: when that one ends, Node finds its queue out of order and ends the process.
// A4. A socket that Node has handed over, or that was refused without a request, is read to its end, for a bounded time:
//     one that nobody reads would never be found closed.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { systemClock } from '../../clock.js';
import { BODIES_BYTES_MAX, BodyBudget } from './body-budget.js';
import { BodyDeadlines } from './body-deadlines.js';
import { DiscardPace } from './discard-pace.js';
import { HEAD_BYTES_MAX, HEADER_COUNT_MAX, type HeadFlaw, HeadReader } from './head-reader.js';
import { listenError } from './listen-error.js';
import type { Listener, ListenerOptions, RequestHandler } from './listener.js';
import { NodeExchange, type NodeExchangeHost } from './node-exchange.js';
import { addressFromText } from './peer-address.js';
import { badRequestBody, REFUSAL_HEADERS, statusOfFlaw } from './refusal.js';

/** Requests of one connection that may wait for an answer at once. */
export const PIPELINE_MAX = 16;
/** How often Node looks for connections past their time, at most. */
const TIMEOUT_CHECK_MS_MAX = 1000;
/** Room for the colons, spaces and line ends of a head, which HEAD_BYTES_MAX does not count. */
const SEPARATOR_BYTES_MAX = 1024;

interface Connection {
  readonly ip: string;
  /** Requests that wait for an answer. */
  open: number;
  /** One was answered, and told that it is the last (A3). */
  closing: boolean;
}

export function openNodeListener(options: ListenerOptions, handler: RequestHandler): Listener {
  return new NodeListener(options, handler);
}

class NodeListener implements Listener, NodeExchangeHost {
  readonly adapter = 'node';
  readonly bodyBytesMax: number;
  readonly bodies: BodyBudget;
  readonly deadlines: BodyDeadlines;
  readonly discards = new DiscardPace(systemClock);
  readonly #options: ListenerOptions;
  readonly #handler: RequestHandler;
  readonly #server: Server;
  readonly #reader = new HeadReader();
  readonly #connections = new Map<Duplex, Connection>();
  #draining = false;

  constructor(options: ListenerOptions, handler: RequestHandler) {
    this.#options = options;
    this.#handler = handler;
    this.bodyBytesMax = options.bodyBytesMax;
    this.bodies = new BodyBudget(options.bodiesBytesMax ?? BODIES_BYTES_MAX);
    this.deadlines = new BodyDeadlines(options.bodyTimeoutMs, systemClock);
    const shortestMs = Math.min(options.headTimeoutMs, options.bodyTimeoutMs, options.idleTimeoutMs);
    this.#server = createServer({
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
  }

  get connections(): number {
    return this.#connections.size;
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
    this.#connections.set(socket, { ip: addressFromText(socket.remoteAddress), open: 0, closing: false });
    socket.once('close', () => this.#connections.delete(socket));
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
    const body = badRequestBody(reason);
    const fields = REFUSAL_HEADERS.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const length = Buffer.byteLength(body);
    socket.end(
      `HTTP/1.1 ${status} Bad Request\r\n${fields}connection: close\r\ncontent-length: ${length}\r\n\r\n${body}`,
    );
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
    for (const [socket, connection] of this.#connections) if (connection.open === 0) socket.destroy();
  }

  close(): void {
    this.drain();
    this.#server.closeAllConnections();
  }
}

const onlyHttp11: HeadFlaw = { kind: 'malformed', reason: 'only HTTP/1.1 is spoken here' };
