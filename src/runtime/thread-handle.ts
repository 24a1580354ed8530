// Thread handle
//
// The starting thread's end of a thread that keeps the store: questions with tickets, and its end, which is fatal if
// nobody asked for it.
//
// TH1. ready() settles once, and when it rejects the thread is gone.
// TH2. died() is called at most once, only after ready() resolved, and never for an end that was asked for.
// TH3. Every question is answered once; with undefined when the thread ends before it answers.

import type { Transferable, Worker } from 'node:worker_threads';

export interface ThreadHooks<From> {
  /** What is neither its start, nor an answer, nor its end. */
  readonly said: (message: From) => void;
  /** The thread ended and nobody had asked it to. Nothing can be made durable any more. */
  readonly died: (error: unknown) => void;
}

/** What every such thread says. */
interface Said {
  readonly kind: string;
  readonly ticket?: number;
  readonly message?: string;
}

export class ThreadHandle<To, From extends Said> {
  readonly #thread: Worker;
  readonly #hooks: ThreadHooks<From>;
  readonly #tickets = new Map<number, (answer: From | undefined) => void>();
  readonly #ended: Promise<void>;
  #ticket = 0;
  #phase: 'starting' | 'running' | 'stopping' = 'starting';
  #isGone = false;
  #error: unknown;

  /** Takes over a thread that has said nothing yet. */
  constructor(thread: Worker, hooks: ThreadHooks<From>) {
    this.#thread = thread;
    this.#hooks = hooks;
    this.#ended = new Promise((resolve) => thread.once('exit', () => resolve()));
  }

  /** Resolves with its first message, of kind `ready`; rejects with its reason when it cannot start (TH1). */
  ready(): Promise<From> {
    return new Promise((resolve, reject) => {
      this.#thread.on('message', (message: From) => this.#receive(message, resolve));
      this.#thread.on('error', (error) => {
        this.#error = error;
      });
      void this.#ended.then(() => {
        this.#isGone = true;
        for (const settle of this.#tickets.values()) settle(undefined);
        this.#tickets.clear();
        reject(this.#error ?? new Error('a thread of the store ended before it was ready'));
        if (this.#phase === 'running') this.#hooks.died(this.#error);
      });
    });
  }

  /** Asks, with a ticket that the answer carries (TH3). */
  ask(question: (ticket: number) => To): Promise<From | undefined> {
    if (this.#isGone) return Promise.resolve(undefined);
    const ticket = ++this.#ticket;
    return new Promise((resolve) => {
      this.#tickets.set(ticket, resolve);
      this.tell(question(ticket));
    });
  }

  tell(message: To, transfer: Transferable[] = []): void {
    this.#thread.postMessage(message, transfer);
  }

  /** Resolves when the thread has ended, which it does by itself once it has finished. */
  stop(order: To): Promise<void> {
    this.#phase = 'stopping';
    this.tell(order);
    return this.#ended;
  }

  #receive(message: From, ready: (message: From) => void): void {
    if (message.kind === 'ready') {
      this.#phase = 'running';
      ready(message);
    } else if (message.kind === 'refused') {
      this.#error = new Error(message.message);
    } else if (message.ticket !== undefined) {
      this.#tickets.get(message.ticket)?.(message);
      this.#tickets.delete(message.ticket);
    } else {
      this.#hooks.said(message);
    }
  }
}
