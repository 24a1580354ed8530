// Portable routes: a subject as one document, and a subject out of one.
//
// PR1. A document is of one life of its subject: deleted meanwhile, there is none.
// PR2. Work on a document is done in slices of SLICE_MS, or in another thread: others are answered in between.

import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { canonicalJson, FORMAT_VERSION } from '../../actors/subject/portable.js';
import { type ImportedRecord, type SubjectPlace, subjectKey, subjectProtocol } from '../../actors/subject/protocol.js';
import type { Json } from '../../actors/subject/records.js';
import { type Clock, timestamp } from '../../clock.js';
import { IMPORT_BYTES_MAX, type Imported } from '../../contract/memory.js';
import { CodedError, type Fault } from '../../errors.js';
import type { DocumentResult, PackedRecords } from './document-worker.js';
import type { MemoryCall } from './memory-call.js';
import { askOptions, type MemoryContext } from './memory-context.js';
import type { MemoryHandlers } from './memory-door.js';
import { invalidFields, type MemoryFault } from './memory-fault.js';
import { readPathSubject, readQueryChoice, readQueryText, readSubject } from './memory-reader.js';
import { gather } from './record-pages.js';

/** The worker file of the thread that reads documents. */
export const documentWorkerUrl = new URL('./document-worker.js', import.meta.url);

const SLICE_MS = 4;
/** One part of an import: a mailbox holds several. */
const PART_BYTES = 512 * 1024;
const PART_RECORDS = 256;
const RESOLUTIONS_AT_ONCE = 500;
const LINE_END = 0x0a;

const NO_SUBJECT: MemoryFault = { code: 'not_found', message: 'There is no such subject.' };
const TOO_LARGE: MemoryFault = {
  code: 'payload_too_large',
  message: `The document would have more than ${IMPORT_BYTES_MAX} bytes, which no import takes.`,
};

async function exportSubject(context: MemoryContext, call: MemoryCall): Promise<void> {
  const place = readPathSubject(call);
  if (place === undefined) return;
  const all = { place, after: 0, limit: Number.POSITIVE_INFINITY, charsMax: IMPORT_BYTES_MAX };
  const episodes = await gather(context, { ...all, shelf: 'episode', life: null });
  if ('code' in episodes) return call.refuseFault(episodes);
  const memories = await gather(context, { ...all, shelf: 'memory', life: episodes.life });
  if ('code' in memories) return call.refuseFault(memories);
  const resolutions = await resolutionsOf(context, place);
  const still = await gather(context, { ...all, shelf: 'episode', life: episodes.life, limit: 1 });
  if ('code' in still) return call.refuseFault(still);
  if (episodes.life === null || still.life === null) return call.refuse(NO_SUBJECT);
  const lists = { episodes: episodes.texts, memories: memories.texts, resolutions };
  const checksum = await checksumOf(context.clock, lists);
  const counts = {
    episodes: episodes.texts.length,
    memories: memories.texts.length,
    resolutions: resolutions.length,
  };
  const exportedAt = timestamp(context.clock.now());
  const head = `"format_version":"${FORMAT_VERSION}","exported_at":"${exportedAt}","subject_id":${JSON.stringify(place.subjectId)}`;
  const records = Object.entries(lists).map(([name, texts]) => `"${name}":[${texts.join()}]`);
  const document = `{${head},"counts":${JSON.stringify(counts)},${records.join()},"checksum":"${checksum}"}`;
  if (episodes.more || memories.more || Buffer.byteLength(document) > IMPORT_BYTES_MAX) return call.refuse(TOO_LARGE);
  call.encoded(200, document);
}

async function resolutionsOf(context: MemoryContext, place: SubjectPlace): Promise<readonly string[]> {
  const texts: string[] = [];
  for (;;) {
    const args = { status: null, offset: texts.length, limit: RESOLUTIONS_AT_ONCE };
    const answer = await context.actors.ask(
      subjectProtocol,
      subjectKey(place),
      'resolutions',
      args,
      askOptions(context),
    );
    if (!answer.ok) throw new CodedError(answer.fault.code, answer.fault.params);
    texts.push(...answer.value.resolutions);
    if (answer.value.resolutions.length < RESOLUTIONS_AT_ONCE) return texts;
  }
}

/** As portable.ts describes it, out of texts, a slice at a time. */
export async function checksumOf(clock: Clock, lists: Readonly<Record<string, readonly string[]>>): Promise<string> {
  const hash = createHash('sha256');
  let until = clock.monotonic() + SLICE_MS;
  let opens = '{';
  for (const [name, texts] of Object.entries(lists)) {
    hash.update(`${opens}"${name}":[`);
    opens = '],';
    for (const [at, text] of texts.entries()) {
      hash.update(`${at === 0 ? '' : ','}${canonicalJson(JSON.parse(text) as Json)}`);
      if (clock.monotonic() < until) continue;
      await nextTurn();
      until = clock.monotonic() + SLICE_MS;
    }
  }
  return hash.update(']}').digest('hex');
}

async function importSubject(context: MemoryContext, call: MemoryCall): Promise<void> {
  const subjectId = readQueryText(call, 'subject_id');
  if (subjectId === undefined) return;
  const remap = readQueryChoice(call, 'remap_ids', ['true', 'false']);
  if (remap === undefined) return;
  if (subjectId !== null && readSubject(call, subjectId) === undefined) return;
  const read = await context.documents.run({ bytes: call.body, subjectId, remap: remap === 'true' });
  if (!read.ok) return call.refuse(invalidFields([...read.faults]));
  const place = readSubject(call, read.subjectId);
  if (place === undefined) return;
  const begun = await context.actors.ask(subjectProtocol, subjectKey(place), 'beginImport', null, askOptions(context));
  if (!begun.ok) return call.refuseFault(begun.fault);
  const { life } = begun.value;
  const fault = await bringIn(context, place, life, read);
  if (fault !== undefined) {
    context.actors.tell(subjectProtocol, subjectKey(place), 'abandonImport', { life });
    return call.refuseFault(fault);
  }
  const args = { life, compiledTo: read.compiledTo };
  const ended = await context.actors.ask(subjectProtocol, subjectKey(place), 'endImport', args, askOptions(context));
  if (!ended.ok) return call.refuseFault(ended.fault);
  const body: Imported = {
    subject_id: place.subjectId,
    episodes_imported: ended.value.episodes,
    memories_imported: ended.value.memories,
    resolutions_imported: ended.value.resolutions,
  };
  call.json(200, body);
}

/** Gives why not all of it was taken. */
async function bringIn(
  context: MemoryContext,
  place: SubjectPlace,
  life: number,
  { episodes, memories, resolutions }: Extract<DocumentResult, { ok: true }>,
): Promise<Fault | undefined> {
  const shelves = { episode: episodes, memory: memories, resolution: resolutions } as const;
  for (const shelf of ['episode', 'memory', 'resolution'] as const) {
    for (const records of partsOf(shelves[shelf], shelf === 'resolution')) {
      const args = { life, shelf, records };
      const key = subjectKey(place);
      const answer = await context.actors.ask(subjectProtocol, key, 'importPart', args, askOptions(context));
      if (!answer.ok) return answer.fault;
    }
  }
  return undefined;
}

function* partsOf({ lines, ats }: PackedRecords, areResolutions: boolean): Generator<readonly ImportedRecord[]> {
  const bytes = Buffer.from(lines.buffer, lines.byteOffset, lines.length);
  let part: ImportedRecord[] = [];
  let partBytes = 0;
  let from = 0;
  for (const at of ats) {
    const to = bytes.indexOf(LINE_END, from);
    const json = bytes.toString('utf8', from, to);
    partBytes += to - from;
    from = to + 1;
    const sessionId = areResolutions ? (JSON.parse(json) as { session_id: string }).session_id : null;
    part.push({ at, json, sessionId });
    if (part.length < PART_RECORDS && partBytes < PART_BYTES) continue;
    yield part;
    part = [];
    partBytes = 0;
  }
  if (part.length > 0) yield part;
}

export const portableRoutes = { exportSubject, importSubject } satisfies Partial<MemoryHandlers>;
