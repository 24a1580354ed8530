// uWebSockets listener
//
// The listener over uWebSockets.js: the fast one. The library is an optional, native dependency, so it is loaded
// when first asked for, and failing to load is an ordinary condition.
//
// Owns:     loading the library, the listen socket, the count of connections, draining.
// Does not: hold a request longer than its callback (uws-exchange.ts).
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
import { BODIES_BYTES_MAX, BodyBudget } from './body-budget.js';
import { BodyDeadlines } from './body-deadlines.js';
import { HEAD_BYTES_MAX, type HeadFlaw, HeadReader } from './head-reader.js';
import { listenError } from './listen-error.js';
import type { Listener, ListenerOptions, RequestHandler } from './listener.js';
import { addressFromBytes } from './peer-address.js';
import { badRequestBody, REFUSAL_HEADERS, statusOfFlaw } from './refusal.js';
import { closeQuietly, type ExchangeHost, type NativeResponse, statusLine, UwsExchange } from './uws-exchange.js';

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
  listen(host: string, port: number, options: number, take: (socket: ListenSocket | false) => void): unknown;
  close(): unknown;
}
interface ConnectedResponse extends NativeResponse {
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

class UwsListener implements Listener, ExchangeHost {
  readonly adapter = 'uws';
  readonly bodyBytesMax: number;
  readonly bodies: BodyBudget;
  readonly deadlines: BodyDeadlines;
  readonly #library: UwsLibrary;
  readonly #options: ListenerOptions;
  readonly #handler: RequestHandler;
  readonly #app: App;
  readonly #reader = new HeadReader();
  readonly #takeHeader = (name: string, value: string): void => this.#reader.header(name, value);
  #listenSocket: ListenSocket | undefined;
  #connections = 0;
  #inFlight = 0;
  #draining = false;
  #closed = false;
  #lingering: Timer | undefined;

  constructor(library: UwsLibrary, options: ListenerOptions, handler: RequestHandler) {
    this.#library = library;
    this.#options = options;
    this.#handler = handler;
    this.bodyBytesMax = options.bodyBytesMax;
    this.bodies = new BodyBudget(options.bodiesBytesMax ?? BODIES_BYTES_MAX);
    this.deadlines = new BodyDeadlines(options.bodyTimeoutMs, systemClock);
    this.#app = library.App();
    this.#app.filter((res, change) => this.#count(res, change));
    this.#app.any('/*', (res, req) => this.#request(res, req));
  }

  get connections(): number {
    return this.#connections;
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
    if (change > 0 && this.#connections > this.#options.connectionsMax) res.close();
  }

  #request(res: ConnectedResponse, req: NativeRequest): void {
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
      this.#inFlight += 1;
      new UwsExchange(this, res, read).run(this.#handler);
    } catch (error) {
      this.onDefect(error);
      closeQuietly(res);
    }
  }

  onDefect(error: unknown): void {
    this.#options.onDefect(error);
  }

  finished(): void {
    this.#inFlight -= 1;
    if (this.#draining && this.#inFlight === 0) this.#linger();
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#stopAccepting();
    if (this.#inFlight === 0) this.#linger();
  }

  #linger(): void {
    this.#lingering ??= systemClock.after(DRAIN_LINGER_MS, () => {
      this.#lingering = undefined;
      if (this.#inFlight === 0) this.close();
    });
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
