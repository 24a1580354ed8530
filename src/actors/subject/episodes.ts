// Episodes
//
// What is told of a subject, as it was told: appended, and read in order.
//
// E1. The episodes of one append are written together or not at all.
// E2. An idempotency key is good for the life of its subject: a repeat is given the first episode, and writes nothing.

import { createHash } from 'node:crypto';
import { timestamp } from '../../clock.js';
import { newId } from '../../ids.js';
import { refuse } from '../../runtime/actor.js';
import type { NewEpisode, RecordPage, StoredRecord, SubjectPlace } from './protocol.js';
import { episodeOf } from './record-json.js';
import type { MemoryKind } from './records.js';
import { lifeKey, newLife, type On, PURGING_MAX, putSubject, type ShelfRow } from './state.js';

/** A page ends with the record that reaches this many characters. */
export const PAGE_CHARS = 1024 * 1024;
/** Rows read at once: a record can be of megabytes. */
const ROWS_AT_ONCE = 16;
/** Memories looked at for the newest of a kind. */
const LOOKED_AT_MAX = 2_000;

const PURGING = refuse('OVERLOADED', { what: `deleted lives of one subject, ${PURGING_MAX}` });

export const append: On<'append'> = (context, { episodes }) => {
  const { state, store } = context;
  if (state.row === undefined && state.purging.length >= PURGING_MAX) return PURGING;
  let row = state.row ?? newLife(state, context.now);
  const { place, recall } = state;
  const told: string[] = [];
  let created = 0;
  for (const episode of episodes) {
    const keyRow =
      episode.idempotencyKey === null
        ? undefined
        : lifeKey('episode_key', place, row.life, digestOf(episode.idempotencyKey));
    const first = keyRow === undefined ? undefined : (store.get(keyRow) as number | undefined);
    if (first !== undefined) {
      const [, json] = store.get(lifeKey('episode', place, row.life, first)) as ShelfRow;
      told.push(json);
      continue;
    }
    const seq = row.lastEpisode + 1;
    const json = episodeJson(newId(), place, episode, context.now);
    store.put(lifeKey('episode', place, row.life, seq), [context.now, json] satisfies ShelfRow);
    if (keyRow !== undefined) store.put(keyRow, seq);
    row = { ...row, episodes: row.episodes + 1, bytes: row.bytes + Buffer.byteLength(json), lastEpisode: seq };
    told.push(json);
    created++;
    if (recall?.isReady === true) recall.addEpisode(seq, episodeOf(json));
  }
  if (created > 0) putSubject(context, { ...row, updatedAt: context.now });
  return { episodes: told, created };
};

export const read: On<'read'> = (context, { shelf, life, after, limit, newestFirst }): RecordPage => {
  const { row, place } = context.state;
  if (row === undefined || (life !== null && life !== row.life)) return { life: null, records: [], more: false };
  const records: StoredRecord[] = [];
  let chars = 0;
  let last = after;
  for (;;) {
    const asked = Math.min(ROWS_AT_ONCE, limit + 1 - records.length);
    const rows = context.store.range({
      under: lifeKey(shelf, place, row.life),
      limit: asked,
      ...(last > 0 && { after: lifeKey(shelf, place, row.life, last) }),
      reverse: newestFirst,
    });
    for (const { key, value } of rows) {
      if (records.length === limit || chars >= PAGE_CHARS) return { life: row.life, records, more: true };
      const [at, json] = value as ShelfRow;
      last = Number(key[4]);
      chars += json.length;
      records.push({ seq: last, at, json });
    }
    if (rows.length < asked) return { life: row.life, records, more: false };
  }
};

/** Of the last LOOKED_AT_MAX memories, the newest that are valid now. */
export const newest: On<'newest'> = (context, { kind, limit }) => {
  const { row, place } = context.state;
  const memories: string[] = [];
  if (row === undefined) return { memories };
  let after: number | undefined;
  for (let looked = 0; looked < LOOKED_AT_MAX && memories.length < limit; looked += ROWS_AT_ONCE) {
    const rows = context.store.range({
      under: lifeKey('memory', place, row.life),
      limit: ROWS_AT_ONCE,
      ...(after !== undefined && { after: lifeKey('memory', place, row.life, after) }),
      reverse: true,
    });
    for (const { key, value } of rows) {
      after = Number(key[4]);
      const [, json] = value as ShelfRow;
      if (memories.length < limit && isShown(json, kind, context.now)) memories.push(json);
    }
    if (rows.length < ROWS_AT_ONCE) break;
  }
  return { memories };
};

function isShown(json: string, kind: MemoryKind | null, now: number): boolean {
  const memory = JSON.parse(json) as { kind: MemoryKind; status: string; valid_to: string | null };
  if (memory.status !== 'active' || (kind !== null && memory.kind !== kind)) return false;
  return memory.valid_to === null || Date.parse(memory.valid_to) > now;
}

/** A client's text of any length as a part of a key. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function episodeJson(id: string, { subjectId }: SubjectPlace, episode: NewEpisode, now: number): string {
  const { source, type, payload, metadata, provenance, sessionId, occurredAt } = episode;
  const head = `{"id":"${id}","subject_id":${JSON.stringify(subjectId)},"source":${JSON.stringify(source)}`;
  const bags = `"payload":${payload},"metadata":${metadata},"provenance":${provenance}`;
  const times = `"created_at":"${timestamp(now)}"${occurredAt === null ? '' : `,"occurred_at":"${timestamp(occurredAt)}"`}`;
  return `${head},"type":${JSON.stringify(type)},${bags},"session_id":${JSON.stringify(sessionId)},${times}}`;
}
