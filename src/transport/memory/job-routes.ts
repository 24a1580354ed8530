// Job routes: compile jobs, as the admin sees them.

import { subjectKey, subjectProtocol } from '../../actors/subject/protocol.js';
import { type JobPlace, type ListedJob, tenantKey, tenantProtocol } from '../../actors/tenant/protocol.js';
import { timestamp } from '../../clock.js';
import {
  JOB_STATUSES,
  JOBS_LIMIT_DEFAULT,
  JOBS_LIMIT_MAX,
  type JobDeleted,
  type JobList,
  type JobListing,
  type JobsReset,
} from '../../contract/memory.js';
import { CodedError } from '../../errors.js';
import { cursorOf } from '../kernel/page-cursor.js';
import { findJob } from './compile-routes.js';
import type { MemoryCall } from './memory-call.js';
import { askOptions, type MemoryContext } from './memory-context.js';
import type { MemoryHandlers } from './memory-door.js';
import { invalid } from './memory-fault.js';
import { readCursor, readQueryChoice, readQueryNumber, readQueryText } from './memory-reader.js';

const CURSOR_BYTES_MAX = 256;
const NOT_AT_ITS_END = ['pending', 'running'] as const;

async function listJobs(context: MemoryContext, call: MemoryCall): Promise<void> {
  const status = readQueryChoice(call, 'status', JOB_STATUSES);
  if (status === undefined) return;
  const subjectId = readQueryText(call, 'subject_id');
  if (subjectId === undefined) return;
  const limit = readQueryNumber(call, 'limit', { min: 1, max: JOBS_LIMIT_MAX, fallback: JOBS_LIMIT_DEFAULT });
  if (limit === undefined) return;
  const cursor = readCursor(call, CURSOR_BYTES_MAX);
  if (cursor === undefined) return;
  const after = cursor === null ? null : jobPlace(cursor);
  if (after === undefined) return call.refuse(invalid('cursor', 'cursor is none that was given here'));
  const found = await jobsAfter(context, { tenant: tenantAsked(call), status, subjectId, after, limit });
  const body: JobList = {
    jobs: found.jobs.map(listing),
    next_cursor: found.next === null ? null : cursorOf(`${found.next.jobId}@${found.next.tenant}`),
  };
  call.json(200, body);
}

async function resetStuckJobs(context: MemoryContext, call: MemoryCall): Promise<void> {
  const subjects = new Map<string, JobPlace & { readonly subjectId: string }>();
  for (const status of NOT_AT_ITS_END) {
    let after: JobPlace | null = null;
    do {
      const asked: JobsAsked = { tenant: tenantAsked(call), status, subjectId: null, after, limit: JOBS_LIMIT_MAX };
      const page: JobPage = await jobsAfter(context, asked);
      for (const { tenant, jobId, row } of page.jobs) {
        subjects.set(subjectKey({ tenant, subjectId: row.subjectId }), { tenant, jobId, subjectId: row.subjectId });
      }
      after = page.next;
    } while (after !== null);
  }
  let reset = 0;
  for (const key of subjects.keys()) {
    const answer = await context.actors.ask(subjectProtocol, key, 'resume', null, askOptions(context));
    if (!answer.ok) return call.refuseFault(answer.fault);
    reset += answer.value.resumed;
  }
  const body: JobsReset = { reset };
  call.json(200, body);
}

async function deleteJob(context: MemoryContext, call: MemoryCall): Promise<void> {
  const { tenant } = call.caller;
  const jobId = call.param;
  const job = await findJob(context, tenant, jobId);
  if (job === null) return call.refuse({ code: 'not_found', message: 'There is no such job.' });
  if ('code' in job) return call.refuseFault(job);
  const key = subjectKey({ tenant, subjectId: job.subjectId });
  const answer = await context.actors.ask(subjectProtocol, key, 'dropJob', { jobId }, askOptions(context));
  const body: JobDeleted = { job_id: jobId, deleted: true };
  if (answer.ok) call.json(200, body);
  else call.refuseFault(answer.fault);
}

type JobsAsked = Parameters<typeof jobsAfter>[1];
type JobPage = Awaited<ReturnType<typeof jobsAfter>>;

async function jobsAfter(
  context: MemoryContext,
  asked: {
    readonly tenant: string | null;
    readonly status: (typeof JOB_STATUSES)[number] | null;
    readonly subjectId: string | null;
    readonly after: JobPlace | null;
    readonly limit: number;
  },
): Promise<{ readonly jobs: readonly ListedJob[]; readonly next: JobPlace | null }> {
  const key = tenantKey(asked.tenant ?? '');
  const answer = await context.actors.ask(tenantProtocol, key, 'jobs', asked, askOptions(context));
  if (!answer.ok) throw new CodedError(answer.fault.code, answer.fault.params);
  return answer.value;
}

/** Null: all of them. */
function tenantAsked(call: MemoryCall): string | null {
  return call.caller.tenant === '' ? null : call.caller.tenant;
}

function jobPlace(cursor: string): JobPlace | undefined {
  const at = cursor.indexOf('@');
  return at === -1 ? undefined : { jobId: cursor.slice(0, at), tenant: cursor.slice(at + 1) };
}

function listing({ tenant, jobId, row }: ListedJob): JobListing {
  return {
    job_id: jobId,
    tenant_id: tenant === '' ? null : tenant,
    subject_id: row.subjectId,
    status: row.status,
    memories_created: row.created,
    error: row.error,
    created_at: timestamp(row.createdAt),
    updated_at: timestamp(row.updatedAt),
  };
}

export const jobRoutes = { listJobs, resetStuckJobs, deleteJob } satisfies Partial<MemoryHandlers>;
