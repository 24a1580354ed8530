// Child
//
// A part of a bench in a process of its own, spoken to over IPC: one order at a time, one answer each.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

type Envelope<Answer> =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly reason: string };

export class Child<Order extends object, Answer> {
  readonly #process: ChildProcess;

  /** `file`: an absolute path to a module that calls serveOrders(). */
  constructor(file: string) {
    this.#process = fork(file);
  }

  /** Rejects when the child fails or ends. */
  async ask(order: Order): Promise<Answer> {
    const listening = new AbortController();
    const { signal } = listening;
    const ended = once(this.#process, 'exit', { signal }).then(([code]) => {
      throw new Error(`A part of the bench ended with exit code ${code}`);
    });
    const answered = once(this.#process, 'message', { signal }) as Promise<[Envelope<Answer>]>;
    this.#process.send(order);
    try {
      const [envelope] = await Promise.race([answered, ended]);
      if (envelope.kind === 'failed') throw new Error(envelope.reason);
      return envelope.answer;
    } finally {
      // Takes the listener that lost the race away; its rejection is of no interest.
      ended.catch(() => undefined);
      answered.catch(() => undefined);
      listening.abort();
    }
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}

/** The child's side: answers each order of its parent, and ends with it. */
export function serveOrders<Order, Answer>(run: (order: Order) => Promise<Answer>): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (order: Order) => {
    run(order).then(
      (answer) => process.send?.({ kind: 'answer', answer }),
      (error: unknown) => process.send?.({ kind: 'failed', reason: error instanceof Error ? error.stack : `${error}` }),
    );
  });
}
