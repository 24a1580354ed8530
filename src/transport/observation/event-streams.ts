// Event streams
//
// The streams of events, as the main thread has them: who may have one, how many there are, and what they are sent out
// of the observer's thread (followers.ts).
//
// Owns:     every open stream, its place, and its end.
// Does not: choose or encode events, or know how they leave (ws-stream.ts, sse-stream.ts).
//
// ES1. At most `streamsMax` at once; past it a further one is refused with a time to come back.
// ES2. A stream to which more than WAITING_BYTES_MAX wait, beside its last event, or that takes nothing of what it was shown
//      of the past for STALLED_MS, is cut off: so is each after STREAM_MS, when the server stops, when the observer's thread
//      is lost, and when what it would be shown next is archived. The last that it is sent says where it can go on.
// ES3. While there is no stream nothing is tapped.

import type { Clock } from '../../clock.js';
import type { StreamCutOff } from '../../contract/observe.js';
import { CodedError, type Fault, faultOf } from '../../errors.js';
import { Deadlines } from '../session/deadlines.js';
import type { EventsAsked } from './observe-query.js';
import type { Observer, StreamHooks } from './observer.js';
import type { EncodedEvent, Live, Past } from './protocol.js';

export const WAITING_BYTES_MAX = 1024 * 1024;
export const STREAM_MS = 86_400_000;
export const STALLED_MS = 60_000;
/** What was shown of the past has left when no more than this waits. */
const TAKEN_BYTES = 16 * 1024;

export type CutOffReason = StreamCutOff['reason'];

/** The way out of one stream. */
export interface StreamSocket {
  /** Not taken by the peer yet. */
  readonly bufferedBytes: number;
  send(event: EncodedEvent): void;
  /** All that it wants was shown up to here, which is further than the last event that was sent. */
  mark(position: number): void;
  /** Says so, and closes behind what waits. */
  cutOff(last: StreamCutOff): void;
}

export interface EventStreamsParts {
  readonly observer: Pick<Observer, 'listen' | 'tap' | 'untap' | 'tell'>;
  readonly streamsMax: number;
  readonly clock: Clock;
  readonly draining: () => boolean;
}

export class EventStreams implements StreamHooks {
  readonly #parts: EventStreamsParts;
  readonly #reserved = new Set<EventStream>();
  readonly #open = new Map<number, EventStream>();
  readonly #old: Deadlines<EventStream>;
  readonly #stalled: Deadlines<EventStream>;
  #last = 0;

  constructor(parts: EventStreamsParts) {
    this.#parts = parts;
    this.#old = new Deadlines(parts.clock, STREAM_MS, (stream) => stream.cutOff('time_over'));
    this.#stalled = new Deadlines(parts.clock, STALLED_MS, (stream) => stream.cutOff('slow'));
    parts.observer.listen(this);
  }

  /** Streams that are open, or about to be. */
  get count(): number {
    return this.#reserved.size;
  }

  /** A place among the streams, or why there is none. Whoever takes it opens it, or ends it. */
  reserve(): EventStream | Fault {
    if (this.#parts.draining()) return { code: 'DRAINING' };
    if (this.#reserved.size >= this.#parts.streamsMax) return { code: 'OVERLOADED', params: { what: 'the streams' } };
    const stream = new EventStream(this, ++this.#last);
    this.#reserved.add(stream);
    return stream;
  }

  /** Undefined when it is open, or why it is not: it is ended then. */
  begin(stream: EventStream, { since, filter }: EventsAsked): Fault | undefined {
    const { observer } = this.#parts;
    try {
      if (this.#parts.draining()) throw new CodedError('DRAINING');
      observer.tap();
    } catch (error) {
      this.end(stream);
      return faultOf(error);
    }
    this.#open.set(stream.id, stream);
    this.#old.add(stream);
    observer.tell({ kind: 'open', stream: stream.id, since, filter });
    return undefined;
  }

  end(stream: EventStream): void {
    if (!this.#reserved.delete(stream)) return;
    this.#old.delete(stream);
    this.#stalled.delete(stream);
    if (!this.#open.delete(stream.id)) return;
    const { observer } = this.#parts;
    observer.tell({ kind: 'close', stream: stream.id });
    if (this.#open.size === 0) observer.untap();
  }

  /** The server stops: `count` becomes 0 when the sockets have closed. */
  drain(): void {
    this.#cutOffAll('draining');
  }

  stalls(stream: EventStream): void {
    this.#stalled.add(stream);
  }

  /** It has taken what it was shown of the past. */
  taken(stream: EventStream): void {
    this.#stalled.delete(stream);
    this.#parts.observer.tell({ kind: 'taken', stream: stream.id });
  }

  opened(stream: number, after: number): void {
    this.#open.get(stream)?.placed(after);
  }

  archived(stream: number, upTo: number): void {
    this.#open.get(stream)?.lostItsPlace(upTo);
  }

  past({ stream, events, upTo }: Past): void {
    this.#open.get(stream)?.showPast(events, upTo);
    this.#parts.observer.tell({ kind: 'shown' });
  }

  live({ events, shows }: Live): void {
    for (const { streams, places } of shows) {
      const shown = places === undefined ? events : places.map((place) => events[place]!);
      for (const id of streams) this.#open.get(id)?.show(shown);
    }
    this.#parts.observer.tell({ kind: 'shown' });
  }

  lost(): void {
    this.#cutOffAll('observer_lost');
  }

  #cutOffAll(reason: CutOffReason): void {
    for (const stream of [...this.#open.values()]) stream.cutOff(reason);
  }
}

/** Why a stream that could not begin has ended. */
export function lostBy({ code }: Fault): CutOffReason {
  return code === 'DRAINING' ? 'draining' : 'observer_lost';
}

/** One stream: a place that was reserved, and, once it is open, what it is sent. */
export class EventStream {
  readonly id: number;
  readonly #streams: EventStreams;
  #socket: StreamSocket | undefined;
  /** Everything up to here was sent, or is not wanted. Null: nobody has said yet where it begins. */
  #position: number | null = null;
  #lastBytes = 0;
  /** It was shown something of the past, which has not left. */
  #isTaking = false;

  constructor(streams: EventStreams, id: number) {
    this.#streams = streams;
    this.id = id;
  }

  /** Undefined when it is open, or why it is not: its place is free then. */
  open(socket: StreamSocket, asked: EventsAsked): Fault | undefined {
    this.#socket = socket;
    this.#position = asked.since;
    return this.#streams.begin(this, asked);
  }

  /** Its socket has closed, or it was never opened. */
  end(): void {
    this.#socket = undefined;
    this.#streams.end(this);
  }

  placed(after: number): void {
    if (this.#position !== null) return;
    this.#position = after;
    this.#socket?.mark(after);
  }

  /** What comes next for it is archived, up to this event. */
  lostItsPlace(upTo: number): void {
    this.#position = upTo;
    this.cutOff('archived');
  }

  show(events: readonly EncodedEvent[]): void {
    for (const event of events) {
      const socket = this.#socket;
      if (socket === undefined) return;
      if (socket.bufferedBytes > WAITING_BYTES_MAX + this.#lastBytes) {
        this.cutOff('slow');
        return;
      }
      socket.send(event);
      this.#position = event.seq;
      this.#lastBytes = event.bytes;
    }
  }

  showPast(events: readonly EncodedEvent[], upTo: number): void {
    this.show(events);
    if (this.#socket === undefined) return;
    if (this.#position !== upTo) this.#socket.mark(upTo);
    this.#position = upTo;
    this.#isTaking = true;
    this.#streams.stalls(this);
    this.drained();
  }

  /** Less waits in its socket than before. */
  drained(): void {
    const socket = this.#socket;
    if (socket === undefined || !this.#isTaking || socket.bufferedBytes > TAKEN_BYTES) return;
    this.#isTaking = false;
    this.#streams.taken(this);
  }

  cutOff(reason: CutOffReason): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#socket = undefined;
    this.#streams.end(this);
    socket.cutOff({ type: 'cut_off', resume_after_seq: this.#position, reason });
  }
}
