// Document worker
//
// Reads a document of up to 50 MiB: parses it, holds it to its description and its checksum, and takes it apart into the
// records that are stored. The file of a thread of its own: it takes a second, in which no socket may wait.

import { type DocumentFault, type PortableData, readdressed, readExport } from '../../actors/subject/portable.js';
import type { Json, JsonObject } from '../../actors/subject/records.js';
import { timestamp } from '../../clock.js';
import { decodeUtf8 } from '../../contract/text.js';
import { newId } from '../../ids.js';
import { isWithinDepth } from '../http/json-structure.js';

/** Of one record, as it is stored. */
const RECORD_BYTES_MAX = 4 * 1024 * 1024;
/** Those of a record, and what is around it. */
const DOCUMENT_DEPTH_MAX = 258;
const LINE_END = '\n';

export interface DocumentJob {
  readonly bytes: Uint8Array;
  /** Null: the document's own. */
  readonly subjectId: string | null;
  readonly remap: boolean;
}

/** Records in their order: a line of JSON each, and when each was made. */
export interface PackedRecords {
  readonly lines: Uint8Array;
  readonly ats: Float64Array;
}

export type DocumentResult =
  | { readonly ok: false; readonly faults: readonly DocumentFault[] }
  | {
      readonly ok: true;
      readonly subjectId: string;
      readonly episodes: PackedRecords;
      readonly memories: PackedRecords;
      readonly resolutions: PackedRecords;
      /** Of how many episodes, from the first on, something was learned. */
      readonly compiledTo: number;
    };

export default function readDocument({ bytes, subjectId, remap }: DocumentJob): DocumentResult {
  const text = decodeUtf8(bytes);
  if (text === undefined) return refused('the body', 'the body is not UTF-8');
  if (!isWithinDepth(bytes, DOCUMENT_DEPTH_MAX)) return refused('the body', 'the body is nested too deep');
  let document: Json;
  try {
    document = JSON.parse(text) as Json;
  } catch {
    // SyntaxError is all that it throws; its message would quote the body.
    return refused('the body', 'the body is not JSON');
  }
  const read = readExport(document);
  if (!read.ok) return read;
  const target = subjectId ?? read.subjectId;
  return packed(target, readdressed(read.data, target, remap ? newId : undefined));
}

function packed(subjectId: string, { episodes, memories, resolutions }: PortableData): DocumentResult {
  const inTime = (a: JsonObject, b: JsonObject) => madeAt(a) - madeAt(b);
  const told = episodes.toSorted(inTime);
  const learned = memories.toSorted(inTime);
  const sources = new Set(learned.flatMap(({ source_episode_ids }) => source_episode_ids as readonly string[]));
  const shelves = {
    episodes: pack(told.map(episodeRecord), told),
    memories: pack(learned.map(memoryRecord), learned),
    resolutions: pack(resolutions.map(resolutionRecord), resolutions),
  };
  for (const [name, shelf] of Object.entries(shelves)) {
    if (shelf === undefined) return refused(name, `a record of ${name} is larger than ${RECORD_BYTES_MAX} bytes`);
  }
  const { episodes: e, memories: m, resolutions: r } = shelves;
  const compiledTo = told.findLastIndex(({ id }) => sources.has(String(id))) + 1;
  return { ok: true, subjectId, episodes: e!, memories: m!, resolutions: r!, compiledTo };
}

/** Undefined when one is too large. */
function pack(records: readonly JsonObject[], sources: readonly JsonObject[]): PackedRecords | undefined {
  const lines: Buffer[] = [];
  for (const record of records) {
    const line = Buffer.from(JSON.stringify(record) + LINE_END);
    if (line.length > RECORD_BYTES_MAX) return undefined;
    lines.push(line);
  }
  return { lines: Buffer.concat(lines), ats: Float64Array.from(sources, madeAt) };
}

function episodeRecord(row: JsonObject): JsonObject {
  const { id, subject_id, source, type, payload, metadata, provenance } = row as Record<string, Json>;
  return {
    id: id!,
    subject_id: subject_id!,
    source: source!,
    type: type!,
    payload: payload!,
    metadata: metadata!,
    provenance: provenance!,
    session_id: row.session_id ?? null,
    created_at: utc(row.created_at),
    ...(row.occurred_at != null && { occurred_at: utc(row.occurred_at) }),
  };
}

function memoryRecord(row: JsonObject): JsonObject {
  const { id, subject_id, kind, content, summary, confidence } = row as Record<string, Json>;
  return {
    id: id!,
    subject_id: subject_id!,
    kind: kind!,
    content: content!,
    summary: summary!,
    confidence: confidence!,
    valid_from: utc(row.valid_from),
    valid_to: row.valid_to == null ? null : utc(row.valid_to),
    source_episode_ids: row.source_episode_ids!,
    metadata: row.metadata!,
    status: row.status!,
    sensitivity_labels: row.sensitivity_labels ?? [],
    created_at: utc(row.created_at),
    updated_at: utc(row.updated_at),
  };
}

function resolutionRecord(row: JsonObject): JsonObject {
  return {
    id: row.id!,
    subject_id: row.subject_id!,
    session_id: row.session_id!,
    status: row.status!,
    resolution_summary: row.resolution_summary ?? null,
    resolved_at: row.resolved_at == null ? null : utc(row.resolved_at),
    metadata: row.metadata!,
    created_at: utc(row.created_at),
    updated_at: utc(row.updated_at),
  };
}

function madeAt({ created_at }: JsonObject): number {
  return Date.parse(String(created_at));
}

function utc(time: Json | undefined): string {
  return timestamp(Date.parse(String(time)));
}

function refused(field: string, message: string): DocumentResult {
  return { ok: false, faults: [{ field, message }] };
}
