// Portable
//
// A subject as one JSON document, and such a document read again: checked member by member, and its checksum.
//
// The checksum is the SHA-256, in hexadecimal, of the canonical JSON of {"episodes", "memories", "resolutions"} in UTF-8. Canonical is as
// in RFC 8785: members sorted by the UTF-16 code units of their names, no white space, numbers and strings as ECMAScript writes
// them. A lone surrogate, which RFC 8785 refuses, is written as JSON escapes it.
//
// PD1. What exportDocument wrote, readExport takes, and gives the same records.
// PD2. A document with a fault in any member, or another checksum than its data has, is refused with all its faults, at most FAULTS_MAX.
// PD3. Remapped, every id is a new one, and every reference within the document follows; a reference out of it is dropped.

import { createHash } from 'node:crypto';
import { isObject } from './compiler/spoken.js';
import type { Json, JsonObject } from './records.js';

export const FORMAT_VERSION = '1.0';
export const FAULTS_MAX = 100;

export interface PortableData {
  /** Records as the wire has them. */
  readonly episodes: readonly JsonObject[];
  readonly memories: readonly JsonObject[];
  readonly resolutions: readonly JsonObject[];
}

export interface ExportDocument extends PortableData {
  readonly format_version: typeof FORMAT_VERSION;
  readonly exported_at: string;
  readonly subject_id: string;
  readonly counts: { readonly episodes: number; readonly memories: number; readonly resolutions: number };
  readonly checksum: string;
}

export interface DocumentFault {
  /** As `memories[3].valid_from`. */
  readonly field: string;
  readonly message: string;
}

export type ReadDocument =
  | { readonly ok: true; readonly subjectId: string; readonly data: PortableData }
  | { readonly ok: false; readonly faults: readonly DocumentFault[] };

export function exportDocument(subjectId: string, data: PortableData, exportedAt: string): ExportDocument {
  const { episodes, memories, resolutions } = data;
  return {
    format_version: FORMAT_VERSION,
    exported_at: exportedAt,
    subject_id: subjectId,
    counts: { episodes: episodes.length, memories: memories.length, resolutions: resolutions.length },
    episodes,
    memories,
    resolutions,
    checksum: checksumOf(data),
  };
}

/** Some 20 ms for a megabyte. */
export function checksumOf({ episodes, memories, resolutions }: PortableData): string {
  const hash = createHash('sha256');
  // In pieces, so that the canonical text of 50 MiB is never one string.
  let separator = '{"episodes":[';
  for (const [next, records] of [
    ['],"memories":[', episodes],
    ['],"resolutions":[', memories],
    [']}', resolutions],
  ] as const) {
    hash.update(separator);
    for (let at = 0; at < records.length; at++) hash.update(`${at === 0 ? '' : ','}${canonicalJson(records[at]!)}`);
    separator = next;
  }
  return hash.update(separator).digest('hex');
}

/** JSON as RFC 8785 writes it, of any depth: what is still to be written stands on a stack of our own. */
export function canonicalJson(value: Json): string {
  const written: string[] = [];
  const left: (string | { readonly value: Json })[] = [{ value }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (typeof next === 'string') written.push(next);
    else if (Array.isArray(next.value)) putRow(left, '[', ']', next.value as readonly Json[], () => '');
    else if (isObject(next.value)) {
      const members = next.value;
      // Sorting without a comparison is by code units, as the RFC wants it.
      const names = Object.keys(members).sort();
      const values = names.map((name) => members[name]!);
      putRow(left, '{', '}', values, (at) => `${JSON.stringify(names[at])}:`);
    } else written.push(JSON.stringify(next.value));
  }
  return written.join('');
}

/** Puts a row on the stack: its end first, since the last put is written first. */
function putRow(
  left: (string | { readonly value: Json })[],
  opens: string,
  closes: string,
  values: readonly Json[],
  head: (at: number) => string,
): void {
  left.push(closes);
  for (let at = values.length - 1; at >= 0; at--)
    left.push({ value: values[at]! }, `${at === 0 ? '' : ','}${head(at)}`);
  left.push(opens);
}

export function readExport(document: Json): ReadDocument {
  const faults = new Faults();
  if (!isObject(document)) return { ok: false, faults: [{ field: '', message: 'must be an object' }] };
  if (document.format_version !== FORMAT_VERSION) faults.add('format_version', `must be "${FORMAT_VERSION}"`);
  faults.text(document, '', 'subject_id', 256);
  const episodes = records(document, 'episodes', faults, checkEpisode);
  const memories = records(document, 'memories', faults, checkMemory);
  // Documents of other servers have none.
  const resolutions =
    document.resolutions === undefined ? [] : records(document, 'resolutions', faults, checkResolution);
  const data = { episodes, memories, resolutions };
  checkCounts(document, data, faults);
  if (faults.none) checkIds(data, faults);
  // A record of the wrong shape is told of as that, not as a wrong sum.
  if (faults.none && document.checksum !== checksumOf(data)) faults.add('checksum', 'is not that of the data');
  if (!faults.none) return { ok: false, faults: faults.all };
  return { ok: true, subjectId: String(document.subject_id), data };
}

class Faults {
  readonly all: DocumentFault[] = [];

  get none(): boolean {
    return this.all.length === 0;
  }

  add(field: string, message: string): void {
    if (this.all.length < FAULTS_MAX) this.all.push({ field, message });
  }

  text(record: JsonObject, path: string, member: string, charsMax: number, optional = false): void {
    const value = record[member];
    if (optional && (value === undefined || value === null)) return;
    if (typeof value !== 'string') this.add(`${path}${member}`, 'must be a string');
    else if (value.length === 0 || value.length > charsMax)
      this.add(`${path}${member}`, `must have 1 to ${charsMax} characters`);
  }

  time(record: JsonObject, path: string, member: string, optional = false): void {
    const value = record[member];
    if (optional && (value === undefined || value === null)) return;
    const isTime =
      typeof value === 'string' &&
      /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}/.test(value) &&
      !Number.isNaN(Date.parse(value));
    if (!isTime) this.add(`${path}${member}`, 'must be a time of RFC 3339');
  }

  bag(record: JsonObject, path: string, member: string): void {
    if (!isObject(record[member])) this.add(`${path}${member}`, 'must be an object');
  }

  oneOf(record: JsonObject, path: string, member: string, known: readonly string[]): void {
    if (!known.includes(String(record[member]))) this.add(`${path}${member}`, `must be one of ${known.join(', ')}`);
  }
}

type Check = (record: JsonObject, path: string, faults: Faults) => void;

function records(document: JsonObject, member: string, faults: Faults, check: Check): readonly JsonObject[] {
  const rows = document[member];
  if (!Array.isArray(rows)) {
    faults.add(member, 'must be an array');
    return [];
  }
  return (rows as readonly Json[]).flatMap((row, at) => {
    if (!isObject(row)) {
      faults.add(`${member}[${at}]`, 'must be an object');
      return [];
    }
    check(row, `${member}[${at}].`, faults);
    return [row];
  });
}

const ID_CHARS_MAX = 128;

const checkEpisode: Check = (row, path, faults) => {
  faults.text(row, path, 'id', ID_CHARS_MAX);
  faults.text(row, path, 'source', 256);
  faults.text(row, path, 'type', 128);
  for (const member of ['payload', 'metadata', 'provenance']) faults.bag(row, path, member);
  faults.text(row, path, 'session_id', 256, true);
  faults.time(row, path, 'created_at');
  faults.time(row, path, 'occurred_at', true);
};

const checkMemory: Check = (row, path, faults) => {
  faults.text(row, path, 'id', ID_CHARS_MAX);
  faults.oneOf(row, path, 'kind', ['profile_fact', 'procedure', 'episode_summary', 'artifact_ref']);
  faults.oneOf(row, path, 'status', ['active', 'superseded', 'tombstoned']);
  for (const member of ['content', 'summary'])
    if (typeof row[member] !== 'string') faults.add(`${path}${member}`, 'must be a string');
  const { confidence } = row;
  if (typeof confidence !== 'number' || confidence < 0 || confidence > 1)
    faults.add(`${path}confidence`, 'must be a number from 0 to 1');
  faults.bag(row, path, 'metadata');
  strings(row, path, 'source_episode_ids', faults);
  if (row.sensitivity_labels !== undefined) strings(row, path, 'sensitivity_labels', faults);
  for (const member of ['valid_from', 'created_at', 'updated_at']) faults.time(row, path, member);
  faults.time(row, path, 'valid_to', true);
};

const checkResolution: Check = (row, path, faults) => {
  faults.text(row, path, 'id', ID_CHARS_MAX);
  faults.text(row, path, 'session_id', 256);
  faults.oneOf(row, path, 'status', ['open', 'resolved', 'unresolved']);
  const { resolution_summary: summary } = row;
  if (summary !== null && typeof summary !== 'string')
    faults.add(`${path}resolution_summary`, 'must be a string or null');
  faults.bag(row, path, 'metadata');
  faults.time(row, path, 'resolved_at', true);
  for (const member of ['created_at', 'updated_at']) faults.time(row, path, member);
};

function strings(row: JsonObject, path: string, member: string, faults: Faults): void {
  const value = row[member];
  if (!Array.isArray(value) || value.some((one) => typeof one !== 'string'))
    faults.add(`${path}${member}`, 'must be an array of strings');
}

function checkCounts(document: JsonObject, data: PortableData, faults: Faults): void {
  const { counts } = document;
  if (!isObject(counts)) {
    faults.add('counts', 'must be an object');
    return;
  }
  for (const member of ['episodes', 'memories', 'resolutions'] as const) {
    if (member === 'resolutions' && counts[member] === undefined && document.resolutions === undefined) continue;
    if (counts[member] !== data[member].length) faults.add(`counts.${member}`, `must be ${data[member].length}`);
  }
}

function checkIds(data: PortableData, faults: Faults): void {
  for (const [member, key] of [
    ['episodes', 'id'],
    ['memories', 'id'],
    ['resolutions', 'session_id'],
  ] as const) {
    const seen = new Set<Json | undefined>();
    for (const [at, row] of data[member].entries()) {
      if (seen.has(row[key])) faults.add(`${member}[${at}].${key}`, 'is there twice');
      seen.add(row[key]);
    }
  }
}

/** The records as those of `subjectId`, with new ids when `newId` is given (PD3). */
export function readdressed(data: PortableData, subjectId: string, newId?: () => string): PortableData {
  const own = (row: JsonObject): JsonObject => ({ ...row, subject_id: subjectId });
  const { episodes, memories, resolutions } = data;
  if (newId === undefined) {
    return { episodes: episodes.map(own), memories: memories.map(own), resolutions: resolutions.map(own) };
  }
  const ids = new Map(episodes.map(({ id }) => [id, newId()]));
  return {
    episodes: episodes.map((row) => ({ ...own(row), id: ids.get(row.id)! })),
    memories: memories.map((row) => {
      const sources = (row.source_episode_ids as readonly string[]).flatMap((id) => ids.get(id) ?? []);
      return { ...own(row), id: newId(), source_episode_ids: sources };
    }),
    resolutions: resolutions.map((row) => ({ ...own(row), id: newId() })),
  };
}
