// Live session
//
// What a session does between hello and its end: it answers requests, and pushes messages and changes.
//
// Owns:     the requests in flight and their answers; one inbox feed; the watches, from the first one on.
// Does not: know how the session came to be or ends (session.ts).
//
// LV1. Each request is answered once, unless the session ends first; at most REQUESTS_IN_FLIGHT_MAX wait for an answer.
// LV2. A request is counted against the agent's limit as its HTTP route is; hello counts as a read of the inbox, and a
//      watch as one of the state, for it costs a message to each partition. ping, ack and unwatch are not counted.
// LV3. While the socket is full no request is begun, and a read that ends then is refused: so what a peer can have
//      waiting for it is bounded (frame-socket.ts).

import type { CloseReason } from '../../contract/session.js';
import {
  type AgentFrame,
  type AgentFrameOf,
  FRAME_BYTES_MAX,
  type FrameId,
  type OkFrame,
  REQUESTS_IN_FLIGHT_MAX,
  type SessionLimits,
  WINDOW_DEFAULT,
} from '../../contract/session.js';
import { exceedsBytes } from '../../contract/text.js';
import { errorTable, type Fault, faultOf } from '../../errors.js';
import { newId } from '../../ids.js';
import type { LimitClass } from '../gate/rate-limiter.js';
import type { Outcome } from '../kernel/kernel-context.js';
import { prefixFault } from '../kernel/text-faults.js';
import { errorFrame } from './error-frame.js';
import type { Encoded } from './frame-codec.js';
import { type FrameRequest, frameRequests, type RequestType } from './frame-requests.js';
import type { FrameSocket } from './frame-socket.js';
import { type FeedOwner, InboxFeed } from './inbox-feed.js';
import type { SessionContext } from './session-context.js';
import { SessionWatches } from './session-watches.js';
import type { WatchHub } from './watch-hub.js';

const TOO_MANY_REQUESTS: Fault = { code: 'RATE_LIMITED', params: { what: 'requests in flight' } };
const UNREAD: Fault = { code: 'OVERLOADED', params: { what: 'what one session may leave unread' } };
const REVOKED: Fault = { code: 'UNAUTHORIZED', params: { who: 'agent' } };
const TOO_LARGE: Fault = { code: 'VALUE_TOO_LARGE', params: { what: 'The answer', bytesMax: FRAME_BYTES_MAX } };

export interface LiveHost {
  readonly context: SessionContext;
  readonly hub: WatchHub;
  readonly limits: SessionLimits;
  /** flushAck() is called at the end of this turn of the loop. */
  ackSoon(feed: Pick<InboxFeed, 'flushAck'>): void;
}

export interface LiveOwner {
  badFrame(reason: string): void;
  end(reason: CloseReason, fault?: Fault): void;
  /** Nothing is in flight any more. */
  idle(): void;
}

/** What may be said after hello. */
export type LiveFrame = Exclude<AgentFrame, { readonly type: 'auth' | 'hello' }>;

export class LiveSession implements FeedOwner {
  readonly #host: LiveHost;
  readonly #owner: LiveOwner;
  readonly #out: FrameSocket;
  readonly #agent: string;
  readonly #lookupId: string;
  readonly #id = newId();
  #window = WINDOW_DEFAULT;
  #inFlight = 0;
  #isClosed = false;
  #inbox: InboxFeed | undefined;
  #watches: SessionWatches | undefined;

  constructor(host: LiveHost, owner: LiveOwner, out: FrameSocket, agent: string, lookupId: string) {
    this.#host = host;
    this.#owner = owner;
    this.#out = out;
    this.#agent = agent;
    this.#lookupId = lookupId;
  }

  /** No request waits for an answer. */
  get isIdle(): boolean {
    return this.#inFlight === 0;
  }

  begin(hello: AgentFrameOf<'hello'>): void {
    const { context } = this.#host;
    // Each hello may be pushed a window full: it counts as the read of an inbox that it is.
    const { fault } = context.rateLimiter.take(this.#agent, 'message_read');
    if (fault !== undefined) {
      this.#owner.end('tooMany', fault);
      return;
    }
    const isSameHistory = hello.epoch === undefined || hello.epoch === context.historyEpoch;
    this.#window = hello.window ?? WINDOW_DEFAULT;
    this.#inbox = new InboxFeed({
      context,
      out: this.#out,
      owner: this,
      agent: this.#agent,
      session: this.#id,
      lookupId: this.#lookupId,
      lastSeq: isSameHistory ? (hello.last_seq ?? null) : null,
      window: this.#window,
    });
    const { log } = context;
    if (log.debugEnabled) log.debug({ event: 'session_begun', session: this.#id, agent: this.#agent });
    this.#inbox.open();
  }

  hear(frame: LiveFrame): void {
    switch (frame.type) {
      case 'ack':
        if (this.#inbox?.acknowledge(frame.seq) === false) this.#owner.badFrame('ack names a seq that was never sent');
        break;
      case 'ping':
        this.#out.send({ type: 'pong', id: frame.id });
        break;
      case 'watch':
        this.#watch(frame.id, frame.prefix);
        break;
      case 'unwatch':
        this.#unwatch(frame.id);
        break;
      default:
        this.#request(frame);
    }
  }

  refuse(id: FrameId, fault: Fault): void {
    this.#host.context.meter.refused(fault.code);
    this.#out.send(errorFrame(fault, id));
  }

  drained(): void {
    this.#inbox?.drained();
    this.#watches?.drained();
  }

  attached(resumed: boolean, nextSeq: number): void {
    const { context, limits } = this.#host;
    this.#out.send({
      type: 'welcome',
      session_id: this.#id,
      agent: this.#agent,
      epoch: context.historyEpoch,
      resumed,
      next_seq: nextSeq,
      window: this.#window,
      heartbeat_ms: context.sessionRules.heartbeatMs,
      limits,
    });
  }

  redact(messageId: string): void {
    this.#inbox?.redact(messageId);
  }

  replaced(): void {
    this.#owner.end('replaced');
  }

  retired(): void {
    this.#owner.end('retired');
  }

  revoked(): void {
    this.#owner.end('unauthorized', REVOKED);
  }

  ackSoon(): void {
    if (this.#inbox !== undefined) this.#host.ackSoon(this.#inbox);
  }

  /** Gives everything back; answers that come later are for nobody. */
  close(code: number): void {
    this.#isClosed = true;
    this.#inbox?.close();
    this.#watches?.close();
    const { log } = this.#host.context;
    if (log.debugEnabled) log.debug({ event: 'session_ended', session: this.#id, agent: this.#agent, code });
  }

  #request(frame: AgentFrameOf<RequestType>): void {
    // The type names the frame that it takes.
    const request = frameRequests[frame.type] as FrameRequest<RequestType>;
    const { id } = frame;
    const { context } = this.#host;
    const begunMs = context.clock.monotonic();
    const fault = this.#admissionFault(request.limit);
    if (fault !== undefined) {
      this.refuse(id, fault);
      return;
    }
    this.#inFlight++;
    const span = context.tracing?.begin();
    const count = (fault: Fault | undefined): void => {
      const status = fault === undefined ? 200 : errorTable[fault.code].status;
      context.meter.answered(request.name, status, context.clock.monotonic() - begunMs);
      if (span !== undefined) context.tracing?.end(span, request.name, status);
    };
    const run = (): Promise<Outcome> => request.run(context, this.#agent, frame);
    const running = span === undefined ? run() : context.tracing!.within(span, run);
    running.then(
      (outcome) => {
        count(outcome.ok ? undefined : outcome.fault);
        this.#answer(id, outcome, request.isRead);
      },
      (error: unknown) => {
        count(faultOf(error));
        this.#failed(id, error);
      },
    );
  }

  #admissionFault(limit: LimitClass): Fault | undefined {
    const { context } = this.#host;
    if (this.#inFlight >= REQUESTS_IN_FLIGHT_MAX) return TOO_MANY_REQUESTS;
    if (this.#out.isFull) return UNREAD;
    if (context.draining()) return { code: 'DRAINING' };
    return context.rateLimiter.take(this.#agent, limit).fault;
  }

  #answer(id: FrameId, outcome: Outcome, isRead: boolean): void {
    if (this.#isClosed) return;
    if (!outcome.ok) this.refuse(id, outcome.fault);
    else if (isRead && this.#out.isFull) this.refuse(id, UNREAD);
    else {
      const { body, etag } = outcome;
      const ok: OkFrame = etag === undefined ? { type: 'ok', id, ...body } : { type: 'ok', id, ...body, etag };
      const encoded = this.#out.codec.encode(ok);
      if (isRead && isTooLarge(encoded)) this.refuse(id, TOO_LARGE);
      else this.#out.sendEncoded(encoded);
    }
    this.#settled();
  }

  /** A defect: what was thrown goes to the log, and is hidden from the client. */
  #failed(id: FrameId, error: unknown): void {
    const fault = faultOf(error);
    if (fault.code === 'INTERNAL') {
      this.#host.context.log.error({ event: 'session_request_failed', session: this.#id, error });
    }
    if (this.#isClosed) return;
    this.refuse(id, fault);
    this.#settled();
  }

  #settled(): void {
    this.#inFlight--;
    if (this.#inFlight === 0) this.#owner.idle();
  }

  #watch(id: FrameId, prefix: string): void {
    const { context, hub } = this.#host;
    this.#watches ??= new SessionWatches(hub, this.#out);
    const fault =
      this.#admissionFault('state_read') ?? prefixFault(prefix, context.rules.keyBytesMax) ?? this.#watches.fault(id);
    if (fault !== undefined) {
      this.refuse(id, fault);
      return;
    }
    this.#inFlight++;
    this.#watches.watch(id, prefix, (refusal) => {
      if (refusal === undefined) this.#out.send({ type: 'ok', id });
      else this.refuse(id, refusal);
      this.#settled();
    });
  }

  #unwatch(id: FrameId): void {
    const ended = this.#watches?.unwatch(id);
    if (ended === undefined) this.refuse(id, { code: 'NOT_FOUND', params: { what: 'watch' } });
    else this.#out.send({ type: 'ok', id });
    if (ended?.wasPending) this.#settled();
  }
}

function isTooLarge(frame: Encoded): boolean {
  return typeof frame === 'string' ? exceedsBytes(frame, FRAME_BYTES_MAX) : frame.length > FRAME_BYTES_MAX;
}
