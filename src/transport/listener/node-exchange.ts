// Node exchange
//
// One request and its answer over node:http.
//
// Owns:     reading the body, answering once, and ending a connection so that the answer survives it.
// Does not: accept connections (node-listener.ts), or judge heads (head-reader.ts).
//
// N1. The answer is written once; after the client is gone nothing is written.
// N2. When a body is still arriving and the connection must end, the answer is sent whole, and the rest of the body
//     is read and thrown away for a bounded time and size before the socket is closed, or the close would destroy
//     the answer on its way. It is read slowly (discard-pace.ts): most clients see the answer and go away.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Clock, systemClock, type Timer } from '../../clock.js';
import type { BodyBudget } from './body-budget.js';
import { BodyCollector } from './body-collector.js';
import type { Deadlines, Expirable } from './deadlines.js';
import type { DiscardPace } from './discard-pace.js';
import type { ReadHead } from './head-reader.js';
import type { BodyOutcome, HttpExchange } from './listener.js';
import { NodeOpenAnswer } from './node-open-answer.js';
import type { OpenAnswer, OpenAnswerHandler } from './open-answer.js';
import { badRequestBody, INTERNAL_BODY, NO_BODY_HERE, REFUSAL_HEADERS } from './refusal.js';
import type { RequestHead, ResponseHeaders } from './request-head.js';

/** An unread body up to this size is let through so that the connection can be used again; a larger one ends it. */
const DISCARD_BYTES_MAX = 65_536;
/** How much more of a refused body is read so that the answer can arrive (N2), and for how long. */
const LINGER_BYTES_MAX = 16 * 1024 * 1024;
const LINGER_MS = 2000;

/** What an exchange needs of its listener. */
export interface NodeExchangeHost {
  readonly bodyBytesMax: number;
  readonly bodies: BodyBudget;
  readonly deadlines: Deadlines;
  readonly discards: DiscardPace;
  readonly draining: boolean;
  onDefect(error: unknown): void;
  /** The connection ends behind the answer that is being given. */
  takeNoMore(socket: Duplex): void;
}

export class NodeExchange implements HttpExchange, Expirable {
  readonly head: RequestHead;
  readonly #host: NodeExchangeHost;
  readonly #clock: Clock;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #bodyLength: number | undefined;
  #answered = false;
  #aborted = false;
  #abortRuns: (() => void)[] | undefined;
  #body: BodyCollector | undefined;
  #bodyRefused = false;
  #open: NodeOpenAnswer | undefined;

  constructor(
    host: NodeExchangeHost,
    request: IncomingMessage,
    response: ServerResponse,
    read: ReadHead,
    clock: Clock = systemClock,
  ) {
    this.#host = host;
    this.#clock = clock;
    this.#request = request;
    this.#response = response;
    this.head = read.head;
    this.#bodyLength = read.bodyLength;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  run(handler: (exchange: HttpExchange) => void): void {
    // A body that breaks off is an error event of the request; the abort is told by the close that follows.
    this.#request.on('error', () => this.#body?.abort());
    this.#response.on('close', () => this.#closed());
    this.#guard(() => handler(this));
  }

  readBody(done: (outcome: BodyOutcome) => void, bytesMax = this.#host.bodyBytesMax): void {
    if (this.#body !== undefined || this.#answered || this.#aborted) {
      throw new Error('A body can be read once, before the answer');
    }
    const body = new BodyCollector(bytesMax, this.#host.bodies, (outcome) => {
      this.#host.deadlines.end(this);
      if (outcome.kind === 'too_large' || outcome.kind === 'overloaded') this.#bodyRefused = true;
      this.#guard(() => done(outcome));
    });
    this.#body = body;
    if (this.#bodyLength === 0) body.finish();
    else if (this.#bodyLength === undefined || body.announces(this.#bodyLength)) this.#collect(body);
  }

  #collect(body: BodyCollector): void {
    this.#host.deadlines.begin(this);
    this.#request.on('data', (chunk: Buffer) => {
      if (chunk.length > 0 && body.admits(chunk.length)) body.add(chunk);
      // Past the bound nothing more is read until the answer decides what happens to the rest.
      else if (!this.#answered) this.#request.pause();
    });
    this.#request.on('end', () => body.finish());
  }

  /** The body took too long (L7). */
  expire(): void {
    this.#request.destroy();
  }

  respond(status: number, headers: ResponseHeaders, body: string | Uint8Array): boolean {
    if (this.#answered || this.#aborted) return false;
    this.#answered = true;
    this.#body?.letGo();
    this.#host.deadlines.end(this);
    const ends = this.#mustClose();
    if (ends) this.#host.takeNoMore(this.#request.socket);
    const bare = status === 204 || status === 304;
    const fields: string[] = [];
    for (const [name, value] of headers) fields.push(name, value);
    if (!bare) fields.push('content-length', String(Buffer.byteLength(body)));
    if (ends) fields.push('connection', 'close');
    try {
      this.#response.writeHead(status, fields);
      const silent = bare || this.head.method === 'HEAD';
      if (ends && !this.#request.complete) {
        this.#lingerAfter(silent ? '' : body);
        return true;
      }
      this.#response.end(silent ? '' : body);
    } catch (error) {
      this.#host.onDefect(error);
      this.#request.destroy();
    }
    if (!this.#request.complete) this.#request.resume();
    return true;
  }

  begin(status: number, headers: ResponseHeaders, first: string, handler: OpenAnswerHandler): OpenAnswer | undefined {
    if (this.#answered || this.#aborted) return undefined;
    if (this.head.method === 'HEAD' || this.#bodyLength !== 0) {
      if (this.head.method === 'HEAD') this.respond(status, headers, '');
      else this.respond(400, REFUSAL_HEADERS, badRequestBody(NO_BODY_HERE));
      return undefined;
    }
    this.#answered = true;
    this.#host.takeNoMore(this.#request.socket);
    const fields: string[] = [];
    for (const [name, value] of headers) fields.push(name, value);
    fields.push('connection', 'close');
    this.#response.writeHead(status, fields);
    this.#response.write(first);
    // Its end is not seen by itself.
    this.#request.resume();
    this.#open = new NodeOpenAnswer(this.#host, this.#response, handler, this.#clock);
    return this.#open;
  }

  #mustClose(): boolean {
    if (this.#host.draining || this.#bodyRefused) return true;
    if (this.#request.complete || this.#bodyLength === 0) return false;
    return this.#bodyLength === undefined || this.#bodyLength > DISCARD_BYTES_MAX;
  }

  /** Sends the answer, then reads on for a while before it ends the response, and with it the connection (N2). */
  #lingerAfter(body: string | Uint8Array): void {
    if (body.length > 0) this.#response.write(body);
    else this.#response.flushHeaders();
    const request = this.#request;
    const readOn = (): Timer => this.#host.discards.wait(() => request.resume());
    let next = readOn();
    const end = (): void => {
      next.cancel();
      last.cancel();
      this.#response.end();
    };
    const last = this.#clock.after(LINGER_MS, end);
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      request.pause();
      next.cancel();
      if (bytes > LINGER_BYTES_MAX) end();
      else next = readOn();
    });
    request.once('end', end);
    request.once('close', end);
    request.pause();
  }

  onAbort(run: () => void): void {
    if (this.#aborted || this.#answered) return;
    if (this.#abortRuns === undefined) this.#abortRuns = [run];
    else this.#abortRuns.push(run);
  }

  #closed(): void {
    this.#open?.lost();
    if (this.#answered || this.#aborted) return;
    this.#aborted = true;
    this.#body?.letGo();
    this.#host.deadlines.end(this);
    const runs = this.#abortRuns;
    this.#abortRuns = undefined;
    if (runs !== undefined) for (const run of runs) this.#guard(run);
  }

  /** Runs code of the handler's (L5). */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#host.onDefect(error);
      this.respond(500, REFUSAL_HEADERS, INTERNAL_BODY);
    }
  }
}
