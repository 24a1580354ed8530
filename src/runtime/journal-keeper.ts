// Journal keeper
//
// What keeps the commits of a system: the threads behind a directory, or nothing.

import type { MessagePort } from 'node:worker_threads';
import { SLOTS } from './address.js';
import { JournalHandle } from './journal-handle.js';
import type { Fence, JournalReport, JournalTuning, SharedMemory } from './threads/protocol.js';

/** Where a durable system keeps what it keeps. */
export interface StorePlace {
  /** Where the store's files are; it exists, and nobody else writes there. */
  readonly directory: string;
  /** Where the journal's segments are; it exists too. */
  readonly journalDirectory: string;
  /** Where a migration puts the store as it was, in a directory named after its schema version. */
  readonly backups: string;
  readonly journal: JournalTuning;
}

/** What the rest of a system needs of the threads that keep the store (journal-handle.ts). */
export interface JournalKeeper {
  readonly memory: SharedMemory;
  attach(source: number, port: MessagePort, reservations: SharedArrayBuffer): void;
  detach(source: number): void;
  fence(slots: readonly number[]): Promise<Fence | undefined>;
  settled(): Promise<boolean>;
  scrubbed(): Promise<boolean>;
  tap(port: MessagePort, memory: SharedArrayBuffer): void;
  trims(port: MessagePort): void;
  report(): Promise<JournalReport | undefined>;
  stop(): Promise<void>;
}

/** What of a system's options concerns it. */
export interface JournalWishes {
  readonly store: StorePlace | undefined;
  readonly counters: readonly string[];
  readonly onTrouble: (message: string, details: Readonly<Record<string, unknown>>) => void;
  readonly onFatal: (error: unknown) => void;
}

/** Opens the store. Rejects, with no thread left, when it cannot be. */
export async function openJournal(
  { store, counters, onTrouble, onFatal }: JournalWishes,
  memory: SharedMemory,
): Promise<{ readonly journal: JournalKeeper; readonly fence: Fence }> {
  if (store === undefined) {
    const journal = new NoJournal(memory);
    return { journal, fence: await journal.fence() };
  }
  const { directory, journalDirectory, backups, journal: tuning } = store;
  const slots = Array.from({ length: SLOTS }, (_, slot) => slot);
  const journal = new JournalHandle(
    { directory, journalDirectory, backups, tuning, memory, counterNames: counters, slots },
    {
      failing: (reason) => onTrouble('the store refuses writes', { reason }),
      recovering: (groups) => onTrouble('recovering what the last process left', { groups }),
      died: onFatal,
    },
  );
  return { journal, fence: await journal.ready() };
}

/** Nothing that the actors of such a system do is kept. */
class NoJournal implements JournalKeeper {
  readonly memory: SharedMemory;
  #epoch = 0;

  constructor(memory: SharedMemory) {
    this.memory = memory;
  }

  attach(_source: number, port: MessagePort): void {
    port.close();
  }

  detach(): void {
    // Nothing was kept of it.
  }

  fence(): Promise<Fence> {
    return Promise.resolve({ epoch: ++this.#epoch, group: 0 });
  }

  settled(): Promise<boolean> {
    return Promise.resolve(true);
  }

  scrubbed(): Promise<boolean> {
    return Promise.resolve(true);
  }

  tap(port: MessagePort): void {
    port.close();
  }

  trims(port: MessagePort): void {
    port.close();
  }

  report(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}
