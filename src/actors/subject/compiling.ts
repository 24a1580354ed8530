// Compiling
//
// Memories out of episodes, for whoever asks in turn: who waits for the answer, and jobs, which are rows and outlive the
// process.
//
//   request ──▶ queue ──▶ reading: the active memories, a page a turn ──▶ batches: BATCH_EPISODES a turn and a commit ──▶ done
//
// Owns:     the queue, and the memories that the run in hand works with.
// Does not: know how a memory is made (compiler/), or keep jobs (jobs.ts).
//
// CP1. One compile at a time; each takes the episodes that are there when it begins and are not compiled.
// CP2. What a batch makes, what it supersedes, the mark up to where is compiled, and the job that it was for are one commit.
// CP3. A batch that fails marks nothing: its episodes are taken by the next compile.

import { newId } from '../../ids.js';
import { LATER, refuse } from '../../runtime/actor.js';
import { careAfter } from './care.js';
import { COMPILES_WAITING_MAX, type CompileRequest, type Run } from './compile-queue.js';
import { enqueue, tellStep } from './compile-steps.js';
import { type Compiled, compileHeuristically } from './compiler/heuristic.js';
import { keepResuming, readJob } from './job-rows.js';
import { finishJob, progressJob } from './jobs.js';
import { addMemory, changeMemory } from './memories.js';
import { episodeOf, memoryOf } from './record-json.js';
import type { Episode, Memory } from './records.js';
import { type Context, lifeKey, type On, putSubject, type ShelfRow, type SubjectRow } from './state.js';

/** Episodes of one commit, and characters of them. */
export const BATCH_EPISODES = 64;
const BATCH_CHARS = 256 * 1024;
/** Memories read in one turn. */
const MEMORIES_AT_ONCE = 500;

const TOO_MANY = refuse('OVERLOADED', { what: `compiles of one subject, ${COMPILES_WAITING_MAX}` });
const TOLD = refuse('BAD_REQUEST', { reason: 'who compiles asks, and does not tell' });
const FAILED = refuse('INTERNAL');

export const compile: On<'compile'> = (context) => {
  const handle = context.replyHandle();
  if (handle === undefined) return TOLD;
  return enqueue(context, { kind: 'ask', handle }) ? LATER : TOO_MANY;
};

export const step: On<'step'> = (context) => {
  const { compiling, row } = context.state;
  compiling.isStepTold = false;
  const run = compiling.run ?? begin(context);
  if (run !== undefined && row !== undefined) {
    if (run.readTo !== undefined) readActive(context, run, run.readTo);
    else compileBatch(context, run, row);
  }
  if (!compiling.isIdle) tellStep(context);
  return null;
};

/** Takes the next request; those that have nothing to do are answered at once. */
function begin(context: Context): Run | undefined {
  const { compiling, row } = context.state;
  const request = compiling.next();
  if (request === undefined) return undefined;
  // A job that was taken up after a crash goes on counting where it was.
  const { created = 0, firstSeq = null } = request.kind === 'job' ? (readJob(context, request.jobId) ?? {}) : {};
  if (row === undefined || row.compiledTo >= row.lastEpisode) {
    end(context, request, row?.life ?? 0, created, firstSeq);
    return undefined;
  }
  const { life, lastEpisode: upTo } = row;
  compiling.run = { request, life, upTo, active: new Map(), readTo: 0, created, firstSeq };
  return compiling.run;
}

function readActive(context: Context, run: Run, after: number): void {
  const { place } = context.state;
  const rows = context.store.range({
    under: lifeKey('memory', place, run.life),
    limit: MEMORIES_AT_ONCE,
    ...(after > 0 && { after: lifeKey('memory', place, run.life, after) }),
  });
  for (const { key, value } of rows) {
    const memory = memoryOf((value as ShelfRow)[1]);
    run.readTo = Number(key[4]);
    if (memory.status === 'active') run.active.set(memory.id, { seq: run.readTo, memory });
  }
  if (rows.length < MEMORIES_AT_ONCE) run.readTo = undefined;
}

function compileBatch(context: Context, run: Run, before: SubjectRow): void {
  const { episodes, to } = nextBatch(context, run, before.compiledTo);
  let compiled: Compiled;
  try {
    const standing = [...run.active.values()].map(({ memory }) => memory);
    const ttlDays = context.state.rules.kindTtlDays;
    compiled = compileHeuristically(episodes, standing, { nowMs: context.now, newId, ttlDays });
  } catch (error) {
    // A defect of the compiler must not take the subject with it: its other calls go on (CP3).
    context.log.warn('the compiler failed', { error: String(error) });
    context.state.compiling.run = undefined;
    failed(context, run.request);
    return;
  }
  let row = before;
  for (const { id, validTo } of compiled.superseded) {
    const standing = run.active.get(id);
    if (standing === undefined) continue;
    const { seq, memory } = standing;
    const superseded: Memory = { ...memory, status: 'superseded', validTo, updatedAt: context.now };
    row = changeMemory(context, row, seq, memory, superseded);
    run.active.delete(id);
  }
  for (const memory of compiled.created) {
    row = addMemory(context, row, memory);
    run.firstSeq ??= row.lastMemory;
    if (memory.status === 'active') run.active.set(memory.id, { seq: row.lastMemory, memory });
  }
  run.created += compiled.created.length;
  const isDone = to >= run.upTo;
  putSubject(context, {
    ...row,
    compiledTo: to,
    compiles: row.compiles + (isDone ? 1 : 0),
    updatedAt: context.now,
  });
  careAfter(context);
  if (isDone) {
    context.state.compiling.run = undefined;
    end(context, run.request, run.life, run.created, run.firstSeq);
  } else if (run.request.kind === 'job') {
    progressJob(context, run.request.jobId, run.created, run.firstSeq);
    keepResuming(context);
  }
}

function nextBatch(
  context: Context,
  run: Run,
  compiledTo: number,
): { readonly episodes: readonly Episode[]; readonly to: number } {
  const { place } = context.state;
  const episodes: Episode[] = [];
  let to = compiledTo;
  let chars = 0;
  while (to < run.upTo && episodes.length < BATCH_EPISODES && chars < BATCH_CHARS) {
    to++;
    const row = context.store.get(lifeKey('episode', place, run.life, to)) as ShelfRow | undefined;
    if (row === undefined) continue;
    episodes.push(episodeOf(row[1]));
    chars += row[1].length;
  }
  return { episodes, to };
}

function end(context: Context, request: CompileRequest, life: number, created: number, firstSeq: number | null): void {
  if (request.kind === 'ask') context.reply(request.handle, { life, created, firstSeq });
  else finishJob(context, request.jobId, created, firstSeq);
}

function failed(context: Context, request: CompileRequest): void {
  if (request.kind === 'ask') context.reply(request.handle, FAILED);
  else finishJob(context, request.jobId, 0, null, 'The compiler failed; see the log.');
}
