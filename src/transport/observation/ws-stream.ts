// WebSocket stream
//
// The upgrade of GET /observe/events/stream, and the way of its events out of one socket. What the client says is not
// listened to.
//
// WS1. Whatever can be refused before the handshake is; a token whose hash must be computed is judged behind it, and nothing
//      is shown before.

import { CLOSE_CUT_OFF, CLOSE_UNAUTHORIZED, type StreamCutOff } from '../../contract/observe.js';
import { errorTable, type Fault } from '../../errors.js';
import type { Log } from '../../log.js';
import type { Authenticator } from '../gate/authenticator.js';
import type { ClientIp } from '../gate/client-ip.js';
import { requestIdOf } from '../gate/request-id.js';
import { errorAnswer, errorHeaders, jsonHeaders } from '../http/json-answer.js';
import type { Socket, SocketHandler, UpgradeExchange } from '../listener/socket.js';
import { EventStream, lostBy, type StreamSocket } from './event-streams.js';
import { accessFor, type Observation } from './observation.js';
import { type EventsAsked, eventsAsked } from './observe-query.js';
import type { EncodedEvent } from './protocol.js';

export interface WsStreamContext {
  readonly observation: Pick<Observation, 'access' | 'isByDefault' | 'limiter' | 'streams'>;
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly clientIp: ClientIp;
  readonly log: Log;
}

const NO_ROUTE: Fault = { code: 'NOT_FOUND', params: { what: 'route' } };
const ADMITTED = { ok: true } as const;

type Admission = { readonly ok: true } | { readonly ok: false; readonly fault: Fault };

export function upgradeToStream(context: WsStreamContext, exchange: UpgradeExchange): void {
  const fault = tryUpgrade(context, exchange);
  if (fault === undefined) return;
  const headers = jsonHeaders(requestIdOf(exchange.head.headers['x-request-id']), undefined, errorHeaders(fault));
  exchange.refuse(errorTable[fault.code].status, headers, JSON.stringify(errorAnswer(fault)));
}

/** Why it is refused; undefined when it was accepted. */
function tryUpgrade(context: WsStreamContext, exchange: UpgradeExchange): Fault | undefined {
  const { observation, authenticator, clientIp } = context;
  const { ip, headers, query } = exchange.head;
  const access = accessFor(observation, headers['x-forwarded-for']);
  if (access === 'off') return NO_ROUTE;
  const standing = observation.limiter.take(clientIp(ip, headers['x-forwarded-for']));
  if (standing.fault !== undefined) return standing.fault;
  const outcome = access === 'public' ? ADMITTED : authenticator.authenticate('admin', headers.authorization);
  if (!(outcome instanceof Promise) && !outcome.ok) return outcome.fault;
  const asked = eventsAsked(query);
  if (!asked.ok) return asked.fault;
  const stream = observation.streams.reserve();
  if (!(stream instanceof EventStream)) return stream;
  exchange.accept(undefined, new WsStream(context, stream, asked.value, outcome));
  return undefined;
}

class WsStream implements SocketHandler, StreamSocket {
  readonly #context: WsStreamContext;
  readonly #stream: EventStream;
  readonly #asked: EventsAsked;
  readonly #outcome: Admission | Promise<Admission>;
  #socket: Socket | undefined;

  constructor(
    context: WsStreamContext,
    stream: EventStream,
    asked: EventsAsked,
    outcome: Admission | Promise<Admission>,
  ) {
    this.#context = context;
    this.#stream = stream;
    this.#asked = asked;
    this.#outcome = outcome;
  }

  get bufferedBytes(): number {
    return this.#socket?.bufferedBytes ?? 0;
  }

  opened(socket: Socket): void {
    this.#socket = socket;
    if (!(this.#outcome instanceof Promise)) {
      this.#begin();
      return;
    }
    this.#outcome.then(
      (outcome) => {
        if (outcome.ok) this.#begin();
        else this.#socket?.close(CLOSE_UNAUTHORIZED, 'unauthorized');
      },
      (error: unknown) => {
        this.#context.log.error({ event: 'stream_failed', error });
        this.#socket?.close(1011, '');
      },
    );
  }

  #begin(): void {
    if (this.#socket === undefined) return;
    const fault = this.#stream.open(this, this.#asked);
    if (fault !== undefined)
      this.cutOff({ type: 'cut_off', resume_after_seq: this.#asked.since, reason: lostBy(fault) });
  }

  data(): void {
    // It has nothing to say here.
  }

  drained(): void {
    this.#stream.drained();
  }

  closed(): void {
    this.#socket = undefined;
    this.#stream.end();
  }

  send({ json }: EncodedEvent): void {
    this.#socket?.send(json);
  }

  mark(): void {
    // A client of this stream keeps its place by what it was sent.
  }

  cutOff(last: StreamCutOff): void {
    this.#socket?.send(JSON.stringify(last));
    this.#socket?.close(CLOSE_CUT_OFF, last.reason);
  }
}
