// Fair gate
//
// Lets so many calls of everybody through at once, and takes those who wait in turn by subject: one with a thousand batches is not
// before one with a single batch a thousand times.
//
// Owns:     what runs, and who waits.
// Does not: know what a call is; retry.
//
// FG1. At most `inFlightMax` run; at most `waitingMax` wait, and the next is refused.
// FG2. Of those who wait, each subject's first goes before any subject's second; those of one subject go in their order.
// FG3. After close() nothing starts; whoever waits is refused.

import { CodedError } from '../../errors.js';

interface Waiting {
  readonly start: () => void;
  readonly refuse: (error: Error) => void;
}

export class FairGate {
  readonly #inFlightMax: number;
  readonly #waitingMax: number;
  /** In the order in which the subjects are next. */
  readonly #waiting = new Map<string, Waiting[]>();
  #waits = 0;
  #inFlight = 0;
  #closed = false;

  constructor(inFlightMax: number, waitingMax: number) {
    this.#inFlightMax = inFlightMax;
    this.#waitingMax = waitingMax;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get waiting(): number {
    return this.#waits;
  }

  /** Runs `call` when it is this subject's turn; rejects with OVERLOADED (FG1) or DRAINING (FG3) where it never ran. */
  async run<T>(subject: string, call: () => Promise<T>): Promise<T> {
    await this.#enter(subject);
    try {
      return await call();
    } finally {
      this.#inFlight--;
      this.#next();
    }
  }

  close(): void {
    this.#closed = true;
    for (const queue of this.#waiting.values()) for (const { refuse } of queue) refuse(new CodedError('DRAINING'));
    this.#waiting.clear();
    this.#waits = 0;
  }

  #enter(subject: string): Promise<void> {
    if (this.#closed) return Promise.reject(new CodedError('DRAINING'));
    if (this.#inFlight < this.#inFlightMax) {
      this.#inFlight++;
      return Promise.resolve();
    }
    if (this.#waits >= this.#waitingMax)
      return Promise.reject(new CodedError('OVERLOADED', { what: 'calls that wait for the provider' }));
    return new Promise((resolve, reject) => {
      const queue = this.#waiting.get(subject) ?? [];
      queue.push({ start: resolve, refuse: reject });
      this.#waiting.set(subject, queue);
      this.#waits++;
    });
  }

  #next(): void {
    const first = this.#waiting.entries().next();
    if (first.done === true) return;
    const [subject, queue] = first.value;
    // Behind all the others, when it has more (FG2).
    this.#waiting.delete(subject);
    const { start } = queue.shift()!;
    if (queue.length > 0) this.#waiting.set(subject, queue);
    this.#waits--;
    this.#inFlight++;
    start();
  }
}
