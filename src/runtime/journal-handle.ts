// Journal handle
//
// The supervisor's end of the journal thread: questions with tickets, and its end, which is fatal if nobody asked for it.
//
// JH1. ready() settles once, and when it rejects the thread is gone.
// JH2. died() is called at most once, only after ready() resolved, and never for an end that was asked for.

import type { MessagePort, Worker } from 'node:worker_threads';
import type { FromJournal, JournalReport, ToJournal } from './threads/protocol.js';

export interface JournalHooks {
  readonly failing: (reason: string) => void;
  /** The thread ended and nobody had asked it to. Nothing can be made durable any more. */
  readonly died: (error: unknown) => void;
}

export class JournalHandle {
  readonly #thread: Worker;
  readonly #hooks: JournalHooks;
  readonly #tickets = new Map<number, (message: FromJournal | undefined) => void>();
  readonly #ended: Promise<void>;
  #ticket = 0;
  #phase: 'starting' | 'running' | 'stopping' = 'starting';
  #isGone = false;
  #error: unknown;

  /** Takes over a thread that has said nothing yet. */
  constructor(thread: Worker, hooks: JournalHooks) {
    this.#thread = thread;
    this.#hooks = hooks;
    this.#ended = new Promise((resolve) => thread.once('exit', () => resolve()));
  }

  /** Resolves with the epoch of all slots when the store is open; rejects with its reason when it cannot be (JH1). */
  ready(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#thread.on('message', (message: FromJournal) => {
        if (message.kind === 'ready') {
          this.#phase = 'running';
          resolve(message.epoch);
        } else if (message.kind === 'refused') {
          this.#error = new Error(message.message);
        } else {
          this.#receive(message);
        }
      });
      this.#thread.on('error', (error) => {
        this.#error = error;
      });
      void this.#ended.then(() => {
        this.#isGone = true;
        for (const settle of this.#tickets.values()) settle(undefined);
        this.#tickets.clear();
        reject(this.#error ?? new Error('the journal ended before it was ready'));
        if (this.#phase === 'running') this.#hooks.died(this.#error);
      });
    });
  }

  attach(source: number, port: MessagePort, reservations: SharedArrayBuffer): void {
    this.#say({ kind: 'attach', source, port, reservations }, [port]);
  }

  detach(source: number): void {
    this.#say({ kind: 'detach', source });
  }

  /** Makes every older record of these slots stale; the new epoch, or undefined when the thread has ended. */
  async fence(slots: readonly number[]): Promise<number | undefined> {
    const answer = await this.#ask((ticket) => ({ kind: 'fence', ticket, slots }));
    return answer?.kind === 'fenced' ? answer.epoch : undefined;
  }

  async report(): Promise<JournalReport | undefined> {
    const answer = await this.#ask((ticket) => ({ kind: 'report', ticket }));
    return answer?.kind === 'report' ? answer.report : undefined;
  }

  /** Commits what it has, closes the store and ends the thread. */
  stop(): Promise<void> {
    this.#phase = 'stopping';
    this.#say({ kind: 'stop' });
    return this.#ended;
  }

  /** Undefined when the thread ends before it answers. */
  #ask(question: (ticket: number) => ToJournal): Promise<FromJournal | undefined> {
    if (this.#isGone) return Promise.resolve(undefined);
    const ticket = ++this.#ticket;
    return new Promise((resolve) => {
      this.#tickets.set(ticket, resolve);
      this.#say(question(ticket));
    });
  }

  #receive(message: FromJournal): void {
    if (message.kind === 'failing') {
      this.#hooks.failing(message.reason);
    } else if (message.kind === 'fenced' || message.kind === 'report') {
      this.#tickets.get(message.ticket)?.(message);
      this.#tickets.delete(message.ticket);
    }
  }

  #say(message: ToJournal, transfer: MessagePort[] = []): void {
    this.#thread.postMessage(message, transfer);
  }
}
