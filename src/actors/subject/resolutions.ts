// Resolutions
//
// How the sessions of a subject stand: open, resolved or not, as they are told.
//
// RS1. A session has one resolution, which keeps its id and its place whatever is told of it later.

import { timestamp } from '../../clock.js';
import type { Resolution } from '../../contract/memory.js';
import { newId } from '../../ids.js';
import { refuse } from '../../runtime/actor.js';
import { digestOf } from './episodes.js';
import { type Context, lifeKey, newLife, type On, PURGING_MAX, putSubject, type ShelfRow } from './state.js';

/** Sessions of one subject that may have one: a listing looks at all of them. */
export const RESOLUTIONS_MAX = 5_000;
const ROWS_AT_ONCE = 100;

const TOO_MANY = refuse('CONFLICT', { reason: `a subject has at most ${RESOLUTIONS_MAX} resolutions` });
const PURGING = refuse('OVERLOADED', { what: `deleted lives of one subject, ${PURGING_MAX}` });

export const resolve: On<'resolve'> = (context, { sessionId, status, summary, metadata }) => {
  const { state, store } = context;
  const { place } = state;
  if (state.row === undefined && state.purging.length >= PURGING_MAX) return PURGING;
  const row = state.row ?? newLife(state, context.now);
  const ofSession = lifeKey('resolution_of', place, row.life, digestOf(sessionId));
  const known = store.get(ofSession) as number | undefined;
  const seq = known ?? row.lastResolution + 1;
  if (seq > RESOLUTIONS_MAX) return TOO_MANY;
  const before = known === undefined ? undefined : readOne(context, row.life, known);
  const now = timestamp(context.now);
  const resolution: Resolution = {
    id: before?.id ?? newId(),
    subject_id: place.subjectId,
    session_id: sessionId,
    status,
    resolution_summary: summary,
    resolved_at: status === 'resolved' ? now : null,
    metadata: metadata === null ? (before?.metadata ?? {}) : (JSON.parse(metadata) as Resolution['metadata']),
    created_at: before?.created_at ?? now,
    updated_at: now,
  };
  const json = JSON.stringify(resolution);
  store.put(lifeKey('resolution', place, row.life, seq), [context.now, json] satisfies ShelfRow);
  if (known === undefined) store.put(ofSession, seq);
  putSubject(context, { ...row, lastResolution: Math.max(row.lastResolution, seq), updatedAt: context.now });
  return { resolution: json };
};

export const resolutions: On<'resolutions'> = (context, { status, offset, limit }) => {
  const found: string[] = [];
  let skipped = 0;
  for (const resolution of allResolutions(context)) {
    if (status !== null && resolution.status !== status) continue;
    if (skipped++ < offset) continue;
    if (found.length === limit) break;
    found.push(JSON.stringify(resolution));
  }
  return { resolutions: found };
};

/** In order; reads as far as it is asked. */
export function* allResolutions(context: Pick<Context, 'state' | 'store'>): Generator<Resolution> {
  const { row, place } = context.state;
  if (row === undefined) return;
  for (let after = 0; ; ) {
    const rows = context.store.range({
      under: lifeKey('resolution', place, row.life),
      limit: ROWS_AT_ONCE,
      ...(after > 0 && { after: lifeKey('resolution', place, row.life, after) }),
    });
    for (const { key, value } of rows) {
      after = Number(key[4]);
      yield JSON.parse((value as ShelfRow)[1]) as Resolution;
    }
    if (rows.length < ROWS_AT_ONCE) return;
  }
}

function readOne(context: Context, life: number, seq: number): Resolution {
  const [, json] = context.store.get(lifeKey('resolution', context.state.place, life, seq)) as ShelfRow;
  return JSON.parse(json) as Resolution;
}
