// Memory call
//
// One request to the memory API, and its one answer.
//
// Owns:     what was found out about the request so far; the answer's form; the line in the log.
// Does not: decide anything about it (memory-door.ts, the routes).
//
// MC1. At most one answer leaves; whatever is said after it is dropped.
// MC2. What is told of a failure is INTERNAL, nothing else; the rest goes to the log.

import { type MemoryError, memoryErrors } from '../../contract/memory-errors.js';
import type { MemoryRouteName } from '../../contract/memory-routes.js';
import { type Fault, faultOf } from '../../errors.js';
import { bareHeaders, type Header, jsonHeaders } from '../http/json-answer.js';
import type { HttpExchange } from '../listener/listener.js';
import type { MemoryContext } from './memory-context.js';
import { type MemoryFault, memoryFaultOf } from './memory-fault.js';

/** Who calls. `tenant` is `''` where none is named. */
export interface Caller {
  readonly tenant: string;
  /** The only subject that it may reach; null: any of the tenant. */
  readonly ownSubject: string | null;
}

const NOBODY: Caller = { tenant: '', ownSubject: '' };
const NO_BYTES = new Uint8Array(0);
const NONE: readonly Header[] = [];

export class MemoryCall {
  readonly exchange: HttpExchange;
  readonly requestId: string;
  readonly name: MemoryRouteName | undefined;
  /** The part of the path that the route leaves open, not decoded. */
  readonly param: string;
  caller = NOBODY;
  body: Uint8Array = NO_BYTES;
  readonly #context: MemoryContext;
  readonly #startedMs: number;
  #answered = false;

  constructor(
    context: MemoryContext,
    exchange: HttpExchange,
    requestId: string,
    route: { readonly name: MemoryRouteName | undefined; readonly param: string },
  ) {
    this.#context = context;
    this.exchange = exchange;
    this.requestId = requestId;
    this.name = route.name;
    this.param = route.param;
    this.#startedMs = context.clock.monotonic();
  }

  json(status: number, body: object): void {
    this.encoded(status, JSON.stringify(body));
  }

  /** A body that is JSON already. */
  encoded(status: number, body: string): void {
    this.#answer(status, body, jsonHeaders(this.requestId, undefined, NONE));
  }

  refuse({ code, message, details, retryAfterS, allow }: MemoryFault): void {
    const body: MemoryError = {
      error: { code, message, details: details === undefined ? null : [...details], request_id: this.requestId },
    };
    const headers: Header[] = [];
    if (retryAfterS !== undefined) headers.push(['retry-after', String(retryAfterS)]);
    if (allow !== undefined) headers.push(['allow', allow]);
    this.#answer(memoryErrors[code], JSON.stringify(body), jsonHeaders(this.requestId, undefined, headers));
  }

  refuseFault(fault: Fault): void {
    this.refuse(memoryFaultOf(fault));
  }

  noContent(more: readonly Header[]): void {
    this.#answer(204, '', bareHeaders(this.requestId, more));
  }

  /** An answer for what a route threw (MC2). */
  fail(error: unknown): void {
    const fault = faultOf(error);
    if (fault.code === 'INTERNAL') {
      this.#context.log.error({ event: 'request_failed', request_id: this.requestId, route: this.name, error });
    }
    this.refuseFault(fault);
  }

  #answer(status: number, body: string, headers: readonly Header[]): void {
    if (this.#answered) return;
    this.#answered = true;
    const sent = this.exchange.respond(status, headers, body);
    const { log, clock, meter } = this.#context;
    const tookMs = clock.monotonic() - this.#startedMs;
    meter.answered(this.name === undefined ? 'none' : `memory.${this.name}`, status, tookMs);
    if (!log.debugEnabled) return;
    const { method, path } = this.exchange.head;
    const ms = Math.round(tookMs * 1000) / 1000;
    log.debug({ event: 'request', request_id: this.requestId, method, path, status, ms, sent });
  }
}
