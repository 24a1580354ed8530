// Tally
//
// The sums of one group while it is put together: how many events it holds, and what it adds to each counter.
//
// T1. A record that would take a counter below zero is refused alone, and leaves nothing in the sums.
// T2. Counters and reservations change when settle() is called, after the group is durable, and never otherwise.
// T3. Every key of an accepted record is marked as written (progress.ts), and unmarked when the group is undone.

import { RecordCursor, type RecordView, type RecordWalker, walkRecord } from './commit-record.js';
import type { Counters, Reservations } from './counters.js';
import type { Progress } from './progress.js';

interface Addition {
  readonly counter: number;
  readonly delta: number;
  readonly reserved: boolean;
}

export class Tally implements RecordWalker {
  readonly #counters: Counters;
  readonly #progress: Progress;
  readonly #deltas: Float64Array;
  readonly #unreserved: Float64Array;
  readonly #reserved = new Map<Reservations, Float64Array>();
  /** Of the record that is being looked at. */
  #additions: Addition[] = [];
  #events = 0;

  constructor(counters: Counters, progress: Progress) {
    this.#counters = counters;
    this.#progress = progress;
    this.#deltas = new Float64Array(counters.names.length);
    this.#unreserved = new Float64Array(counters.names.length);
  }

  /** Events of all records accepted. */
  get events(): number {
    return this.#events;
  }

  /** Takes a record in, or says why not (T1). */
  accept(record: RecordView, source: Reservations): string | undefined {
    const eventsBefore = this.#events;
    if (this.#additions.length > 0) this.#additions = [];
    walkRecord(record, this);
    const short = this.#additions.find(({ counter }) => this.#after(counter) < 0);
    if (short !== undefined) {
      unmark(record.batch.subarray(record.start, record.end), this.#progress);
      this.#events = eventsBefore;
      return `the counter ${this.#counters.names[short.counter]} would fall below zero`;
    }
    for (const addition of this.#additions) this.#sum(addition, source);
    return undefined;
  }

  put(batch: Buffer, keyAt: number, valueAt: number): void {
    this.#progress.mark(batch, keyAt, valueAt);
  }

  delete(batch: Buffer, keyAt: number, end: number): void {
    this.#progress.mark(batch, keyAt, end);
  }

  event(): void {
    this.#events++;
  }

  add(counter: number, delta: number, reserved: boolean): void {
    this.#additions.push({ counter, delta, reserved });
  }

  rewrite(): void {
    // It has its number already.
  }

  /** The group is durable (T2). */
  settle(): void {
    for (let index = 0; index < this.#deltas.length; index++) {
      if (this.#deltas[index] !== 0) this.#counters.addCommitted(index, this.#deltas[index]!);
      if (this.#unreserved[index] !== 0) this.#counters.addUsed(index, this.#unreserved[index]!);
    }
    for (const [source, sums] of this.#reserved) {
      sums.forEach((sum, index) => {
        if (sum !== 0) source.settle(index, sum);
      });
    }
  }

  /** The counter after this group and the record that is being looked at. */
  #after(counter: number): number {
    let value = this.#counters.committed(counter) + this.#deltas[counter]!;
    for (const addition of this.#additions) if (addition.counter === counter) value += addition.delta;
    return value;
  }

  #sum({ counter, delta, reserved }: Addition, source: Reservations): void {
    this.#deltas[counter]! += delta;
    if (!reserved) {
      this.#unreserved[counter]! += delta;
      return;
    }
    let sums = this.#reserved.get(source);
    if (sums === undefined) {
      sums = new Float64Array(this.#counters.names.length);
      this.#reserved.set(source, sums);
    }
    sums[counter]! += delta;
  }
}

/** The writes of these records are about to be durable (T3). */
export function mark(records: Buffer, progress: Progress): void {
  eachKey(records, (batch, from, to) => progress.mark(batch, from, to));
}

/** The records will not be durable: their keys are not behind (T3). */
export function unmark(records: Buffer, progress: Progress): void {
  eachKey(records, (batch, from, to) => progress.unmark(batch, from, to));
}

function eachKey(records: Buffer, visit: (batch: Buffer, from: number, to: number) => void): void {
  const walker = { put: visit, delete: visit, event: () => undefined, add: () => undefined, rewrite: () => undefined };
  const record = new RecordCursor(records);
  while (record.next()) walkRecord(record, walker);
}

/** Gives back what records reserved that will not be committed. */
export function releaseReservations(records: Buffer, source: Reservations): void {
  const record = new RecordCursor(records);
  while (record.next()) releaseReservation(record, source);
}

/** The same, for one record. */
export function releaseReservation(record: RecordView, source: Reservations): void {
  walkRecord(record, {
    put: () => undefined,
    delete: () => undefined,
    event: () => undefined,
    add(counter, delta, reserved) {
      if (reserved) source.release(counter, delta);
    },
    rewrite: () => undefined,
  });
}
