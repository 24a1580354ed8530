// Whole state
//
// What a data directory holds: its tables, and over them the groups of its journal that they do not hold yet. The same
// that a server would make of it at its start, without writing anything.
//
// WS1. Whatever is wrong with the journal is told as a problem, and what lies before it can be read all the same.
// WS2. While a server runs, it is the state of one moment, for as long as the event loop does not turn.

import { invariant } from '../../invariant.js';
import { Changes } from '../changes.js';
import { readTablesState } from '../tables.js';
import { CaughtUpReader } from './caught-up-reader.js';
import type { DiskReader } from './disk.js';
import type { Group } from './group-reader.js';
import { tornGroup, unreadableSegments } from './journal-survey.js';
import { readTail, type TailTaker } from './journal-tail.js';
import type { StoreReader } from './store.js';

export interface WholeState {
  readonly reader: StoreReader;
  /** Groups that are laid over the tables. */
  readonly unapplied: number;
  /** The number of the group behind these, when a part of it is there: it was not acknowledged. */
  readonly torn: number | undefined;
  /** What is wrong with the journal, in words. */
  readonly problems: readonly string[];
}

/**
 * Reads the journal from where the tables end, at most what it may be ahead of them, and keeps that in memory;
 * `counterNames` in the order of their numbers. Throws a StorageError when a server writes too fast for it.
 */
export function readWholeState(tables: StoreReader, disk: DiskReader, counterNames: readonly string[]): WholeState {
  const problems = unreadableSegments(disk).map(
    (name) => `segment ${name} is damaged in its first page: what it holds cannot be known`,
  );
  const laid = new LaidGroups(tables, counterNames);
  try {
    laid.begin();
  } catch (error) {
    return { reader: tables, unapplied: 0, torn: undefined, problems: [...problems, textOf(error)] };
  }
  const { last, damage } = readTail(disk, laid);
  if (damage !== undefined) problems.push(damage.message);
  if (laid.misfit !== undefined) problems.push(laid.misfit);
  const isCut = damage !== undefined || laid.misfit !== undefined;
  const torn = isCut ? undefined : tornGroup(disk, last + 1);
  if (laid.groups === 0) return { reader: tables, unapplied: 0, torn, problems };
  try {
    const reader = new CaughtUpReader(tables, (batch) => laid.changes.applyTo(batch, tables));
    return { reader, unapplied: laid.groups, torn, problems };
  } catch (error) {
    problems.push(`its groups cannot be applied: ${textOf(error)}`);
    return { reader: tables, unapplied: laid.groups, torn, problems };
  }
}

/** Gathers groups on top of the tables, up to the first that does not follow them. */
class LaidGroups implements TailTaker {
  readonly #tables: StoreReader;
  readonly #names: readonly string[];
  #changes: Changes | undefined;
  #groups = 0;
  #misfit: string | undefined;

  constructor(tables: StoreReader, names: readonly string[]) {
    this.#tables = tables;
    this.#names = names;
  }

  /** After begin(). */
  get changes(): Changes {
    invariant(this.#changes !== undefined, 'no groups were gathered');
    return this.#changes;
  }

  get groups(): number {
    return this.#groups;
  }

  /** Why a group was not taken in, and none after it. */
  get misfit(): string | undefined {
    return this.#misfit;
  }

  begin(): number {
    this.#tables.refresh();
    const state = readTablesState(this.#tables, this.#names);
    this.#changes = new Changes(state, this.#names);
    this.#groups = 0;
    this.#misfit = undefined;
    return state.applied;
  }

  take(group: Group): void {
    if (this.#misfit !== undefined) return;
    try {
      this.changes.take(group);
      this.#groups++;
    } catch (error) {
      this.#misfit = `group ${group.number} is whole and cannot be applied: ${textOf(error)}`;
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
