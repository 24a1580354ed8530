// Journal handle
//
// The two threads that keep the store, the journal and the applier behind it, as the rest of the system sees them: one
// thing that starts, answers, and stops in the right order.
//
//     start: applier (opens the tables, recovers) ──▶ journal (fences all slots)
//     stop:  journal (writes what it has) ──▶ applier (brings the tables up to the end)
//
// JH1. ready() settles once, and when it rejects both threads are gone.
// JH2. died() is called when either of them ends unasked.

import { setTimeout as pause } from 'node:timers/promises';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { invariant } from '../invariant.js';
import { ThreadHandle } from './thread-handle.js';
import type {
  ApplierThreadData,
  Fence,
  FromApplier,
  FromJournal,
  JournalReport,
  JournalThreadData,
  SharedMemory,
  ToApplier,
  ToJournal,
} from './threads/protocol.js';

const REPORT_WAIT_MS = 1_000;

export interface JournalHooks {
  readonly failing: (reason: string) => void;
  /** What a former process left is being brought into the tables: so many groups up to now. */
  readonly recovering: (groups: number) => void;
  /** A thread ended and nobody had asked it to. Nothing can be made durable any more. */
  readonly died: (error: unknown) => void;
}

export type JournalOptions = Omit<ApplierThreadData, 'journal'> & Pick<JournalThreadData, 'slots'>;

export class JournalHandle {
  readonly #options: JournalOptions;
  readonly #hooks: JournalHooks;
  readonly #ports = new MessageChannel();
  readonly #applier: ThreadHandle<ToApplier, FromApplier>;
  #journal: ThreadHandle<ToJournal, FromJournal> | undefined;
  /** One question to the journal serves all who ask before it is sent. */
  #settling: Promise<boolean> | undefined;

  /** Starts the applier's thread. */
  constructor(options: JournalOptions, hooks: JournalHooks) {
    this.#options = options;
    this.#hooks = hooks;
    const { slots: _, ...applierData } = options;
    const data: ApplierThreadData = { ...applierData, journal: this.#ports.port1 };
    this.#applier = new ThreadHandle(startThread('applier', data, this.#ports.port1), {
      said: (message) => {
        if (message.kind === 'failing') hooks.failing(message.reason);
        else if (message.kind === 'recovering') hooks.recovering(message.groups);
      },
      died: hooks.died,
    });
  }

  /** What all threads share. */
  get memory(): SharedMemory {
    return this.#options.memory;
  }

  /** Resolves with the fence of all slots when the store is open; rejects with its reason when it cannot be (JH1). */
  async ready(): Promise<Fence> {
    const opened = await this.#applier.ready();
    invariant(opened.kind === 'ready', 'the applier began with something else');
    const { journalDirectory, tuning, memory, counterNames, slots } = this.#options;
    const applier = this.#ports.port2;
    const { start } = opened;
    const data: JournalThreadData = { journalDirectory, tuning, memory, counterNames, slots, start, applier };
    this.#journal = new ThreadHandle(startThread('journal', data, applier), {
      said: (message) => {
        if (message.kind === 'failing') this.#hooks.failing(message.reason);
      },
      died: this.#hooks.died,
    });
    try {
      const started = await this.#journal.ready();
      invariant(started.kind === 'ready', 'the journal began with something else');
      return started.fence;
    } catch (error) {
      await this.#applier.stop({ kind: 'stop' });
      throw error;
    }
  }

  attach(source: number, port: MessagePort, reservations: SharedArrayBuffer): void {
    this.#started.tell({ kind: 'attach', source, port, reservations }, [port]);
  }

  detach(source: number): void {
    this.#started.tell({ kind: 'detach', source });
  }

  /** Makes every older record of these slots stale; undefined when the thread has ended. */
  async fence(slots: readonly number[]): Promise<Fence | undefined> {
    const answer = await this.#started.ask((ticket) => ({ kind: 'fence', ticket, slots }));
    return answer?.kind === 'fenced' ? answer.fence : undefined;
  }

  /** Resolves when all that is durable now is in the tables; with false when the tables cannot be written now. */
  settled(): Promise<boolean> {
    this.#settling ??= Promise.resolve().then(async () => {
      this.#settling = undefined;
      const answer = await this.#started.ask((ticket) => ({ kind: 'settle', ticket }));
      return answer?.kind === 'settled' && answer.ok;
    });
    return this.#settling;
  }

  /** Resolves when no file of the journal holds what is in the tables by now; with false when that cannot be done now. */
  async scrubbed(): Promise<boolean> {
    const answer = await this.#started.ask((ticket) => ({ kind: 'scrub', ticket }));
    return answer?.kind === 'scrubbed' && answer.ok;
  }

  /** Sends every event that becomes durable to this port too; `memory` is a tapMemory(). One tap at a time. */
  tap(port: MessagePort, memory: SharedArrayBuffer): void {
    this.#started.tell({ kind: 'tap', port, memory }, [port]);
  }

  /** The oldest events are taken out of the tables at the word of this port (event-trim.ts). One at a time. */
  trims(port: MessagePort): void {
    this.#applier.tell({ kind: 'trims', port }, [port]);
  }

  async report(): Promise<JournalReport | undefined> {
    const asked = this.#started.ask((ticket) => ({ kind: 'report', ticket }));
    // It answers between two flushes, and a flush can take as long as the disk likes.
    const answer = await Promise.race([asked, pause(REPORT_WAIT_MS, undefined, { ref: false })]);
    return answer?.kind === 'report' ? answer.report : undefined;
  }

  /** Makes durable what it has, brings the tables up to it, closes the store and ends both threads. */
  async stop(): Promise<void> {
    await this.#journal?.stop({ kind: 'stop' });
    await this.#applier.stop({ kind: 'stop' });
  }

  get #started(): ThreadHandle<ToJournal, FromJournal> {
    invariant(this.#journal !== undefined, 'the journal was used before it was ready');
    return this.#journal;
  }
}

function startThread(name: 'applier' | 'journal', workerData: object, port: MessagePort): Worker {
  return new Worker(new URL(`./threads/${name}-thread.js`, import.meta.url), {
    name,
    workerData,
    transferList: [port],
  });
}
