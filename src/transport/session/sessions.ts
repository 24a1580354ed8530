// Sessions
//
// Every session of the process: who may open one, how many there are, and how they end when the server does.
//
// Owns:     the upgrade of GET /v1/session; the bounds of all sessions; their deadlines; which token opened which; the
//           hub of their watches.
// Does not: know what is said in one (session.ts).
//
// SS1. At most UNAUTHENTICATED_MAX sockets whose token is not known yet: past it an upgrade is refused with 503 and a time
//      to retry. At most `sessions.max` in all, and SESSIONS_PER_TOKEN_MAX of one agent: past it a session is closed with 4029, after an error that says when.
// SS2. A token in the URL is not looked at: URLs are logged.
// SS3. A session ends when its token does: whoever revokes one says so here.
// SS4. A stop tells every session so, some at a time, each with another time to come back: so that they do not come back
//      all at once.
// SS5. Of tokens that come at once, the verification of some is begun in each turn of the loop (turn-pace.ts).

import {
  AUTH_TIMEOUT_MS,
  FRAME_BYTES_MAX,
  HELLO_TIMEOUT_MS,
  REQUESTS_IN_FLIGHT_MAX,
  SESSION_PATH,
  type SessionLimits,
  SUBPROTOCOL_JSON,
  SUBPROTOCOL_MSGPACK,
  WATCHES_MAX,
  WINDOW_MAX,
} from '../../contract/session.js';
import { errorTable, type Fault } from '../../errors.js';
import { requestIdOf } from '../gate/request-id.js';
import { errorAnswer, errorHeaders, jsonHeaders } from '../http/json-answer.js';
import { badRequest } from '../kernel/text-faults.js';
import type { UpgradeExchange } from '../listener/socket.js';
import { Deadlines } from './deadlines.js';
import { codecFor } from './frame-codec.js';
import { waitingBytesMax } from './frame-socket.js';
import type { InboxFeed } from './inbox-feed.js';
import { Session, type SessionHost } from './session.js';
import type { SessionContext } from './session-context.js';
import { TurnPace } from './turn-pace.js';
import { WatchHub } from './watch-hub.js';

export const UNAUTHENTICATED_MAX = 4_096;
/** A hash takes milliseconds, and few wait for it: past this something is wrong inside, and the client may try again. */
const VERIFY_TIMEOUT_MS = 30_000;
/** One is live, and those that have not said hello yet are few: nobody needs them. */
const SESSIONS_PER_TOKEN_MAX = 16;
/** Sessions that are told of a stop in one turn of the loop. */
const DRAIN_SLICE = 256;
/** The first may come back after this, each further one a little later: as many as two threads can hash in the time. */
const RESUME_AFTER_MS = 1_000;
const RESUME_SPREAD_MS = 2;
const RESUME_AFTER_MS_MAX = 60_000;

const NO_ROUTE: Fault = { code: 'NOT_FOUND', params: { what: 'route' } };
const NO_PROTOCOL = badRequest(`Sec-WebSocket-Protocol must offer ${SUBPROTOCOL_JSON} or ${SUBPROTOCOL_MSGPACK}`);
const TOO_MANY_STRANGERS: Fault = { code: 'OVERLOADED', params: { what: 'the sessions that are not authenticated' } };
const REVOKED: Fault = { code: 'UNAUTHORIZED', params: { who: 'agent' } };

export class Sessions implements SessionHost {
  readonly context: SessionContext;
  readonly hub: WatchHub;
  readonly limits: SessionLimits;
  readonly waitingBytesMax: number;
  readonly #all = new Set<Session>();
  /** Those that have not sent a token. */
  readonly #strangers: Deadlines<Session>;
  /** Those whose token is being verified. */
  readonly #verifying: Deadlines<Session>;
  /** Those that have not said hello. */
  readonly #silent: Deadlines<Session>;
  /** Live or about to be, by the lookup id of their tokens; rarely more than one. */
  readonly #byToken = new Map<string, Session | Set<Session>>();
  readonly #pace = new TurnPace();
  #acks: Pick<InboxFeed, 'flushAck'>[] = [];

  constructor(context: SessionContext) {
    this.context = context;
    const { rules, clock, actors } = context;
    this.hub = new WatchHub(actors, clock);
    this.waitingBytesMax = waitingBytesMax(rules.contentBytesMax);
    this.limits = {
      frame_bytes_max: FRAME_BYTES_MAX,
      content_bytes_max: rules.contentBytesMax,
      value_bytes_max: rules.valueBytesMax,
      key_bytes_max: rules.keyBytesMax,
      window_max: WINDOW_MAX,
      watches_max: WATCHES_MAX,
      requests_in_flight_max: REQUESTS_IN_FLIGHT_MAX,
    };
    this.#strangers = new Deadlines(clock, AUTH_TIMEOUT_MS, (session) => session.late());
    this.#verifying = new Deadlines(clock, VERIFY_TIMEOUT_MS, (session) => session.late());
    this.#silent = new Deadlines(clock, HELLO_TIMEOUT_MS, (session) => session.late());
  }

  /** Sockets that are open or closing. */
  get count(): number {
    return this.#all.size;
  }

  upgrade(exchange: UpgradeExchange): void {
    const { path, headers } = exchange.head;
    const codec = codecFor(exchange.protocols);
    if (path !== SESSION_PATH) this.#refuse(exchange, NO_ROUTE);
    else if (this.context.draining()) this.#refuse(exchange, { code: 'DRAINING' });
    else if (codec === undefined) this.#refuse(exchange, NO_PROTOCOL);
    else if (this.#strangers.size + this.#verifying.size >= UNAUTHENTICATED_MAX)
      this.#refuse(exchange, TOO_MANY_STRANGERS);
    else exchange.accept(codec.protocol, new Session(this, codec, headers.authorization));
  }

  #refuse(exchange: UpgradeExchange, fault: Fault): void {
    const requestId = requestIdOf(exchange.head.headers['x-request-id']);
    const headers = jsonHeaders(requestId, undefined, errorHeaders(fault));
    this.context.meter.refused(fault.code);
    exchange.refuse(errorTable[fault.code].status, headers, JSON.stringify(errorAnswer(fault)));
  }

  /** The token of this lookup id is no longer good, or its agent is no more (SS3). */
  endOfToken(lookupId: string, reason: 'unauthorized' | 'retired'): void {
    const found = this.#byToken.get(lookupId);
    if (found === undefined) return;
    const sessions = found instanceof Set ? [...found] : [found];
    for (const session of sessions) {
      if (reason === 'retired') session.end('retired');
      else session.end('unauthorized', REVOKED);
    }
  }

  /** The content of a message to this agent was removed: what waits here to be sent is looked through. */
  redact(agent: string, messageId: string): void {
    for (const session of this.#all) session.redact(agent, messageId);
  }

  /** The server stops (SS4). `count` becomes 0 when all have closed. */
  drain(): void {
    this.hub.close();
    const all = [...this.#all];
    let at = 0;
    const slice = (): void => {
      for (const end = Math.min(at + DRAIN_SLICE, all.length); at < end; at++) all[at]?.drain(resumeAfterMs(at));
      if (at < all.length) setImmediate(slice);
    };
    slice();
  }

  entered(session: Session): boolean {
    if (this.#all.size >= this.context.sessionRules.sessionsMax) return false;
    this.#all.add(session);
    // One that comes while the others are told.
    if (this.context.draining()) session.drain(RESUME_AFTER_MS);
    else this.#strangers.add(session);
    return true;
  }

  verifying(session: Session): void {
    this.#strangers.delete(session);
    this.#verifying.add(session);
  }

  inTurn(begin: () => void): void {
    this.#pace.run(begin);
  }

  authenticated(session: Session, lookupId: string): boolean {
    this.#verifying.delete(session);
    this.#silent.add(session);
    const others = this.#byToken.get(lookupId);
    if (others === undefined) this.#byToken.set(lookupId, session);
    else if (others instanceof Set) others.add(session);
    else this.#byToken.set(lookupId, new Set([others, session]));
    return !(others instanceof Set) || others.size <= SESSIONS_PER_TOKEN_MAX;
  }

  greeted(session: Session, lookupId: string): void {
    this.#silent.delete(session);
    const found = this.#byToken.get(lookupId);
    if (!(found instanceof Set)) return;
    for (const other of [...found]) if (other !== session) other.replacedBefore();
  }

  ended(session: Session, lookupId: string | undefined): void {
    this.#strangers.delete(session);
    this.#verifying.delete(session);
    this.#silent.delete(session);
    if (lookupId === undefined) return;
    const found = this.#byToken.get(lookupId);
    if (!(found instanceof Set)) this.#byToken.delete(lookupId);
    else if (found.delete(session) && found.size === 0) this.#byToken.delete(lookupId);
  }

  left(session: Session): void {
    this.#all.delete(session);
  }

  ackSoon(feed: Pick<InboxFeed, 'flushAck'>): void {
    if (this.#acks.push(feed) > 1) return;
    setImmediate(() => {
      const acks = this.#acks;
      this.#acks = [];
      for (const one of acks) one.flushAck();
    });
  }
}

function resumeAfterMs(place: number): number {
  return Math.min(RESUME_AFTER_MS + place * RESUME_SPREAD_MS, RESUME_AFTER_MS_MAX);
}
