// Removal
//
// The end of a subject: its row goes, and with it everything is out of reach, in one commit. The rows of the life that is
// over are removed behind that, in slices.
//
// RV1. What was removed is nobody's from its commit on: a later life has another number, and reads none of these rows.
// RV2. A slice removes at most PURGE_ROWS rows, in a turn of its own. What a crash leaves is taken up by a reminder.

import type { Key } from '../../runtime/actor.js';
import { abandonCompiles } from './compile-steps.js';
import { forgetAllJobs } from './job-rows.js';
import { subjectProtocol } from './protocol.js';
import { abandonRecall } from './recalling.js';
import { type Context, lifeKey, type On, purgeKey, subjectRowKey } from './state.js';

/** Rows that one turn removes. */
export const PURGE_ROWS = 500;
/** After a crash the purge goes on so much later. */
const RESUME_AFTER_MS = 1_000;
const REMINDER = 'purge';
/** Where a life has rows, in the order in which they are removed. */
const PURGED_TABLES = [
  'episode',
  'memory',
  'memory_expiry',
  'episode_key',
  'resolution',
  'resolution_of',
  'vector',
  'vector_mark',
] as const;

export const remove: On<'remove'> = (context) => {
  const { state, store } = context;
  const { row, place } = state;
  if (row === undefined) {
    forgetAllJobs(context);
    return { episodes: 0, memories: 0 };
  }
  abandonCompiles(context);
  abandonRecall(context);
  forgetAllJobs(context);
  endLife(context, row.life);
  store.delete(subjectRowKey(place));
  state.row = undefined;
  return { episodes: row.episodes, memories: row.memories };
};

/** The rows of this life are to be removed. */
export function endLife(context: Context, life: number): void {
  const { state, store } = context;
  store.put(purgeKey(state.place, life), context.now);
  state.purging = [...state.purging, life];
  continuePurge(context);
}

/** Sees to it that what waits is removed, in this activation or in a later one. */
function continuePurge(context: Context): void {
  const { state } = context;
  context.remind(REMINDER, context.now + RESUME_AFTER_MS, 'purge', { byReminder: true });
  if (state.isPurgeTold) return;
  state.isPurgeTold = true;
  context.tell(subjectProtocol, context.key, 'purge', { byReminder: false });
}

export const purge: On<'purge'> = (context, { byReminder }) => {
  const { state, store } = context;
  if (!byReminder) state.isPurgeTold = false;
  if (byReminder && state.isPurgeTold) {
    continuePurge(context);
    return null;
  }
  const { place, purging } = state;
  const [life] = purging;
  if (life === undefined) return null;
  let left = PURGE_ROWS;
  let { purged } = state;
  // What was removed lately may still be in the tables: it is passed by, not read again.
  const from = PURGED_TABLES.indexOf(purged?.[0] as (typeof PURGED_TABLES)[number]);
  for (const table of PURGED_TABLES.slice(Math.max(0, from))) {
    if (left === 0) break;
    const query = { under: lifeKey(table, place, life), limit: left };
    const keys: readonly Key[] = store.rangeKeys(purged?.[0] === table ? { ...query, after: purged } : query);
    for (const key of keys) store.delete(key);
    left -= keys.length;
    purged = keys.at(-1) ?? purged;
  }
  state.purged = purged;
  if (left > 0) {
    store.delete(purgeKey(place, life));
    state.purging = purging.slice(1);
    state.purged = undefined;
  }
  if (state.purging.length === 0) {
    context.forget(REMINDER);
    return null;
  }
  continuePurge(context);
  return null;
};
