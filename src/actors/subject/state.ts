// Subject state
//
// What a subject holds in memory, and the rows that it is read from. Everything that it keeps lies under its tenant, its id
// and the number of its life:
//
//   nothing ── first episode ──▶ life n ── delete ──▶ nothing, and life n is purged in slices ── first episode ──▶ life n+1
//
// Owns:     the names and shapes of the rows.
// Does not: write them (episodes.ts, removal.ts, …).
//
// S1. The row of a subject names its one life; rows of any other life are nobody's, and a `subject_purge` row says so.
// S2. The number of a life is none that still has rows.

import type { ActivationContext, Context as AnyContext, Handler, Key } from '../../runtime/actor.js';
import { Compiling } from './compile-queue.js';
import type { KindTtlDays } from './compiler/expiry.js';
import { placeOfKey, type Shelf, type SubjectMessages, type SubjectPlace } from './protocol.js';
import type { Recall } from './recall.js';

/** Table `subject`: what there is, counted in the commit of each change. */
export interface SubjectRow {
  readonly life: number;
  readonly episodes: number;
  readonly memories: number;
  /** Of the JSON of both, in UTF-8. */
  readonly bytes: number;
  /** The seqs of the newest; seqs begin with 1, and are never given twice in a life. */
  readonly lastEpisode: number;
  readonly lastMemory: number;
  readonly lastResolution: number;
  /** Episodes up to this seq are compiled. */
  readonly compiledTo: number;
  readonly compiles: number;
  readonly contexts: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Tables `episode` and `memory`: when it was made, and its JSON. */
export type ShelfRow = readonly [at: number, json: string];

/** Out of the config. */
export interface SubjectRules {
  readonly kindTtlDays: KindTtlDays;
  readonly jobRetentionMs: number;
  /** Whose vectors are kept and looked at; null: nobody's. */
  readonly embeddingModel: string | null;
}

export interface SubjectState {
  readonly rules: SubjectRules;
  readonly compiling: Compiling;
  /** Undefined until something is asked for. */
  recall: Recall | undefined;
  readonly place: SubjectPlace;
  row: SubjectRow | undefined;
  /** The row of a life that is being imported, with what it has so far. */
  importing: SubjectRow | undefined;
  /** Lives whose rows are being removed, oldest first. */
  purging: readonly number[];
  /** The last row that this activation removed of the first of them. */
  purged: Key | undefined;
  /** A purge was told, and is on its way. */
  isPurgeTold: boolean;
}

export type Context = AnyContext<SubjectState, SubjectMessages>;
export type On<K extends keyof SubjectMessages> = Handler<SubjectState, SubjectMessages, K>;

/** Lives that may wait to be purged: who makes and deletes a subject faster than its disk is told to wait. */
export const PURGING_MAX = 64;

export function activateSubject({ key, store }: ActivationContext, rules: SubjectRules): SubjectState {
  const place = placeOfKey(key);
  const purging = store.rangeKeys({ under: purgeKey(place), limit: PURGING_MAX }).map((row) => Number(row[3]));
  return {
    rules,
    compiling: new Compiling(),
    recall: undefined,
    importing: undefined,
    place,
    row: store.get(subjectRowKey(place)) as SubjectRow | undefined,
    purging,
    purged: undefined,
    isPurgeTold: false,
  };
}

export function subjectRowKey({ tenant, subjectId }: SubjectPlace): Key {
  return ['subject', tenant, subjectId];
}

export function purgeKey({ tenant, subjectId }: SubjectPlace, ...life: readonly number[]): Key {
  return ['subject_purge', tenant, subjectId, ...life];
}

/** All rows of a table that a life has; with `parts`, one of them. */
export function lifeKey(
  table: Shelf | 'vector' | 'vector_mark' | 'memory_expiry' | 'episode_key' | 'resolution' | 'resolution_of',
  { tenant, subjectId }: SubjectPlace,
  life: number,
  ...parts: readonly (string | number)[]
): Key {
  return [table, tenant, subjectId, life, ...parts];
}

/** The row of a subject that begins to exist (S2). */
export function newLife({ purging, importing }: SubjectState, now: number): SubjectRow {
  return {
    life: Math.max(0, importing?.life ?? 0, ...purging) + 1,
    episodes: 0,
    memories: 0,
    bytes: 0,
    lastEpisode: 0,
    lastMemory: 0,
    lastResolution: 0,
    compiledTo: 0,
    compiles: 0,
    contexts: 0,
    createdAt: now,
    updatedAt: now,
  };
}

export function putSubject(context: Context, row: SubjectRow): void {
  context.state.row = row;
  context.store.put(subjectRowKey(context.state.place), row);
}
