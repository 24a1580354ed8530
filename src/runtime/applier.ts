// Applier
//
// Brings the tables up to what the journal holds, some time behind it: many groups in one transaction, with of all writes
// of one key only the last. The only writer of the tables.
//
//     journal ──groups──▶ changes ──one transaction──▶ tables (with the number of the last group in it)
//
// Owns:     the tables' writer, and the place in the journal up to which they are.
// Does not: choose when (threads/applier-thread.ts), or write the journal.
//
// AP1. Every group is applied once: its number is written in the transaction that holds it.
// AP2. A transaction that fails changes nothing, and is tried again as it was.
// AP3. Readers learn of a transaction, and `applied` rises, only after it is durable.
// AP4. A transaction takes groups of at most APPLY_BYTES_MAX, plus one.

import { Changes } from './changes.js';
import { applyTrim, type TrimSlice, trimmedUpTo } from './event-trim.js';
import { forgettableBefore, IDEMPOTENCY_TABLE } from './idempotency.js';
import type { Progress } from './progress.js';
import type { Group } from './storage/group-reader.js';
import { encodeKey, rangeOf } from './storage/keys.js';
import type { Store } from './storage/store.js';
import type { CommitCount } from './store-view.js';
import { readTablesState, type TablesState } from './tables.js';

export const APPLY_BYTES_MAX = 32 * 1024 * 1024;
/** Remembered answers deleted in one go. */
export const FORGET_SLICE = 1000;

/** Where the groups come from: a GroupReader, that begins with the group after the last applied one. */
export interface GroupSource {
  /** The next group if its number is at most `durable`. */
  next(durable: number): Group | undefined;
}

export interface ApplierParts {
  readonly store: Store;
  readonly source: GroupSource;
  readonly progress: Progress;
  readonly commits: CommitCount;
  readonly counterNames: readonly string[];
}

export class Applier {
  readonly #parts: ApplierParts;
  #state: TablesState;
  /** Taken from the journal, and not in the tables yet. */
  #pending: Changes | undefined;

  /** The tables stand where a former process, or a recovery, left them. */
  constructor(parts: ApplierParts) {
    this.#parts = parts;
    this.#state = readTablesState(parts.store, parts.counterNames);
  }

  /** The number of the last group in the tables. */
  get applied(): number {
    return this.#state.applied;
  }

  /** Groups that are durable and not in the tables. */
  get behind(): number {
    return this.#parts.progress.behind;
  }

  /** One transaction of what is durable; false when nothing is behind. Throws what the store or the journal throws (AP2). */
  applyOnce(): boolean {
    const { progress, commits, store } = this.#parts;
    this.#pending ??= this.#take();
    const changes = this.#pending;
    if (changes === undefined) return false;
    store.commit((batch) => changes.applyTo(batch, store));
    this.#pending = undefined;
    this.#state = changes.state;
    commits.increment();
    progress.publishApplied(this.#state.applied);
    for (const cell of changes.cells) progress.unmarkCell(cell);
    return true;
  }

  /** Deletes some of the remembered answers that are too old to matter; true when there may be more. */
  forgetAnswers(nowMs: number): boolean {
    const { store, commits } = this.#parts;
    const { start } = rangeOf([IDEMPOTENCY_TABLE]);
    const end = encodeKey(forgettableBefore(nowMs));
    store.refresh();
    const keys = store.rangeKeys({ start, end, limit: FORGET_SLICE });
    if (keys.length === 0) return false;
    store.commit((batch) => {
      for (const key of keys) batch.delete(key);
    });
    commits.increment();
    return keys.length === FORGET_SLICE;
  }

  /** Takes the oldest events out of the tables. Throws, with nothing done, what the store throws, or where they do not fit. */
  trim(slice: TrimSlice): void {
    const { store, commits } = this.#parts;
    store.refresh();
    const trimmed = trimmedUpTo(store);
    store.commit((batch) => applyTrim(batch, slice, trimmed, this.#state.seq));
    commits.increment();
  }

  #take(): Changes | undefined {
    const { source, progress, counterNames } = this.#parts;
    const durable = this.#state.applied + progress.behind;
    const changes = new Changes(this.#state, counterNames);
    while (changes.bytes < APPLY_BYTES_MAX) {
      const group = source.next(durable);
      if (group === undefined) break;
      changes.take(group);
      // Kept from now on: should the next group not be readable, this one does not come again (AP2).
      this.#pending = changes;
    }
    return this.#pending;
  }
}

/** The rest of a journal that nobody writes; `told` is called after each transaction with the last group in the tables. */
export function recoverTables(
  store: Store,
  nextToEnd: () => Group | undefined,
  counterNames: readonly string[],
  told: (state: TablesState) => void,
): TablesState {
  for (;;) {
    store.refresh();
    const before = readTablesState(store, counterNames);
    const changes = new Changes(before, counterNames);
    let group: Group | undefined;
    while (changes.bytes < APPLY_BYTES_MAX) {
      group = nextToEnd();
      if (group === undefined) break;
      changes.take(group);
    }
    if (changes.state.applied > before.applied) {
      store.commit((batch) => changes.applyTo(batch, store));
      told(changes.state);
    }
    if (group === undefined) return changes.state;
  }
}
