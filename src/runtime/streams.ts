// Streams
//
// Replies that come in items: a handler that is a generator. Each step, from one yield to the next, is a turn of its own:
// its effects are committed with its item, and other messages of the actor are handled between two steps.
//
//     ask ──▶ generator ──step──▶ item behind the step's gate ──▶ reader
//                 ▲                                                 │ credit: so many more; 0: no more
//                 └── next step, while there is credit ◀────────────┘
//
// An ask that was kept open can be given items too (`push`): by any turn of its actor, which paces itself.
//
// Owns:     the generators, and how many items each may still give; how far ahead of its reader each actor pushed; and who
//           watches, which is ended the same way.
// Does not: run turns (turn-runner.ts), or know what becomes of an item (completion.ts).
//
// ST1. A generator is at most STREAM_WINDOW items ahead of what its reader has read.
// ST2. One step of a generator at a time, and never while another turn of its actor runs (G2).
// ST3. A stream ends with the life of its actor; its reader is told why. A failed step is not tried again.
// ST4. A generator that nobody reads any more is ended: its `finally` runs. So it is when its reader left before it began.
// ST5. An actor that pushes is at most PUSHED_AHEAD_MAX items ahead of what its reader has read.

import type { Cell, OpenStream, ReplyGenerator } from './cell.js';
import { type Envelope, STREAM_STEP } from './envelope.js';
import { STREAM_WINDOW } from './incoming-stream.js';
import { keepToAnswer } from './received.js';
import type { Turn } from './turn.js';

/** Streams that one actor may have open at once. */
export const STREAMS_PER_ACTOR_MAX = 256;
/** Items that were pushed to an ask kept open and that its reader has not read. */
export const PUSHED_AHEAD_MAX = 4_096;
/** Asks whose readers left before anything was known of a stream: remembered until they are begun, or for a while. */
const LEFT_EARLY_MAX = 4_096;
const CORRELATIONS = 2 ** 32;

/** An ask kept open that was given items. */
interface Pushed {
  readonly cell: Cell;
  readonly envelope: Envelope;
  /** Items that its reader has not read, roughly: it says so from time to time. */
  ahead: number;
}

export class OutgoingStream implements OpenStream {
  readonly cell: Cell;
  readonly envelope: Envelope;
  readonly generator: ReplyGenerator;
  /** The context that the generator was given: no other turn uses it. */
  readonly turn: Turn;
  readonly activation: number;
  credit = STREAM_WINDOW;
  /** A step of it is in the mailbox, or running. */
  isUnderWay = false;
  isCancelled = false;

  constructor(cell: Cell, envelope: Envelope, generator: ReplyGenerator, turn: Turn) {
    this.cell = cell;
    this.envelope = envelope;
    this.generator = generator;
    this.turn = turn;
    this.activation = cell.activation;
  }
}

export class Streams {
  /** By connection and correlation of their asks. */
  readonly #streams = new Map<number, OutgoingStream>();
  /** By connection and correlation too. */
  readonly #watches = new Map<number, { readonly cell: Cell; readonly envelope: Envelope }>();
  /** By connection and correlation too. */
  readonly #pushed = new Map<number, Pushed>();
  readonly #leftEarly = new Set<number>();
  readonly #deliverStep: (stream: OutgoingStream) => void;

  /** `deliverStep` puts an envelope STREAM_STEP with the stream into its actor's mailbox, behind what waits there. */
  constructor(deliverStep: (cell: Cell, message: number, stream: OutgoingStream) => void) {
    this.#deliverStep = (stream) => deliverStep(stream.cell, STREAM_STEP, stream);
  }

  /** Somebody watches this actor: its envelope is answered when the actor's life ends. */
  watch(cell: Cell, envelope: Envelope): void {
    keepToAnswer(envelope);
    this.#watches.set(numberOf(envelope), { cell, envelope });
    cell.open ??= new Set();
    cell.open.add(envelope);
  }

  get open(): number {
    return this.#streams.size;
  }

  /** A handler answered an ask with a generator, which holds `turn`. Undefined when its actor has too many. */
  begin(cell: Cell, ask: Envelope, generator: ReplyGenerator, turn: Turn): OutgoingStream | undefined {
    if ((cell.streams?.size ?? 0) >= STREAMS_PER_ACTOR_MAX) return undefined;
    // Its sender gets its credit back now: from here on it counts nothing, and what it says was read.
    const stream = new OutgoingStream(cell, { ...ask, payload: undefined, bytes: 0 }, generator, turn);
    this.#streams.set(numberOf(ask), stream);
    cell.streams ??= new Set();
    cell.streams.add(stream);
    stream.isCancelled = this.#leftEarly.delete(numberOf(ask));
    this.#plan(stream);
    return stream;
  }

  /** An ask kept open is given an item. False when its reader is too far behind (ST5). */
  pushed(cell: Cell, envelope: Envelope): boolean {
    const number = numberOf(envelope);
    let pushed = this.#pushed.get(number);
    if (pushed === undefined) {
      pushed = { cell, envelope, ahead: 0 };
      this.#pushed.set(number, pushed);
      if (this.#leftEarly.delete(number)) this.#leave(number, pushed);
    }
    return ++pushed.ahead <= PUSHED_AHEAD_MAX;
  }

  /** An ask kept open was answered. */
  ended(envelope: Envelope): void {
    this.#pushed.delete(numberOf(envelope));
  }

  /** A step has given an item. */
  gave(stream: OutgoingStream): void {
    // Its actor may have ended with this step.
    if (!this.#streams.has(numberOf(stream.envelope))) return;
    stream.isUnderWay = false;
    stream.credit--;
    this.#plan(stream);
  }

  /** The reader says that it may send more, or with 0 that it wants none. */
  allow(origin: number, correlation: number, items: number): void {
    const number = origin * CORRELATIONS + correlation;
    const stream = this.#streams.get(number);
    if (stream === undefined) {
      this.#allowOther(number, items);
      return;
    }
    if (items === 0) stream.isCancelled = true;
    stream.credit += items;
    // A cancelled one has a last step too: it ends the generator in its actor's turn (ST2, ST4).
    this.#plan(stream);
  }

  #allowOther(number: number, items: number): void {
    const pushed = this.#pushed.get(number);
    if (pushed !== undefined) {
      if (items === 0) this.#leave(number, pushed);
      else pushed.ahead -= items;
    } else if (items === 0 && !this.#unwatch(number)) {
      this.#leftEarly.add(number);
      if (this.#leftEarly.size > LEFT_EARLY_MAX) this.#leftEarly.delete(first(this.#leftEarly));
    }
  }

  #leave(number: number, { cell, envelope }: Pushed): void {
    this.#pushed.delete(number);
    cell.open?.delete(envelope);
    if (cell.open?.size === 0) cell.open = undefined;
  }

  /** The connection is gone, and its readers with it. */
  lose(origin: number): void {
    for (const [number, pushed] of this.#pushed) if (pushed.envelope.origin === origin) this.#leave(number, pushed);
    for (const { envelope } of this.#streams.values()) {
      if (envelope.origin === origin) this.allow(origin, envelope.correlation, 0);
    }
    for (const [number, { envelope }] of this.#watches) if (envelope.origin === origin) this.#unwatch(number);
  }

  /** It has ended, and its reader was told. */
  end(stream: OutgoingStream): void {
    this.#streams.delete(numberOf(stream.envelope));
    const { cell } = stream;
    cell.streams?.delete(stream);
    cell.open?.delete(stream.envelope);
    if (cell.streams?.size === 0) cell.streams = undefined;
    if (cell.open?.size === 0) cell.open = undefined;
  }

  /** The actor's life has ended; its readers are told as all whose asks it kept open (ST3). */
  endAll(cell: Cell): void {
    for (const envelope of cell.open ?? []) {
      this.#watches.delete(numberOf(envelope));
      this.#pushed.delete(numberOf(envelope));
    }
    if (cell.streams === undefined) return;
    for (const stream of cell.streams) {
      this.#streams.delete(numberOf(stream.envelope));
      endGenerator(stream.generator);
    }
    cell.streams = undefined;
  }

  /** False when nobody watched under this number. */
  #unwatch(number: number): boolean {
    const watch = this.#watches.get(number);
    if (watch === undefined) return false;
    this.#watches.delete(number);
    watch.cell.open?.delete(watch.envelope);
    if (watch.cell.open?.size === 0) watch.cell.open = undefined;
    return true;
  }

  #plan(stream: OutgoingStream): void {
    if (stream.isUnderWay || (stream.credit <= 0 && !stream.isCancelled)) return;
    stream.isUnderWay = true;
    this.#deliverStep(stream);
  }
}

/** What its `finally` does after the actor's life is of no consequence, and neither is what it throws. */
export function endGenerator(generator: ReplyGenerator): void {
  try {
    const ended = generator.return(undefined);
    if (ended instanceof Promise) ended.catch(() => undefined);
  } catch {
    // It has said all that it will say.
  }
}

export function isGenerator(answer: unknown): answer is ReplyGenerator {
  if (typeof answer !== 'object' || answer === null || !('next' in answer) || !('return' in answer)) return false;
  return typeof answer.next === 'function' && (Symbol.iterator in answer || Symbol.asyncIterator in answer);
}

function first(numbers: ReadonlySet<number>): number {
  const [number = 0] = numbers;
  return number;
}

function numberOf({ origin, correlation }: Envelope): number {
  return origin * CORRELATIONS + correlation;
}

/** A promise, also one of another maker. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value instanceof Promise) return true;
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
