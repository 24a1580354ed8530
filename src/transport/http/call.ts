// Call
//
// One request on its way through the front door, and its one answer.
//
// Owns:     what was found out about the request so far; the answer's form; the line in the log.
// Does not: decide anything about it (front-door.ts, the routes).
//
// C1. At most one answer leaves; whatever is said after it is dropped.
// C2. What is told of a failure is its place in the error table, nothing else; the rest goes to the log.

import type { RouteName } from '../../contract/routes.js';
import { errorTable, type Fault, faultOf } from '../../errors.js';
import type { Idempotency } from '../../runtime/ref.js';
import type { Principal } from '../gate/authenticator.js';
import { idempotencyOf, idempotencyScope } from '../gate/idempotency.js';
import type { Outcome } from '../kernel/kernel-context.js';
import type { HttpExchange } from '../listener/listener.js';
import type { OpenAnswer, OpenAnswerHandler } from '../listener/open-answer.js';
import type { RequestSpan } from '../tracing/tracing.js';
import type { HttpContext } from './http-context.js';
import {
  bareHeaders,
  errorAnswer,
  errorHeaders,
  type Header,
  jsonHeaders,
  type Standing,
  standingHeaders,
} from './json-answer.js';

const NONE: readonly Header[] = [];
const REPLAYED: Header = ['idempotency-replayed', 'true'];
const REPLAYED_ONLY: readonly Header[] = [REPLAYED];
const NO_BYTES = new Uint8Array(0);

export class Call {
  readonly exchange: HttpExchange;
  readonly requestId: string;
  /** The part of the path that the route leaves open, not decoded. */
  param = '';
  name: RouteName | undefined;
  /** Undefined where the route needs no token. */
  principal: Principal | undefined;
  standing: Standing | undefined;
  /** What every answer to it says too. */
  extra: readonly Header[] = NONE;
  body: Uint8Array = NO_BYTES;
  /** The client's `Idempotency-Key`, once it was found good. */
  idempotencyKey: string | undefined;
  readonly #context: HttpContext;
  readonly #startedMs: number;
  /** Undefined where it is not followed. */
  readonly span: RequestSpan | undefined;
  #answered = false;

  constructor(context: HttpContext, exchange: HttpExchange, requestId: string) {
    this.#context = context;
    this.exchange = exchange;
    this.requestId = requestId;
    this.#startedMs = context.clock.monotonic();
    this.span = context.tracing?.begin(exchange.head.headers.traceparent);
  }

  /** The caller's id: an agent's address, an operator's id. Empty on a route without a token. */
  get callerId(): string {
    return this.principal?.id ?? '';
  }

  /** Whose idempotency keys and seals these are. */
  get scope(): string {
    const { head } = this.exchange;
    const anonymous = () => ({ ip: this.#context.clientIp(head.ip, head.headers['x-forwarded-for']) });
    return idempotencyScope(this.principal ?? anonymous());
  }

  /** What makes this request happen once, or undefined when the client gave no key. Hashes the body. */
  idempotency(): Idempotency | undefined {
    if (this.idempotencyKey === undefined) return undefined;
    const { method, path } = this.exchange.head;
    return idempotencyOf(this.scope, this.idempotencyKey, { method, path, body: this.body });
  }

  json(status: number, body: object, replayed = false): void {
    this.#answer(
      status,
      JSON.stringify(body),
      jsonHeaders(this.requestId, this.standing, replayed ? REPLAYED_ONLY : NONE),
    );
  }

  /** A body that is JSON already. */
  encoded(status: number, body: Uint8Array): void {
    this.#answer(status, body, jsonHeaders(this.requestId, this.standing, NONE));
  }

  /** As `json`, with the version of a value. */
  jsonWithEtag(status: number, body: object, etag: string, replayed: boolean): void {
    const version: Header = ['etag', `"${etag}"`];
    const more = replayed ? [version, REPLAYED] : [version];
    this.#answer(status, JSON.stringify(body), jsonHeaders(this.requestId, this.standing, more));
  }

  /** The answer to a call of the kernel; `status` when it was not refused. */
  settle(status: number, outcome: Outcome): void {
    if (!outcome.ok) this.refuse(outcome.fault);
    else if (outcome.etag === undefined) this.json(status, outcome.body, outcome.replayed);
    else this.jsonWithEtag(status, outcome.body, outcome.etag, outcome.replayed);
  }

  /** What is no JSON. */
  text(status: number, contentType: string, body: string): void {
    const headers = bareHeaders(this.requestId, [
      ['content-type', contentType],
      ['cache-control', 'no-store'],
    ]);
    this.#answer(status, body, headers);
  }

  /** An answer without an end; undefined where there is nobody to tell it to. `first` is what it begins with. */
  open(contentType: string, first: string, handler: OpenAnswerHandler): OpenAnswer | undefined {
    if (this.#answered) return undefined;
    this.#answered = true;
    const headers = bareHeaders(this.requestId, [
      ['content-type', contentType],
      ['cache-control', 'no-store'],
      ...standingHeaders(this.standing),
      ...this.extra,
    ]);
    const answer = this.exchange.begin(200, headers, first, handler);
    this.#note(200, answer !== undefined);
    return answer;
  }

  refuse(fault: Fault): void {
    if (!this.#answered) this.#context.meter.refused(fault.code);
    const headers = jsonHeaders(this.requestId, this.standing, errorHeaders(fault));
    this.#answer(errorTable[fault.code].status, JSON.stringify(errorAnswer(fault)), headers);
  }

  badRequest(reason: string): void {
    this.refuse({ code: 'BAD_REQUEST', params: { reason } });
  }

  noContent(more: readonly Header[]): void {
    this.#answer(204, '', bareHeaders(this.requestId, more));
  }

  /** An answer for what a route threw. An expected refusal is told as such; anything else is logged, and hidden (C2). */
  fail(error: unknown): void {
    const fault = faultOf(error);
    if (fault.code === 'INTERNAL') {
      this.#context.log.error({ event: 'request_failed', request_id: this.requestId, route: this.name, error });
    }
    this.refuse(fault);
  }

  #answer(status: number, body: string | Uint8Array, headers: readonly Header[]): void {
    if (this.#answered) return;
    this.#answered = true;
    const sent = this.exchange.respond(status, this.extra.length === 0 ? headers : [...headers, ...this.extra], body);
    this.#note(status, sent);
  }

  #note(status: number, sent: boolean): void {
    const { log, clock, meter, tracing } = this.#context;
    const tookMs = clock.monotonic() - this.#startedMs;
    meter.answered(this.name ?? 'none', status, tookMs);
    if (this.span !== undefined) tracing?.end(this.span, this.name ?? 'none', status);
    if (!log.debugEnabled) return;
    const { method, path } = this.exchange.head;
    const ms = Math.round(tookMs * 1000) / 1000;
    log.debug({ event: 'request', request_id: this.requestId, method, path, status, ms, sent });
  }
}
