// Jobs
//
// Compiles that nobody waits for: rows, so that they are done whatever dies meanwhile, and can be asked about for a while.
//
//   startJob ──▶ pending ──▶ running ──▶ completed · failed ── retention ──▶ gone
//
// J1. A job that was accepted is done once: its end is in the commit of the last memories that it made.
// J2. While one is not at its end there is a reminder that finds it after a crash.
// J3. A subject has at most JOBS_MAX: past it the oldest at their end are forgotten, and if none is, the job is refused.

import { refuse } from '../../runtime/actor.js';
import { careAfter } from './care.js';
import { enqueue } from './compile-steps.js';
import { forgetJob, isAtEnd, JOBS_MAX, jobsOf, keepResuming, putJob, readJob } from './job-rows.js';
import type { JobRow } from './protocol.js';
import type { Context, On } from './state.js';

const NO_JOB = refuse('NOT_FOUND', { what: 'job' });
const TOO_MANY = refuse('OVERLOADED', { what: `jobs of one subject, ${JOBS_MAX}` });

export const startJob: On<'startJob'> = (context, { jobId }) => {
  const { state, now } = context;
  if (!makeRoom(context)) return TOO_MANY;
  const row: JobRow = {
    subjectId: state.place.subjectId,
    life: state.row?.life ?? 0,
    status: 'pending',
    createdAt: now,
    updatedAt: now,
    created: 0,
    firstSeq: null,
    error: null,
  };
  if (!enqueue(context, { kind: 'job', jobId })) return TOO_MANY;
  putJob(context, jobId, row);
  keepResuming(context);
  return null;
};

export const job: On<'job'> = (context, { jobId }) => {
  const row = readJob(context, jobId);
  return row ?? NO_JOB;
};

export const dropJob: On<'dropJob'> = (context, { jobId }) => {
  if (readJob(context, jobId) === undefined) return NO_JOB;
  context.state.compiling.abandonJob(jobId);
  forgetJob(context, jobId);
  return null;
};

/** What is not at its end and not in hand is taken up. Answers how many there were. */
export const resume: On<'resume'> = (context) => {
  let taken = 0;
  let left = 0;
  for (const { id, row } of jobsOf(context)) {
    if (isAtEnd(row.status)) continue;
    left++;
    if (!context.state.compiling.isAtWork(id) && enqueue(context, { kind: 'job', jobId: id })) taken++;
  }
  if (left > 0) keepResuming(context);
  return { resumed: taken };
};

export function progressJob(context: Context, jobId: string, created: number, firstSeq: number | null): void {
  change(context, jobId, { status: 'running', created, firstSeq });
}

export function finishJob(
  context: Context,
  jobId: string,
  created: number,
  firstSeq: number | null,
  error: string | null = null,
): void {
  change(context, jobId, { status: error === null ? 'completed' : 'failed', created, firstSeq, error });
  careAfter(context);
}

function change(context: Context, jobId: string, more: Partial<JobRow>): void {
  const before = readJob(context, jobId);
  if (before === undefined) return;
  putJob(context, jobId, { ...before, ...more, updatedAt: context.now });
}

function makeRoom(context: Context): boolean {
  const all = jobsOf(context);
  if (all.length < JOBS_MAX) return true;
  const oldest = all.find(({ row }) => isAtEnd(row.status));
  if (oldest !== undefined) forgetJob(context, oldest.id);
  return oldest !== undefined;
}
