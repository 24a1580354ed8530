// Gate
//
// Holds what a turn said until its commit record is durable. Records of one shard are numbered from 1 in the order in
// which they leave; the journal answers "durable up to n".
//
// Owns:     the numbers, and everything said behind each of them.
// Does not: know what an output is, or where it goes.
//
// GT1. Outputs behind one record leave in the order they were held; records open in the order of their numbers.
// GT2. Every output is either opened or failed, exactly once.
// GT3. An output held behind a record that is already durable leaves at once.

import { invariant } from '../invariant.js';

/** Opened segments of the queue are given back when there are this many and at least half of it. */
const COMPACT_AT = 1024;

export class Gates<Output> {
  readonly #open: (output: Output) => void;
  readonly #fail: (output: Output) => void;
  /** The first output behind record `#first + i` at index `#head + i`; undefined where there is none yet. */
  #held: (Output | undefined)[] = [];
  /** The others, by record: most have none. */
  readonly #more = new Map<number, Output[]>();
  #head = 0;
  #first = 1;
  #assigned = 0;

  constructor(open: (output: Output) => void, fail: (output: Output) => void) {
    this.#open = open;
    this.#fail = fail;
  }

  /** The number of the newest record. */
  get assigned(): number {
    return this.#assigned;
  }

  /** Everything up to this number is durable or failed. */
  get settled(): number {
    return this.#first - 1;
  }

  /** The number of the record that leaves next. */
  assign(): number {
    this.#held.push(undefined);
    return ++this.#assigned;
  }

  hold(number: number, output: Output): void {
    if (number < this.#first) {
      this.#open(output);
      return;
    }
    invariant(number <= this.#assigned, 'an output was held behind a record that does not exist');
    const index = this.#head + number - this.#first;
    if (this.#held[index] === undefined) {
      this.#held[index] = output;
      return;
    }
    const more = this.#more.get(number);
    if (more === undefined) this.#more.set(number, [output]);
    else more.push(output);
  }

  /** The journal says that all records up to `number` are durable. */
  open(number: number): void {
    this.#settle(number, this.#open);
  }

  /** Nothing that is still behind a gate may leave. */
  failAll(): void {
    this.#settle(this.#assigned, this.#fail);
  }

  #settle(number: number, release: (output: Output) => void): void {
    invariant(number <= this.#assigned, 'the journal acknowledged a record that was never sent');
    while (this.#first <= number) {
      const output = this.#held[this.#head];
      this.#held[this.#head++] = undefined;
      const record = this.#first++;
      if (output === undefined) continue;
      release(output);
      if (this.#more.size > 0) this.#releaseMore(record, release);
    }
    if (this.#head === this.#held.length) {
      this.#held = [];
      this.#head = 0;
    } else if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#held.length) {
      this.#held.copyWithin(0, this.#head);
      this.#held.length -= this.#head;
      this.#head = 0;
    }
  }

  #releaseMore(record: number, release: (output: Output) => void): void {
    const outputs = this.#more.get(record);
    if (outputs === undefined) return;
    this.#more.delete(record);
    for (const output of outputs) release(output);
  }
}
