// Job rows: the jobs of a subject as they are kept, by their ids and by their subject.

import type { Key } from '../../runtime/actor.js';
import type { JobRow, JobStatus, SubjectPlace } from './protocol.js';
import type { Context } from './state.js';

/** Of one subject. */
export const JOBS_MAX = 200;
const REMINDER = 'jobs';
/** After a crash, jobs go on so much later. */
const RESUME_AFTER_MS = 2_000;

export interface KeptJob {
  readonly id: string;
  readonly row: JobRow;
}

export function isAtEnd(status: JobStatus): boolean {
  return status === 'completed' || status === 'failed';
}

/** Oldest first: their ids are in the order of their making. */
export function jobsOf(context: Context): readonly KeptJob[] {
  const { tenant, subjectId } = context.state.place;
  const keys = context.store.rangeKeys({ under: ['subject_job', tenant, subjectId], limit: JOBS_MAX });
  return keys.flatMap((key) => {
    const id = String(key[3]);
    const row = readJob(context, id);
    return row === undefined ? [] : [{ id, row }];
  });
}

/** One of this subject's. */
export function readJob(context: Context, jobId: string): JobRow | undefined {
  const row = context.store.get(jobKey(context.state.place, jobId)) as JobRow | undefined;
  return row?.subjectId === context.state.place.subjectId ? row : undefined;
}

export function putJob(context: Context, jobId: string, row: JobRow): void {
  context.store.put(jobKey(context.state.place, jobId), row);
  context.store.put(ofSubjectKey(context.state.place, jobId), null);
}

export function forgetJob(context: Context, jobId: string): void {
  context.store.delete(jobKey(context.state.place, jobId));
  context.store.delete(ofSubjectKey(context.state.place, jobId));
}

/** Of those at their end, how long ago that is decides. Gives when the next has had its time, or undefined. */
export function forgetOldJobs(context: Context): number | undefined {
  let next: number | undefined;
  for (const { id, row } of jobsOf(context)) {
    if (!isAtEnd(row.status)) continue;
    const until = row.updatedAt + context.state.rules.jobRetentionMs;
    if (until <= context.now) forgetJob(context, id);
    else next = Math.min(next ?? until, until);
  }
  return next;
}

/** The subject is gone, and its jobs with it. */
export function forgetAllJobs(context: Context): void {
  for (const { id } of jobsOf(context)) forgetJob(context, id);
  context.forget(REMINDER);
}

/** A crash from now on is survived by what waits. */
export function keepResuming(context: Context): void {
  context.remind(REMINDER, context.now + RESUME_AFTER_MS, 'resume', null);
}

function jobKey({ tenant }: SubjectPlace, jobId: string): Key {
  return ['compile_job', tenant, jobId];
}

function ofSubjectKey({ tenant, subjectId }: SubjectPlace, jobId: string): Key {
  return ['subject_job', tenant, subjectId, jobId];
}
