// Pair load
//
// Pairs of a sender and a receiver. A message is under way from the instant it is written until its sender has been told
// that it is accepted and its receiver has got it; the receiver acknowledges what it has got. What carries the messages is
// a courier's: sessions of a server, or another broker through its own client.
//
// Owns:     what is sent when, what was accepted and received, how long it took.
// Does not: write or read a byte (session-courier.ts, ../peers/*-courier.ts).
//
// PL1. As fast as it goes: each pair has `depth` messages under way; one that is done is followed by the next.
// PL2. At a pace: messages are due at even distances, pair after pair, and nothing that the server does delays one. So a
//      stall is waited for by everyone who has sent in it, and the wait is measured from the write.
// PL3. A receiver gets the messages of its pair in the order they were sent, each once; anything else fails the run.
// PL4. After the budget nothing is sent, and every message under way is awaited. One that does not come fails the run.

import { LatencyRecorder, type LatencySummary } from '../harness/latency.js';

export const TEXT_BYTES = 200;
const NUMBER_CHARS = 12;
/** The number of a message has NUMBER_CHARS digits, none of them a zero in front. */
const FIRST_NUMBER = 10 ** (NUMBER_CHARS - 1);
const FILLING = 'm'.repeat(TEXT_BYTES - NUMBER_CHARS);

/** What a message holds: its number, and letters. */
export function textOf(number: number): string {
  return String(number) + FILLING;
}

/** Does nothing of its own accord: open() once, then sends, then close(). */
export interface Courier {
  open(load: PairLoad): Promise<void>;
  /** `count` messages of a pair at once, numbered from `first` on. */
  send(pair: number, first: number, count: number): void;
  /** Resolves when every acknowledgement of the receivers has been given to the server. */
  close(): Promise<void>;
  /** How many messages the server has delivered and seen acknowledged since it started; asked while nothing is under way. */
  countFarEnd(): Promise<number>;
}

export interface LoadOrder {
  readonly pairs: number;
  /** Most messages of a pair under way. At a pace it is a bound which must not be reached. */
  readonly depth: number;
  readonly budgetMs: number;
  /** Of all pairs together; as fast as it goes when absent. */
  readonly perSecond?: number;
}

export interface LoadOutcome {
  readonly done: number;
  readonly elapsedMs: number;
  /** From the write of a message to its receiver. */
  readonly latency: LatencySummary;
  /** From when a message was due to its write: the load's own. At a pace only. */
  readonly lateness: LatencySummary | null;
}

const DONE_TIMEOUT_MS = 30_000;
const TICK_MS = 1;

export class PairLoad {
  readonly #order: LoadOrder;
  readonly #courier: Courier;
  readonly #sent: number[];
  readonly #accepted: number[];
  readonly #received: number[];
  /** When the messages under way were written, `depth` places for each pair. */
  readonly #writtenAt: Float64Array;
  readonly #latency = new LatencyRecorder();
  readonly #lateness = new LatencyRecorder();
  #startedAt = 0;
  #due = 0;
  #acceptedAll = 0;
  #receivedAll = 0;
  #sentAll = 0;
  #isOver = false;
  #finish: (error: Error | null) => void = () => undefined;

  constructor(order: LoadOrder, courier: Courier) {
    this.#order = order;
    this.#courier = courier;
    this.#sent = new Array<number>(order.pairs).fill(0);
    this.#accepted = this.#sent.slice();
    this.#received = this.#sent.slice();
    this.#writtenAt = new Float64Array(order.pairs * order.depth);
  }

  async run(): Promise<LoadOutcome> {
    const finished = new Promise<void>((resolve, reject) => {
      this.#finish = (error) => (error === null ? resolve() : reject(error));
    });
    // A courier that fails while it opens rejects open() too.
    finished.catch(() => undefined);
    await this.#courier.open(this);
    const { budgetMs } = this.#order;
    this.#startedAt = performance.now();
    const over = setTimeout(() => this.#end(), budgetMs);
    const late = setTimeout(() => this.fail(new Error(this.#state())), budgetMs + DONE_TIMEOUT_MS);
    const ticks = this.#order.perSecond === undefined ? undefined : setInterval(() => this.#sendDue(), TICK_MS);
    if (ticks === undefined) for (let pair = 0; pair < this.#order.pairs; pair++) this.turn(pair);
    try {
      await finished;
    } finally {
      clearTimeout(over);
      clearTimeout(late);
      clearInterval(ticks);
    }
    const elapsedMs = performance.now() - this.#startedAt;
    await this.#courier.close();
    return {
      done: this.#receivedAll,
      elapsedMs,
      latency: this.#latency.summary(),
      lateness: this.#order.perSecond === undefined ? null : this.#lateness.summary(),
    };
  }

  /** The sender of a pair was told that its oldest message that was not accepted yet is. */
  accepted(pair: number): void {
    this.#accepted[pair]!++;
    this.#acceptedAll++;
  }

  /** The receiver of a pair has got a message with this text (PL3). */
  received(pair: number, text: string): void {
    const place = this.#received[pair]!++;
    const number = Number(text.slice(0, NUMBER_CHARS));
    if (number !== FIRST_NUMBER + place || text.length !== TEXT_BYTES) {
      this.fail(new Error(`Pair ${pair} was to receive message ${place} and received ${text.slice(0, 40)}`));
      return;
    }
    this.#receivedAll++;
    const { depth } = this.#order;
    this.#latency.record(performance.now() - this.#writtenAt[pair * depth + (place % depth)]!);
  }

  /** All that arrived at once for a pair was told: what may follow is sent. Nothing, while the courier opens. */
  turn(pair: number): void {
    if (this.#startedAt === 0) return;
    if (this.#order.perSecond !== undefined) this.#sendDue();
    else if (!this.#isOver) {
      const done = Math.min(this.#accepted[pair]!, this.#received[pair]!);
      this.#send(pair, this.#order.depth - (this.#sent[pair]! - done), performance.now());
    }
    if (this.#isOver && this.#isDone()) this.#finish(null);
  }

  fail(error: Error): void {
    this.#finish(error);
  }

  #sendDue(): void {
    if (this.#isOver) return;
    const { pairs, perSecond } = this.#order;
    const now = performance.now();
    const due = Math.floor(((now - this.#startedAt) * perSecond!) / 1000);
    for (; this.#due < due; this.#due++) {
      this.#lateness.record(now - this.#startedAt - ((this.#due + 1) * 1000) / perSecond!);
      this.#send(this.#due % pairs, 1, now);
    }
  }

  #send(pair: number, count: number, now: number): void {
    if (count <= 0) return;
    const { depth } = this.#order;
    const first = this.#sent[pair]!;
    if (first + count - this.#received[pair]! > depth) {
      this.fail(new Error(`More than ${depth} messages of a pair are under way: the pace is too high`));
      return;
    }
    for (let place = first; place < first + count; place++) this.#writtenAt[pair * depth + (place % depth)] = now;
    this.#sent[pair] = first + count;
    this.#sentAll += count;
    this.#courier.send(pair, FIRST_NUMBER + first, count);
  }

  #end(): void {
    this.#isOver = true;
    if (this.#isDone()) this.#finish(null);
  }

  #isDone(): boolean {
    return this.#acceptedAll === this.#sentAll && this.#receivedAll === this.#sentAll;
  }

  #state(): string {
    return `Of ${this.#sentAll} messages ${this.#acceptedAll} were accepted and ${this.#receivedAll} received in time`;
  }
}
