// Compile routes: memories out of episodes, now or as a job.

import { type CompileOutcome, type JobRow, subjectKey, subjectProtocol } from '../../actors/subject/protocol.js';
import { tenantKey, tenantProtocol } from '../../actors/tenant/protocol.js';
import { CompileRequest } from '../../contract/memory.js';
import { checker } from '../../contract/schema.js';
import type { Fault } from '../../errors.js';
import { newId } from '../../ids.js';
import type { MemoryCall } from './memory-call.js';
import { askOptions, type MemoryContext } from './memory-context.js';
import type { MemoryHandlers } from './memory-door.js';
import type { MemoryFault } from './memory-fault.js';
import { readBody, readSubject } from './memory-reader.js';
import { gather } from './record-pages.js';

const shape = checker(CompileRequest);
/** Memories told in one answer; the others are in the timeline. */
const TOLD_MAX = 5_000;
const TOLD_CHARS_MAX = 16 * 1024 * 1024;
const JOB_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const NO_JOB: MemoryFault = { code: 'not_found', message: 'There is no such job.' };

async function compile(context: MemoryContext, call: MemoryCall): Promise<void> {
  const request = readBody(call, shape);
  if (request === undefined) return;
  const place = readSubject(call, request.subject_id);
  if (place === undefined) return;
  const subject_id = place.subjectId;
  if (request.async === true) {
    const job_id = newId();
    const args = { jobId: job_id };
    const started = await context.actors.ask(subjectProtocol, subjectKey(place), 'startJob', args, askOptions(context));
    if (started.ok) call.json(202, { job_id, status: 'pending', subject_id });
    else call.refuseFault(started.fault);
    return;
  }
  const answer = await context.actors.ask(subjectProtocol, subjectKey(place), 'compile', null, askOptions(context));
  if (!answer.ok) return call.refuseFault(answer.fault);
  context.embeddings?.wake(subjectKey(place));
  const memories = await memoriesOf(context, call, subject_id, answer.value);
  if (typeof memories === 'object') return call.refuseFault(memories);
  const head = `"subject_id":${JSON.stringify(subject_id)},"memories_created":${answer.value.created}`;
  call.encoded(200, `{${head},"memories":${memories}}`);
}

async function compileJob(context: MemoryContext, call: MemoryCall): Promise<void> {
  const { tenant, ownSubject } = call.caller;
  const jobId = call.param;
  const job = await findJob(context, tenant, jobId);
  if (job !== null && 'code' in job) return call.refuseFault(job);
  if (job === null || (ownSubject !== null && ownSubject !== job.subjectId)) return call.refuse(NO_JOB);
  const { status, subjectId, error } = job;
  const head = `"job_id":"${jobId}","status":"${status}","subject_id":${JSON.stringify(subjectId)}`;
  if (status === 'failed') return call.encoded(200, `{${head},"error":${JSON.stringify(error)}}`);
  if (status !== 'completed') return call.encoded(200, `{${head}}`);
  const memories = await memoriesOf(context, call, subjectId, job);
  if (typeof memories === 'object') return call.refuseFault(memories);
  call.encoded(200, `{${head},"memories_created":${job.created},"memories":${memories}}`);
}

/** The job of this tenant: null where it has none with that id. */
export async function findJob(context: MemoryContext, tenant: string, jobId: string): Promise<JobRow | Fault | null> {
  if (!JOB_ID.test(jobId)) return null;
  const args = { tenant, jobId };
  const answer = await context.actors.ask(tenantProtocol, tenantKey(tenant), 'job', args, askOptions(context));
  return answer.ok ? answer.value.job : answer.fault;
}

/** The JSON of a list. */
async function memoriesOf(
  context: MemoryContext,
  call: MemoryCall,
  subjectId: string,
  { life, created, firstSeq }: CompileOutcome,
): Promise<string | Fault> {
  if (firstSeq === null) return '[]';
  const found = await gather(context, {
    place: { tenant: call.caller.tenant, subjectId },
    shelf: 'memory',
    life,
    after: firstSeq - 1,
    limit: Math.min(created, TOLD_MAX),
    charsMax: TOLD_CHARS_MAX,
  });
  return 'code' in found ? found : `[${found.texts.join()}]`;
}

export const compileRoutes = { compile, compileJob } satisfies Partial<MemoryHandlers>;
