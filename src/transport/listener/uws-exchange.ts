// uWebSockets exchange
//
// One request and its answer, over a response object of uWebSockets.js that may die at any callback.
//
// Owns:     the one reference to the native response, and letting go of it in time.
// Does not: load the library, accept connections (uws-listener.ts), or judge heads (head-reader.ts).
//
// U1. The native response is touched only while #native holds it: it is given up before end() and on abort.
// U2. Every write happens corked: inside a callback of this very response, or inside cork().
// U3. Nothing thrown by the handler's code leaves a callback: the library would end the process.
// U4. When a body is still arriving, the connection is not cut behind the answer, which would destroy the answer
//     on its way: the client is told `close`, the library discards what comes, and its idle timeout ends it.

import { STATUS_CODES } from 'node:http';
import type { BodyBudget } from './body-budget.js';
import { BodyCollector } from './body-collector.js';
import type { Deadlines, Expirable } from './deadlines.js';
import type { ReadHead } from './head-reader.js';
import type { BodyOutcome, HttpExchange } from './listener.js';
import type { OpenAnswer, OpenAnswerHandler } from './open-answer.js';
import { badRequestBody, INTERNAL_BODY, NO_BODY_HERE, REFUSAL_HEADERS } from './refusal.js';
import type { RequestHead, ResponseHeaders } from './request-head.js';
import { type OpenAnswerHost, type OpenResponse, UwsOpenAnswer } from './uws-open-answer.js';

/** An unread body up to this size is let through so that the connection can be used again; a larger one ends it. */
export const DISCARD_BYTES_MAX = 65_536;

/** The part of the library's response object that is used here. */
export interface NativeResponse extends OpenResponse {
  onAborted(run: () => void): unknown;
  onData(take: (chunk: ArrayBuffer, isLast: boolean) => void): unknown;
  writeStatus(status: string): unknown;
  writeHeader(name: string, value: string): unknown;
  endWithoutBody(): unknown;
}

/** What an exchange needs of its listener. */
export interface ExchangeHost extends OpenAnswerHost {
  readonly bodyBytesMax: number;
  readonly bodies: BodyBudget;
  readonly deadlines: Deadlines;
  readonly draining: boolean;
}

/** Status lines by code, made once. */
const statusLines: string[] = [];
for (const [code, reason] of Object.entries(STATUS_CODES)) statusLines[Number(code)] = `${code} ${reason}`;

export function statusLine(status: number): string {
  return statusLines[status] ?? `${status} Unknown`;
}

/** Cuts a connection whose response object may be dead already: the library throws when such a one is used. */
export function closeQuietly(native: NativeResponse): void {
  try {
    native.close();
  } catch {
    // It is dead, which is what was asked for.
  }
}

function bytesOf(body: string | Uint8Array): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
}

export class UwsExchange implements HttpExchange, Expirable {
  readonly head: RequestHead;
  readonly #host: ExchangeHost;
  readonly #bodyLength: number | undefined;
  readonly #clientCloses: boolean;
  #native: NativeResponse | undefined;
  /** Inside a callback of this response, where the library has corked it. */
  #corked = true;
  #aborted = false;
  #abortRuns: (() => void)[] | undefined;
  #body: BodyCollector | undefined;
  #bodyArrived: boolean;
  #bodyRefused = false;
  #awaited = false;
  #open: UwsOpenAnswer | undefined;

  constructor(host: ExchangeHost, native: NativeResponse, read: ReadHead) {
    this.#host = host;
    this.#native = native;
    this.head = read.head;
    this.#bodyLength = read.bodyLength;
    this.#clientCloses = read.closing;
    this.#bodyArrived = read.bodyLength === 0;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  /** Runs the handler, in the library's own callback for the request. */
  run(handler: (exchange: HttpExchange) => void): void {
    // First of all: a request that nobody answered and nobody watches makes the library end the process.
    this.#native?.onAborted(() => this.#abort());
    this.#guard(() => handler(this));
    this.#corked = false;
  }

  readBody(done: (outcome: BodyOutcome) => void, bytesMax = this.#host.bodyBytesMax): void {
    const native = this.#native;
    if (this.#body !== undefined || native === undefined) throw new Error('A body can be read once, before the answer');
    const body = new BodyCollector(bytesMax, this.#host.bodies, (outcome) => {
      if (outcome.kind === 'too_large' || outcome.kind === 'overloaded') this.#bodyRefused = true;
      this.#guard(() => done(outcome));
    });
    this.#body = body;
    if (this.#bodyLength === 0) body.finish();
    else if (this.#bodyLength === undefined || body.announces(this.#bodyLength)) {
      native.onData((chunk, isLast) => this.#take(body, chunk, isLast));
    }
  }

  #take(body: BodyCollector, chunk: ArrayBuffer, isLast: boolean): void {
    this.#corked = true;
    this.#bodyArrived = isLast;
    // The library takes the chunk back when this returns: what is kept is a copy.
    if (chunk.byteLength > 0 && body.admits(chunk.byteLength)) body.add(Buffer.from(new Uint8Array(chunk)));
    if (isLast) {
      this.#endWait();
      body.finish();
    } else if (body.settled || this.#native === undefined) {
      this.#endWait();
    } else if (!this.#awaited) {
      this.#awaited = true;
      this.#host.deadlines.begin(this);
    }
    this.#corked = false;
  }

  /** The body took too long (L7). Closing runs the abort callback, which tells everyone. */
  expire(): void {
    this.#awaited = false;
    this.#native?.close();
  }

  respond(status: number, headers: ResponseHeaders, body: string | Uint8Array): boolean {
    const native = this.#native;
    if (native === undefined) return false;
    this.#native = undefined;
    this.#endWait();
    this.#body?.letGo();
    if (this.#corked) this.#write(native, status, headers, body);
    else native.cork(() => this.#write(native, status, headers, body));
    this.#host.finished();
    return true;
  }

  #write(native: NativeResponse, status: number, headers: ResponseHeaders, body: string | Uint8Array): void {
    try {
      native.writeStatus(statusLine(status));
      for (const [name, value] of headers) native.writeHeader(name, value);
      const bare = status === 204 || status === 304;
      const silent = bare || this.head.method === 'HEAD';
      const ends = this.#mustClose();
      // The library can cut only behind an answer with a body; elsewhere its idle timeout does.
      const cuts = ends && this.#bodyArrived && !silent;
      if (ends && !cuts) native.writeHeader('connection', 'close');
      if (silent) {
        // Told a length by argument, the library waits for a body to be written and takes no further request.
        if (!bare) native.writeHeader('content-length', String(bytesOf(body)));
        native.endWithoutBody();
      } else {
        native.end(body, cuts);
      }
    } catch (error) {
      this.#host.onDefect(error);
      closeQuietly(native);
    }
  }

  begin(status: number, headers: ResponseHeaders, first: string, handler: OpenAnswerHandler): OpenAnswer | undefined {
    const native = this.#native;
    if (native === undefined) return undefined;
    if (this.head.method === 'HEAD' || this.#bodyLength !== 0) {
      if (this.head.method === 'HEAD') this.respond(status, headers, '');
      else this.respond(400, REFUSAL_HEADERS, badRequestBody(NO_BODY_HERE));
      return undefined;
    }
    this.#native = undefined;
    const writeHead = (): void => {
      native.writeStatus(statusLine(status));
      for (const [name, value] of headers) native.writeHeader(name, value);
      native.writeHeader('connection', 'close');
      native.write(first);
    };
    if (this.#corked) writeHead();
    else native.cork(writeHead);
    this.#open = new UwsOpenAnswer(this.#host, native, handler);
    return this.#open;
  }

  #mustClose(): boolean {
    if (this.#host.draining || this.#clientCloses || this.#bodyRefused) return true;
    return !this.#bodyArrived && (this.#bodyLength === undefined || this.#bodyLength > DISCARD_BYTES_MAX);
  }

  onAbort(run: () => void): void {
    if (this.#aborted || this.#native === undefined) return;
    if (this.#abortRuns === undefined) this.#abortRuns = [run];
    else this.#abortRuns.push(run);
  }

  #abort(): void {
    this.#open?.lost();
    if (this.#native === undefined) return;
    this.#native = undefined;
    this.#aborted = true;
    this.#endWait();
    this.#host.finished();
    this.#body?.letGo();
    const runs = this.#abortRuns;
    this.#abortRuns = undefined;
    if (runs !== undefined) for (const run of runs) this.#guard(run);
  }

  #endWait(): void {
    if (!this.#awaited) return;
    this.#awaited = false;
    this.#host.deadlines.end(this);
  }

  /** Runs code of the handler's (U3, L5). */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#host.onDefect(error);
      this.respond(500, REFUSAL_HEADERS, INTERNAL_BODY);
    }
  }
}
