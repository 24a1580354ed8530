// Tracer
//
// Follows what is traced through the turns of one shard: which envelope belongs to which trace, how long its turn and its
// commit took, and what that turn said goes on.
//
//     mark ──▶ the next envelope ──▶ turn ──▶ commit ──▶ what it said: a mark before each on its link, or the same here
//                                     └────────┴──▶ spans, to the front with the next batch
//
// Owns:     the marks of what is on its way here, and the spans that were not sent yet.
// Does not: decide what is traced, or what becomes of a span (whoever started the system).
//
// TC1. A shard to which no mark ever came does nothing for traces but ask `isOn`.
// TC2. A mark is held as long as what it marks, and no longer.
// TC3. At most SPANS_WAITING_MAX spans wait; more are counted, and lost.
// TC4. A turn is traced to its first await, as it is timed (docs/metrics.md).

import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.js';
import { WallTime } from '../wall-time.js';
import type { Cell } from './cell.js';

export const SPANS_WAITING_MAX = 2_048;
/** Of a mark: the trace, and in it the span that what follows belongs to. */
export const TRACE_ID_BYTES = 16;
export const SPAN_ID_BYTES = 8;
export const MARK_BYTES = TRACE_ID_BYTES + SPAN_ID_BYTES;

export interface TraceSpan {
  readonly name: string;
  readonly kind: 'turn' | 'commit' | 'push';
  readonly trace: Uint8Array;
  readonly id: Uint8Array;
  readonly parent: Uint8Array;
  /** Milliseconds since the epoch, with a fraction. */
  readonly beganAt: number;
  readonly endedAt: number;
  readonly failed: boolean;
}

export interface TracedSpans {
  readonly spans: readonly TraceSpan[];
  readonly lost: number;
}

/** A commit that is under way: it ends when the gate of its record opens, or fails. */
export interface TracedCommit {
  readonly kind: 'traced';
  readonly mark: Uint8Array;
  /** What committed: a kind and a message. */
  readonly of: string;
  readonly beganAt: number;
}

/** Ids that no other thread gives: a number that goes up behind a random beginning. */
export class SpanIds {
  readonly #beginning = randomBytes(SPAN_ID_BYTES);
  #last = 0;

  next(): Uint8Array {
    const id = Buffer.from(this.#beginning);
    this.#last = (this.#last + 1) >>> 0;
    id.writeUInt32BE(this.#last, SPAN_ID_BYTES - 4);
    return id;
  }
}

export class Tracer {
  readonly #ids = new SpanIds();
  readonly #time: WallTime;
  readonly #marks = new WeakMap<object, Uint8Array>();
  /** Of the turn that runs. */
  #current: Uint8Array | undefined;
  #spans: TraceSpan[] = [];
  #lost = 0;
  isOn = false;

  constructor(clock: Clock) {
    this.#time = new WallTime(clock);
  }

  /** `what` belongs to the span of the mark: an envelope, or something said. */
  mark(what: object, mark: Uint8Array): void {
    this.isOn = true;
    this.#marks.set(what, mark);
  }

  /** The mark of what leaves, or of what came. */
  markOf(what: object): Uint8Array | undefined {
    return this.isOn ? this.#marks.get(what) : undefined;
  }

  /** What the turn that runs says belongs to its span. */
  follow(said: object): void {
    if (this.#current !== undefined) this.#marks.set(said, this.#current);
  }

  /** What was said is an envelope now. */
  becomes(said: object, envelope: object): void {
    const mark = this.markOf(said);
    if (mark !== undefined) this.#marks.set(envelope, mark);
  }

  /** Runs the actor's next turn; what it committed, to be held behind its gate, is given to `hold`. */
  around(cell: Cell, run: () => boolean, hold: (commit: TracedCommit) => void): boolean {
    const envelope = cell.mailbox.peek();
    const mark = envelope === undefined ? undefined : this.#marks.get(envelope);
    if (envelope === undefined || mark === undefined) return run();
    const own = Buffer.concat([mark.subarray(0, TRACE_ID_BYTES), this.#ids.next()]);
    const { attempts } = envelope;
    const record = cell.lastRecord;
    const beganAt = this.#now();
    this.#current = own;
    let hasRun: boolean;
    try {
      hasRun = run();
    } finally {
      this.#current = undefined;
    }
    // It waits for something, and is tried again.
    if (!hasRun) return false;
    const name = `${cell.kind.protocol.kind}.${cell.messageName(envelope.message)}`;
    this.#add(name, 'turn', own, mark, beganAt, envelope.attempts > attempts);
    if (cell.lastRecord > record) hold({ kind: 'traced', mark: own, of: name, beganAt: this.#now() });
    return true;
  }

  /** The record of a traced turn is durable, or will never be. */
  committed({ mark, of, beganAt }: TracedCommit, failed: boolean): void {
    const own = Buffer.concat([mark.subarray(0, TRACE_ID_BYTES), this.#ids.next()]);
    this.#add(`commit ${of}`, 'commit', own, mark, beganAt, failed);
  }

  /** The spans since it was last asked, and how many were lost; undefined for none. */
  take(): TracedSpans | undefined {
    if (this.#spans.length === 0) return undefined;
    const taken = { spans: this.#spans, lost: this.#lost };
    this.#spans = [];
    this.#lost = 0;
    return taken;
  }

  #add(
    name: string,
    kind: TraceSpan['kind'],
    own: Uint8Array,
    parent: Uint8Array,
    beganAt: number,
    failed: boolean,
  ): void {
    if (this.#spans.length >= SPANS_WAITING_MAX) {
      this.#lost++;
      return;
    }
    const [trace, id] = [own.subarray(0, TRACE_ID_BYTES), own.subarray(TRACE_ID_BYTES)];
    const span = {
      name,
      kind,
      trace,
      id,
      parent: parent.subarray(TRACE_ID_BYTES),
      beganAt,
      endedAt: this.#now(),
      failed,
    };
    this.#spans.push(span);
  }

  #now(): number {
    return this.#time.now();
  }
}
