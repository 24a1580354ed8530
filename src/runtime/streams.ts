// Streams
//
// Replies that come in items: a handler that is a generator. Each step, from one yield to the next, is a turn of its own:
// its effects are committed with its item, and other messages of the actor are handled between two steps.
//
//     ask ──▶ generator ──step──▶ item behind the step's gate ──▶ reader
//                 ▲                                                 │ credit: so many more; 0: no more
//                 └── next step, while there is credit ◀────────────┘
//
// Owns:     the generators, and how many items each may still give; and who watches, which is ended the same way.
// Does not: run turns (shard.ts), or know what becomes of an item (completion.ts).
//
// ST1. A generator is at most STREAM_WINDOW items ahead of what its reader has read.
// ST2. One step of a generator at a time, and never while another turn of its actor runs (G2).
// ST3. A stream ends with the life of its actor; its reader is told why. A failed step is not tried again.
// ST4. A generator that nobody reads any more is ended: its `finally` runs.

import type { Cell, OpenStream, ReplyGenerator } from './cell.js';
import { type Envelope, STREAM_STEP } from './envelope.js';
import { STREAM_WINDOW } from './incoming-stream.js';
import type { Turn } from './turn.js';

/** Streams that one actor may have open at once. */
export const STREAMS_PER_ACTOR_MAX = 256;
const CORRELATIONS = 2 ** 32;

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
  readonly #deliverStep: (stream: OutgoingStream) => void;

  /** `deliverStep` puts a control envelope STREAM_STEP with the stream into its actor's mailbox. */
  constructor(deliverStep: (cell: Cell, message: number, stream: OutgoingStream) => void) {
    this.#deliverStep = (stream) => deliverStep(stream.cell, STREAM_STEP, stream);
  }

  /** Somebody watches this actor: its envelope is answered when the actor's life ends. */
  watch(cell: Cell, envelope: Envelope): void {
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
    // Its sender gets its credit back now: from here on it counts nothing.
    const stream = new OutgoingStream(cell, { ...ask, payload: ask.payload, bytes: 0 }, generator, turn);
    this.#streams.set(numberOf(ask), stream);
    cell.streams ??= new Set();
    cell.streams.add(stream);
    this.#plan(stream);
    return stream;
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
      this.#unwatch(number);
      return;
    }
    if (items === 0) stream.isCancelled = true;
    stream.credit += items;
    // A cancelled one has a last step too: it ends the generator in its actor's turn (ST2, ST4).
    this.#plan(stream);
  }

  /** The connection is gone, and its readers with it. */
  lose(origin: number): void {
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
    for (const envelope of cell.open ?? []) this.#watches.delete(numberOf(envelope));
    if (cell.streams === undefined) return;
    for (const stream of cell.streams) {
      this.#streams.delete(numberOf(stream.envelope));
      endGenerator(stream.generator);
    }
    cell.streams = undefined;
  }

  #unwatch(number: number): void {
    const watch = this.#watches.get(number);
    if (watch === undefined) return;
    this.#watches.delete(number);
    watch.cell.open?.delete(watch.envelope);
    if (watch.cell.open?.size === 0) watch.cell.open = undefined;
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

function numberOf({ origin, correlation }: Envelope): number {
  return origin * CORRELATIONS + correlation;
}

/** A promise, also one of another maker. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value instanceof Promise) return true;
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
