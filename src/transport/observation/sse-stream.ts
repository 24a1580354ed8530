// SSE stream
//
// GET /observe/events/sse: the way of events out of one answer without an end, as server-sent events (HTML, 9.2). The id of
// each is its seq: a client that comes again says it in Last-Event-ID, and goes on there.
//
// SSE1. A place that no event stands for is told as an id alone, which is a client's Last-Event-ID, and no event to it. So
//       one that asked for no past, and was cut before it saw anything, misses nothing either.
// SSE2. A comment is said every KEEP_ALIVE_MS: what lies between keeps the connection, and so does the listener
//       (open-answer.ts, O6).

import type { Clock, Timer } from '../../clock.js';
import type { StreamCutOff } from '../../contract/observe.js';
import type { Call } from '../http/call.js';
import type { HttpContext } from '../http/http-context.js';
import type { OpenAnswer, OpenAnswerHandler } from '../listener/open-answer.js';
import { EventStream, lostBy, type StreamSocket } from './event-streams.js';
import { eventsAsked } from './observe-query.js';
import type { EncodedEvent } from './protocol.js';

const KEEP_ALIVE_MS = 5000;
const KEEP_ALIVE = ':\n\n';
/** A browser comes again after a second. */
const FIRST = 'retry: 1000\n\n';

export function openSseStream(context: HttpContext, call: Call): void {
  const { query, headers } = call.exchange.head;
  const asked = eventsAsked(query, headers['last-event-id']);
  if (!asked.ok) {
    call.refuse(asked.fault);
    return;
  }
  const stream = context.observation.streams.reserve();
  if (!(stream instanceof EventStream)) {
    call.refuse(stream);
    return;
  }
  const out = new SseStream(stream, context.clock);
  const answer = call.open('text/event-stream', FIRST, out);
  if (answer === undefined) {
    stream.end();
    return;
  }
  out.opened(answer);
  const fault = stream.open(out, asked.value);
  if (fault !== undefined) out.cutOff({ type: 'cut_off', resume_after_seq: asked.value.since, reason: lostBy(fault) });
}

class SseStream implements StreamSocket, OpenAnswerHandler {
  readonly #stream: EventStream;
  readonly #clock: Clock;
  #answer: OpenAnswer | undefined;
  #keepAlive: Timer | undefined;

  constructor(stream: EventStream, clock: Clock) {
    this.#stream = stream;
    this.#clock = clock;
  }

  get bufferedBytes(): number {
    return this.#answer?.bufferedBytes ?? 0;
  }

  opened(answer: OpenAnswer): void {
    this.#answer = answer;
    this.#sayLater();
  }

  #sayLater(): void {
    this.#keepAlive = this.#clock.after(KEEP_ALIVE_MS, () => {
      if (this.#answer?.write(KEEP_ALIVE) === true) this.#sayLater();
    });
  }

  drained(): void {
    this.#stream.drained();
  }

  closed(): void {
    this.#answer = undefined;
    this.#keepAlive?.cancel();
    this.#stream.end();
  }

  send({ seq, json }: EncodedEvent): void {
    this.#answer?.write(`id: ${seq}\ndata: ${json}\n\n`);
  }

  mark(position: number): void {
    this.#answer?.write(`id: ${position}\n\n`);
  }

  cutOff(last: StreamCutOff): void {
    const place = last.resume_after_seq === null ? '' : `id: ${last.resume_after_seq}\n`;
    this.#answer?.write(`${place}event: cut_off\ndata: ${JSON.stringify(last)}\n\n`);
    this.#answer?.end();
  }
}
