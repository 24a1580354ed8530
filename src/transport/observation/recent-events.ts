// Recent events
//
// The end of the event log as the tap tells it (event-tap.ts), kept until it is certainly in the tables and everybody who
// follows has seen it, or until it is too much.
//
// RE1. Holds every event from `first` to `last`, without a gap.
// RE2. At most RECENT_BYTES_MAX and RECENT_EVENTS_MAX, or one event: the oldest go first.

import type { NumberedEvent } from '../../runtime/event-blocks.js';
import { eventHead } from '../../runtime/event-index.js';

export const RECENT_BYTES_MAX = 16 * 1024 * 1024;
export const RECENT_EVENTS_MAX = 65_536;

export interface RecentEvent extends NumberedEvent {
  readonly type: string | undefined;
  readonly about: string | null;
}

export class RecentEvents {
  #events: RecentEvent[] = [];
  /** How many at the beginning of #events were let go of. */
  #gone = 0;
  #bytes = 0;
  #next: number;

  /** Begins with the event `first`, which need not have happened yet. */
  constructor(first: number) {
    this.#next = first;
  }

  /** What comes before it is to be found in the tables, or will be. */
  get first(): number {
    return this.#next - (this.#events.length - this.#gone);
  }

  get last(): number {
    return this.#next - 1;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The next ones, in order. */
  add(events: readonly NumberedEvent[]): void {
    for (const { seq, value } of events) {
      const head = eventHead(value);
      this.#events.push({ seq, value, type: head?.type, about: head?.about ?? null });
      this.#bytes += value.length;
    }
    this.#next += events.length;
    this.#letGo();
  }

  /** Forgets all: the next is `nextSeq`. */
  restart(nextSeq: number): void {
    this.#events = [];
    this.#gone = 0;
    this.#bytes = 0;
    this.#next = nextSeq;
  }

  /** Undefined outside of `first` to `last`. */
  get(seq: number): RecentEvent | undefined {
    return seq < this.first ? undefined : this.#events[this.#gone + seq - this.first];
  }

  #letGo(): void {
    const events = this.#events;
    while (events.length - this.#gone > 1) {
      const kept = events.length - this.#gone;
      if (this.#bytes <= RECENT_BYTES_MAX && kept <= RECENT_EVENTS_MAX) break;
      this.#bytes -= events[this.#gone++]!.value.length;
    }
    if (this.#gone * 2 < events.length) return;
    this.#events = events.slice(this.#gone);
    this.#gone = 0;
  }
}
