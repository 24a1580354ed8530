// Importing
//
// A whole subject out of a document, all of it or nothing: its rows are written as those of a life that nobody reads, part
// by part, and the last commit makes that life the subject's.
//
//   nothing ── beginImport ──▶ staging, life n ── parts ──▶ endImport: the subject's row names life n
//                                  └── given up, too slow, crashed ──▶ life n is purged as one that is over
//
// IM1. Nothing of an import is seen before all of it is.
// IM2. A subject that has something takes no import, and one that was given something meanwhile refuses the end of it.
// IM3. A life that is staged has a `subject_purge` row until it is the subject's: what a crash leaves is removed.

import { refuse } from '../../runtime/actor.js';
import { careAfter } from './care.js';
import { digestOf } from './episodes.js';
import type { ImportedRecord } from './protocol.js';
import { memoryOf } from './record-json.js';
import { endLife } from './removal.js';
import {
  type Context,
  lifeKey,
  newLife,
  type On,
  PURGING_MAX,
  purgeKey,
  putSubject,
  type ShelfRow,
  type SubjectRow,
} from './state.js';

/** An import that is not heard of for so long is given up. */
export const IMPORT_SILENCE_MS = 60_000;
const REMINDER = 'import';

const THERE = refuse('CONFLICT', { reason: 'the subject has something already; delete it first' });
const BUSY = refuse('CONFLICT', { reason: 'another import of the subject is under way' });
const OVER = refuse('CONFLICT', { reason: 'the import is over' });
const PURGING = refuse('OVERLOADED', { what: `deleted lives of one subject, ${PURGING_MAX}` });

export const beginImport: On<'beginImport'> = (context) => {
  const { state } = context;
  if (state.row !== undefined) return THERE;
  if (state.importing !== undefined) return BUSY;
  if (state.purging.length >= PURGING_MAX) return PURGING;
  const row = newLife(state, context.now);
  state.importing = row;
  context.store.put(purgeKey(state.place, row.life), context.now);
  keepAlive(context, row.life);
  return { life: row.life };
};

export const importPart: On<'importPart'> = (context, { life, shelf, records }) => {
  const { importing } = context.state;
  if (importing?.life !== life) return OVER;
  context.state.importing = records.reduce((row, record) => writeRecord(context, row, shelf, record), importing);
  keepAlive(context, life);
  return null;
};

export const endImport: On<'endImport'> = (context, { life, compiledTo }) => {
  const { state, store } = context;
  const { importing } = state;
  if (importing?.life !== life) return OVER;
  if (state.row !== undefined) {
    giveUp(context, life);
    return THERE;
  }
  state.importing = undefined;
  store.delete(purgeKey(state.place, life));
  context.forget(REMINDER);
  putSubject(context, { ...importing, compiledTo, updatedAt: context.now });
  careAfter(context);
  return { episodes: importing.episodes, memories: importing.memories, resolutions: importing.lastResolution };
};

/** Given up by who imports, or by the clock. Nothing happens where it is over. */
export const abandonImport: On<'abandonImport'> = (context, { life }) => {
  if (context.state.importing?.life === life) giveUp(context, life);
  return null;
};

function giveUp(context: Context, life: number): void {
  context.state.importing = undefined;
  context.forget(REMINDER);
  endLife(context, life);
}

function keepAlive(context: Context, life: number): void {
  context.remind(REMINDER, context.now + IMPORT_SILENCE_MS, 'abandonImport', { life });
}

function writeRecord(
  context: Context,
  row: SubjectRow,
  shelf: 'episode' | 'memory' | 'resolution',
  { at, json, sessionId }: ImportedRecord,
): SubjectRow {
  const { store, state } = context;
  const { place } = state;
  const bytes = row.bytes + Buffer.byteLength(json);
  switch (shelf) {
    case 'episode': {
      const lastEpisode = row.lastEpisode + 1;
      store.put(lifeKey('episode', place, row.life, lastEpisode), [at, json] satisfies ShelfRow);
      return { ...row, bytes, lastEpisode, episodes: row.episodes + 1 };
    }
    case 'memory': {
      const lastMemory = row.lastMemory + 1;
      store.put(lifeKey('memory', place, row.life, lastMemory), [at, json] satisfies ShelfRow);
      const { status, validTo } = memoryOf(json);
      if (status === 'active' && validTo !== null) {
        store.put(lifeKey('memory_expiry', place, row.life, validTo, lastMemory), null);
      }
      return { ...row, bytes, lastMemory, memories: row.memories + 1 };
    }
    case 'resolution': {
      const lastResolution = row.lastResolution + 1;
      store.put(lifeKey('resolution', place, row.life, lastResolution), [at, json] satisfies ShelfRow);
      store.put(lifeKey('resolution_of', place, row.life, digestOf(sessionId ?? '')), lastResolution);
      return { ...row, lastResolution };
    }
    default:
      return shelf satisfies never;
  }
}
