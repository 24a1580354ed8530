// Episode routes: what is told of subjects.
//
// ER1. Nothing of a request is written before all of it was found good.
// ER2. Episodes of one subject in one request are written together or not at all. Those of different subjects are not: when
//      a part cannot be written the request is refused, and what was written of the others stays.

import { type NewEpisode, type SubjectPlace, subjectKey, subjectProtocol } from '../../actors/subject/protocol.js';
import { CreateEpisode, CreateEpisodes } from '../../contract/memory.js';
import { checker, type MemberFault } from '../../contract/schema.js';
import type { MemoryCall } from './memory-call.js';
import { askOptions, type MemoryContext } from './memory-context.js';
import type { MemoryHandlers } from './memory-door.js';
import { invalidFields, type MemoryFault } from './memory-fault.js';
import { idProblem, readBody, readSubject } from './memory-reader.js';

const oneShape = checker(CreateEpisode);
const batchShape = checker(CreateEpisodes);
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)?$/;
const EMPTY_BAG = '{}';

async function createEpisode(context: MemoryContext, call: MemoryCall): Promise<void> {
  const episode = readBody(call, oneShape);
  if (episode === undefined) return;
  const faults = faultsOf(episode, '');
  if (faults.length > 0) return call.refuse(invalidFields(faults));
  const place = readSubject(call, episode.subject_id);
  if (place === undefined) return;
  const args = { episodes: [newEpisode(episode)] };
  const answer = await context.actors.ask(subjectProtocol, subjectKey(place), 'append', args, askOptions(context));
  if (!answer.ok) return call.refuseFault(answer.fault);
  context.embeddings?.wake(subjectKey(place));
  call.encoded(201, answer.value.episodes[0]!);
}

/** The episodes of a batch for one subject, and where in the batch they stood. */
interface Share {
  readonly place: SubjectPlace;
  readonly episodes: NewEpisode[];
  readonly indexes: number[];
}

async function createEpisodes(context: MemoryContext, call: MemoryCall): Promise<void> {
  const batch = readBody(call, batchShape);
  if (batch === undefined) return;
  const faults = batch.episodes.flatMap((episode, index) => faultsOf(episode, `episodes[${index}].`));
  if (faults.length > 0) return call.refuse(invalidFields(faults));
  const shares = sharesOf(call, batch.episodes);
  if (shares === undefined) return;
  const told: string[] = [];
  let created = 0;
  let fault: MemoryFault | undefined;
  await Promise.all(
    shares.map(async ({ place, episodes, indexes }) => {
      const args = { episodes };
      const answer = await context.actors.ask(subjectProtocol, subjectKey(place), 'append', args, askOptions(context));
      if (!answer.ok) {
        fault ??= { ...unwritten(shares.length), ...(answer.fault.code === 'INTERNAL' && { code: 'internal_error' }) };
        return;
      }
      context.embeddings?.wake(subjectKey(place));
      created += answer.value.created;
      for (const [i, index] of indexes.entries()) told[index] = answer.value.episodes[i]!;
    }),
  );
  if (fault !== undefined) call.refuse(fault);
  else call.encoded(201, `{"episodes_created":${created},"episodes":[${told.join()}]}`);
}

function sharesOf(call: MemoryCall, episodes: readonly CreateEpisode[]): Share[] | undefined {
  const shares = new Map<string, Share>();
  for (const [index, episode] of episodes.entries()) {
    const { subject_id: subjectId } = episode;
    const place = readSubject(call, subjectId, `episodes[${index}].subject_id`);
    if (place === undefined) return undefined;
    const share = shares.get(subjectId) ?? { place, episodes: [], indexes: [] };
    share.episodes.push(newEpisode(episode));
    share.indexes.push(index);
    shares.set(subjectId, share);
  }
  return [...shares.values()];
}

function unwritten(subjects: number): MemoryFault {
  const message =
    subjects === 1
      ? 'The episodes could not be written.'
      : 'The episodes of at least one subject could not be written; send the batch again, with idempotency keys.';
  return { code: 'unavailable', message, retryAfterS: 1 };
}

/** What a description of the shape cannot say. */
function faultsOf(episode: CreateEpisode, prefix: string): MemberFault[] {
  const faults: MemberFault[] = [];
  const ids = {
    subject_id: episode.subject_id,
    session_id: episode.session_id,
    idempotency_key: episode.idempotency_key,
  };
  for (const [name, id] of Object.entries(ids)) {
    const problem = id == null ? undefined : idProblem(id);
    if (problem !== undefined) faults.push({ field: prefix + name, message: `${prefix}${name} ${problem}` });
  }
  if (episode.occurred_at != null && timeOf(episode.occurred_at) === undefined) {
    faults.push({ field: `${prefix}occurred_at`, message: `${prefix}occurred_at must be a time as in RFC 3339` });
  }
  return faults;
}

function newEpisode(episode: CreateEpisode): NewEpisode {
  const { source, type, payload, metadata, provenance, session_id, occurred_at, idempotency_key } = episode;
  return {
    source,
    type,
    payload: JSON.stringify(payload),
    metadata: metadata === undefined ? EMPTY_BAG : JSON.stringify(metadata),
    provenance: provenance === undefined ? EMPTY_BAG : JSON.stringify(provenance),
    sessionId: session_id ?? null,
    occurredAt: occurred_at == null ? null : (timeOf(occurred_at) ?? null),
    idempotencyKey: idempotency_key ?? null,
  };
}

/** Milliseconds since the epoch; a time without a zone is UTC. */
function timeOf(text: string): number | undefined {
  const match = RFC_3339.exec(text);
  if (match === null) return undefined;
  const ms = Date.parse(match[3] === undefined ? `${text.replace(' ', 'T')}Z` : text.replace(' ', 'T'));
  return Number.isNaN(ms) ? undefined : ms;
}

export const episodeRoutes = { createEpisode, createEpisodes } satisfies Partial<MemoryHandlers>;
