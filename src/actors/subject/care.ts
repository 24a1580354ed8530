// Care
//
// What is due without anyone asking: memories that are at their end become tombstones, and jobs are forgotten.
//
// CA1. A memory is a tombstone soon after its end, whether anyone asks for the subject or not: a reminder sees to it.

import { forgetOldJobs } from './job-rows.js';
import { changeMemory } from './memories.js';
import { memoryOf } from './record-json.js';
import { type Context, lifeKey, type On, putSubject, type ShelfRow } from './state.js';

/** Memories that end in one turn. */
const ENDED_AT_ONCE = 100;
/** While a compile is in hand nothing is ended; it is looked again so much later. */
const LATER_MS = 1_000;
const REMINDER = 'care';

export const care: On<'care'> = (context) => {
  endMemories(context);
  careAfter(context, forgetOldJobs(context));
  return null;
};

/** Sees to it that care is taken when something is due next: a memory's end, or `jobsDue`, or all jobs at their end. */
export function careAfter(context: Context, jobsDue = forgetOldJobs(context)): void {
  const isBusy = context.state.compiling.run !== undefined;
  const memoriesDue = nextExpiry(context);
  const due = Math.min(memoriesDue ?? Number.POSITIVE_INFINITY, jobsDue ?? Number.POSITIVE_INFINITY);
  if (due === Number.POSITIVE_INFINITY) context.forget(REMINDER);
  else context.remind(REMINDER, isBusy ? Math.max(due, context.now + LATER_MS) : due, 'care', null);
}

function nextExpiry(context: Context): number | undefined {
  const { row, place } = context.state;
  if (row === undefined) return undefined;
  const [first] = context.store.rangeKeys({ under: lifeKey('memory_expiry', place, row.life), limit: 1 });
  return first === undefined ? undefined : Number(first[4]);
}

function endMemories(context: Context): void {
  const { place } = context.state;
  let { row } = context.state;
  // A run works with the memories as it read them; it ends in a moment, and care is taken then.
  if (row === undefined || context.state.compiling.run !== undefined) return;
  const { life } = row;
  const due = context.store.rangeKeys({ under: lifeKey('memory_expiry', place, life), limit: ENDED_AT_ONCE });
  for (const key of due) {
    if (Number(key[4]) > context.now) break;
    const seq = Number(key[5]);
    const memory = memoryOf((context.store.get(lifeKey('memory', place, life, seq)) as ShelfRow)[1]);
    row = changeMemory(context, row, seq, memory, { ...memory, status: 'tombstoned', updatedAt: context.now });
  }
  if (row !== context.state.row) putSubject(context, { ...row, updatedAt: context.now });
}
