// uWebSockets listener
//
// The listener over uWebSockets.js: the fast one. The library is an optional, native dependency, so it is loaded
// when first asked for, and failing to load is an ordinary condition.
//
// Owns:     loading the library, the listen socket, the counts of connections and sockets, draining.
// Does not: hold a request longer than its callback (uws-exchange.ts), or a socket (uws-socket.ts).
//
// A1. The library is loaded on the main thread only: in a worker it takes the process down with it.
// A2. Nothing thrown leaves a callback of the library.
// A3. After close() nothing native is touched.
//
// The library's own fixed bounds (10 s for a head, and for an idle connection) stand for headTimeoutMs and
// idleTimeoutMs, which cannot be set there. docs/listeners.md lists this and every other difference.

import { createServer } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { systemClock, type Timer } from '../../clock.js';
import { invariant } from '../../invariant.js';
import { BODIES_BYTES_MAX, BodyBudget } from './body-budget.js';
import { Deadlines } from './deadlines.js';
import type { SoundHandshake } from './handshake.js';
import { HEAD_BYTES_MAX, type HeadFlaw, HeadReader, type ReadHead } from './head-reader.js';
import { listenError } from './listen-error.js';
import type { Listener, ListenerOptions, RequestHandler } from './listener.js';
import { addressFromBytes } from './peer-address.js';
import { badRequestBody, headersOfHandshake, REFUSAL_HEADERS, statusOfFlaw } from './refusal.js';
import type { ResponseHeaders } from './request-head.js';
import type { UpgradeHandler } from './socket.js';
import { SOCKET_IDLE_TIMEOUT_MS } from './socket-bounds.js';
import { askUpgrade } from './upgrade.js';
import { closeQuietly, type ExchangeHost, type NativeResponse, statusLine, UwsExchange } from './uws-exchange.js';
import {
  openUwsSocket,
  type SocketBehavior,
  type SocketHost,
  socketBehavior,
  type UpgradableResponse,
  type UpgradeContext,
} from './uws-socket.js';

/** After the last answer of a drain, what is still unsent gets this long before every connection is closed. */
const DRAIN_LINGER_MS = 500;
/** Room for the colons, spaces and line ends of a head, which HEAD_BYTES_MAX does not count. */
const SEPARATOR_BYTES_MAX = 1024;

/** A name rather than a literal import, so that the program compiles where the optional package is absent. */
const PACKAGE: string = 'uWebSockets.js';

/** The parts of the library that are used here. Its own types name no 3.0 exports and would be needed to compile. */
export interface UwsLibrary {
  App(): App;
  us_listen_socket_close(socket: ListenSocket): void;
  us_socket_local_port(socket: ListenSocket): number;
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number;
  _cfg(key: string): void;
}
type ListenSocket = object;
interface App {
  filter(run: (res: ConnectedResponse, change: number) => void): unknown;
  any(pattern: string, run: (res: ConnectedResponse, req: NativeRequest) => void): unknown;
  ws(pattern: string, behavior: SocketBehavior & { readonly upgrade: TakeUpgrade }): unknown;
  listen(host: string, port: number, options: number, take: (socket: ListenSocket | false) => void): unknown;
  close(): unknown;
}
/** Called for each GET that has a Sec-WebSocket-Key of 24 characters, whatever else it says. */
type TakeUpgrade = (res: ConnectedResponse, req: NativeRequest, context: UpgradeContext) => void;
interface ConnectedResponse extends UpgradableResponse {
  getRemoteAddress(): ArrayBuffer;
}
interface NativeRequest {
  forEach(take: (name: string, value: string) => void): void;
  getMethod(): string;
  getUrl(): string;
  getQuery(): string | undefined;
}

/** Loads the library. Rejects where it is not installed, or has no build for this system. */
export async function loadUws(): Promise<UwsLibrary> {
  if (!isMainThread) throw new Error(`${PACKAGE} works on the main thread only`);
  // Read by the library while it loads: the most it keeps of a head that arrives in pieces. It counts separators too.
  process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= String(HEAD_BYTES_MAX + SEPARATOR_BYTES_MAX);
  const { default: library }: { readonly default: UwsLibrary } = await import(PACKAGE);
  // Without this the library names itself in every answer.
  library._cfg('silent');
  return library;
}

/** Costs a process-wide library of some megabytes, once. Rejects when it does not load. */
export async function openUwsListener(options: ListenerOptions, handler: RequestHandler): Promise<Listener> {
  return new UwsListener(await loadUws(), options, handler);
}

class UwsListener implements Listener, ExchangeHost, SocketHost {
  readonly adapter = 'uws';
  readonly bodyBytesMax: number;
  readonly bodies: BodyBudget;
  readonly deadlines: Deadlines;
  readonly #library: UwsLibrary;
  readonly #options: ListenerOptions;
  readonly #handler: RequestHandler;
  readonly #app: App;
  readonly #reader: HeadReader;
  readonly #takeHeader = (name: string, value: string): void => this.#reader.header(name, value);
  #listenSocket: ListenSocket | undefined;
  #connections = 0;
  #sockets = 0;
  #inFlight = 0;
  #draining = false;
  #closed = false;
  /** Sockets that sent something in this turn of the loop. */
  #unflushed: { flush(): void }[] = [];
  #lingering: Timer | undefined;

  constructor(library: UwsLibrary, options: ListenerOptions, handler: RequestHandler) {
    this.#library = library;
    this.#options = options;
    this.#handler = handler;
    this.#reader = new HeadReader(options.tenantHeader);
    this.bodyBytesMax = options.bodyBytesMax;
    this.bodies = new BodyBudget(options.bodiesBytesMax ?? BODIES_BYTES_MAX);
    this.deadlines = new Deadlines(options.bodyTimeoutMs, systemClock);
    this.#app = library.App();
    this.#app.filter((res, change) => this.#count(res, change));
    this.#app.any('/*', (res, req) => this.#request(res, req, undefined));
    if (options.onUpgrade === undefined) return;
    const idleTimeoutMs = options.socketIdleTimeoutMs ?? SOCKET_IDLE_TIMEOUT_MS;
    this.#app.ws('/*', {
      ...socketBehavior(options.frameBytesMax, idleTimeoutMs),
      upgrade: (res, req, context) => this.#request(res, req, context),
    });
  }

  get connections(): number {
    return this.#connections;
  }

  get sockets(): number {
    return this.#sockets;
  }

  get draining(): boolean {
    return this.#draining;
  }

  async listen(): Promise<{ readonly host: string; readonly port: number }> {
    const { host, port } = this.#options;
    const socket = this.#bind(host, port);
    if (socket === undefined) throw await explainRefusal(host, port);
    this.#listenSocket = socket;
    return { host, port: this.#library.us_socket_local_port(socket) };
  }

  #bind(host: string, port: number): ListenSocket | undefined {
    let bound: ListenSocket | undefined;
    // Exclusive: by default the library shares a taken port with whoever has it.
    this.#app.listen(host, port, this.#library.LIBUS_LISTEN_EXCLUSIVE_PORT, (socket) => {
      if (socket !== false) bound = socket;
    });
    return bound;
  }

  #count(res: NativeResponse, change: number): void {
    this.#connections += change;
    if (change > 0 && this.#connections + this.#sockets > this.#options.connectionsMax) res.close();
  }

  #request(res: ConnectedResponse, req: NativeRequest, context: UpgradeContext | undefined): void {
    try {
      const reader = this.#reader;
      reader.begin();
      req.forEach(this.#takeHeader);
      const ip = addressFromBytes(new Uint8Array(res.getRemoteAddress()));
      const read = reader.finish(req.getMethod(), req.getUrl(), req.getQuery() ?? '', ip);
      if ('kind' in read) {
        refuse(res, read);
        return;
      }
      const { onUpgrade } = this.#options;
      const { handshake } = read;
      if (onUpgrade === undefined || handshake === undefined) {
        this.#inFlight += 1;
        new UwsExchange(this, res, read).run(this.#handler);
      } else if (handshake.kind === 'sound') {
        this.#upgrade(res, read, handshake, context, onUpgrade);
      } else {
        this.#answerLast(res, read, handshake.status, headersOfHandshake(handshake), badRequestBody(handshake.reason));
      }
    } catch (error) {
      this.onDefect(error);
      closeQuietly(res);
    }
  }

  #upgrade(
    res: ConnectedResponse,
    read: ReadHead,
    handshake: SoundHandshake,
    context: UpgradeContext | undefined,
    onUpgrade: UpgradeHandler,
  ): void {
    // A sound handshake is one that the library takes for an upgrade.
    invariant(context !== undefined, 'an upgrade has its context');
    const answer = askUpgrade(read.head, handshake, onUpgrade, (error) => this.onDefect(error));
    if (answer.kind === 'refused') {
      this.#answerLast(res, read, answer.status, answer.headers, answer.body);
      return;
    }
    openUwsSocket(this, res, context, handshake.key, answer);
  }

  /** Answers as a request, and ends the connection. */
  #answerLast(res: ConnectedResponse, read: ReadHead, status: number, headers: ResponseHeaders, body: string): void {
    this.#inFlight += 1;
    new UwsExchange(this, res, { ...read, closing: true }).run((exchange) => exchange.respond(status, headers, body));
  }

  flushSoon(socket: { flush(): void }): void {
    if (this.#unflushed.push(socket) > 1) return;
    setImmediate(() => {
      const sockets = this.#unflushed;
      this.#unflushed = [];
      for (const one of sockets) one.flush();
    });
  }

  /** The library tells no end of a connection that became a socket. */
  socketOpened(): void {
    this.#connections -= 1;
    this.#sockets += 1;
  }

  socketClosed(): void {
    this.#sockets -= 1;
    this.#lingerWhenIdle();
  }

  onDefect(error: unknown): void {
    this.#options.onDefect(error);
  }

  finished(): void {
    this.#inFlight -= 1;
    this.#lingerWhenIdle();
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#stopAccepting();
    this.#lingerWhenIdle();
  }

  /** Idle connections cannot be told from sockets when closing: while there are sockets (S9), they end by themselves. */
  #lingerWhenIdle(): void {
    if (!this.#draining || this.#closed || !this.#isIdle()) return;
    this.#lingering ??= systemClock.after(DRAIN_LINGER_MS, () => {
      this.#lingering = undefined;
      if (this.#isIdle()) this.close();
    });
  }

  #isIdle(): boolean {
    return this.#inFlight === 0 && this.#sockets === 0;
  }

  #stopAccepting(): void {
    if (this.#listenSocket !== undefined) this.#library.us_listen_socket_close(this.#listenSocket);
    this.#listenSocket = undefined;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#draining = true;
    this.#lingering?.cancel();
    this.#stopAccepting();
    this.#app.close();
  }
}

function refuse(res: ConnectedResponse, flaw: HeadFlaw): void {
  // An answer would let the library read on, and what follows may not be a request at all.
  if (flaw.kind === 'framing') {
    res.close();
    return;
  }
  res.writeStatus(statusLine(statusOfFlaw(flaw)));
  for (const [name, value] of REFUSAL_HEADERS) res.writeHeader(name, value);
  res.end(badRequestBody(flaw.reason), true);
}

/** The library only says that it could not bind. Node is asked to try, and says why. */
function explainRefusal(host: string, port: number): Promise<Error> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error) => resolve(listenError(host, port, error)));
    probe.listen({ host, port, exclusive: true }, () => {
      probe.close(() => resolve(listenError(host, port, new Error('the address could not be bound'))));
    });
  });
}
