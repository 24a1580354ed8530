// Subject routes: what is kept of subjects, read and deleted.

import { subjectKey, subjectProtocol } from '../../actors/subject/protocol.js';
import { tenantKey, tenantProtocol } from '../../actors/tenant/protocol.js';
import {
  LIMIT_MAX,
  SUBJECT_ID_CHARS_MAX,
  SUBJECTS_LIMIT_DEFAULT,
  SUBJECTS_LIMIT_MAX,
  type SubjectDeleted,
  type SubjectList,
} from '../../contract/memory.js';
import { cursorOf } from '../kernel/page-cursor.js';
import type { MemoryCall } from './memory-call.js';
import { askOptions, type MemoryContext } from './memory-context.js';
import type { MemoryHandlers } from './memory-door.js';
import { invalid } from './memory-fault.js';
import { readCursor, readPathSubject, readQueryNumber, readQuerySubject } from './memory-reader.js';
import { gather } from './record-pages.js';

/** Of a timeline that is asked for whole: then it says that there is more, and where to go on. */
const TIMELINE_CHARS_MAX = 16 * 1024 * 1024;
const CURSOR_BYTES_MAX = 64;
const OFFSET_MAX = 1_000_000_000;

/** Where a timeline goes on: behind these seqs, in this life of the subject. */
interface TimelinePlace {
  readonly life: number | null;
  readonly episode: number;
  readonly memory: number;
}

async function timeline(context: MemoryContext, call: MemoryCall): Promise<void> {
  const subject = readQuerySubject(call);
  if (subject === undefined) return;
  const limit = readQueryNumber(call, 'limit', { min: 1, max: LIMIT_MAX, fallback: Number.POSITIVE_INFINITY });
  if (limit === undefined) return;
  const from = readTimelineCursor(call);
  if (from === undefined) return;
  const all = { place: subject, limit, charsMax: TIMELINE_CHARS_MAX / 2 };
  const episodes = await gather(context, { ...all, shelf: 'episode', life: from.life, after: from.episode });
  if ('code' in episodes) return call.refuseFault(episodes);
  const life = from.life ?? episodes.life;
  const memories = await gather(context, { ...all, shelf: 'memory', life, after: from.memory });
  if ('code' in memories) return call.refuseFault(memories);
  const next = episodes.more || memories.more ? cursorOf(`${life}.${episodes.last}.${memories.last}`) : null;
  call.encoded(
    200,
    `{"subject_id":${JSON.stringify(subject.subjectId)},"episodes":[${episodes.texts.join()}],` +
      `"memories":[${memories.texts.join()}],"episodes_has_more":${episodes.more},` +
      `"memories_has_more":${memories.more},"next_cursor":${JSON.stringify(next)}}`,
  );
}

function readTimelineCursor(call: MemoryCall): TimelinePlace | undefined {
  const cursor = readCursor(call, CURSOR_BYTES_MAX);
  if (cursor === undefined) return undefined;
  if (cursor === null) return { life: null, episode: 0, memory: 0 };
  const match = /^(\d{1,15})\.(\d{1,15})\.(\d{1,15})$/.exec(cursor);
  if (match !== null) return { life: Number(match[1]), episode: Number(match[2]), memory: Number(match[3]) };
  call.refuse(invalid('cursor', 'cursor is none that was given here'));
  return undefined;
}

async function listSubjects(context: MemoryContext, call: MemoryCall): Promise<void> {
  const { tenant, ownSubject } = call.caller;
  if (ownSubject !== null)
    return call.refuse({ code: 'not_found', message: 'There is no list of subjects for an agent.' });
  const bounds = { min: 1, max: SUBJECTS_LIMIT_MAX, fallback: SUBJECTS_LIMIT_DEFAULT };
  const limit = readQueryNumber(call, 'limit', bounds);
  if (limit === undefined) return;
  const offset = readQueryNumber(call, 'offset', { min: 0, max: OFFSET_MAX, fallback: 0 });
  if (offset === undefined) return;
  const after = readCursor(call, 4 * SUBJECT_ID_CHARS_MAX);
  if (after === undefined) return;
  const args = { tenant, after, offset, limit };
  const answer = await context.actors.ask(tenantProtocol, tenantKey(tenant), 'subjects', args, askOptions(context));
  if (!answer.ok) return call.refuseFault(answer.fault);
  const { subjects, next, total } = answer.value;
  const body: SubjectList = {
    subjects: subjects.map(({ subjectId, episodes, memories }) => ({
      subject_id: subjectId,
      episode_count: episodes,
      memory_count: memories,
    })),
    total,
    next_cursor: cursorOf(next),
  };
  call.json(200, body);
}

async function deleteSubject(context: MemoryContext, call: MemoryCall): Promise<void> {
  const place = readPathSubject(call);
  if (place === undefined) return;
  const answer = await context.actors.ask(subjectProtocol, subjectKey(place), 'remove', null, askOptions(context));
  if (!answer.ok) return call.refuseFault(answer.fault);
  const { episodes, memories } = answer.value;
  const body: SubjectDeleted = {
    subject_id: place.subjectId,
    episodes_deleted: episodes,
    memories_deleted: memories,
  };
  call.json(200, body);
}

export const subjectRoutes = {
  timeline,
  listSubjects,
  deleteSubject,
} satisfies Partial<MemoryHandlers>;
