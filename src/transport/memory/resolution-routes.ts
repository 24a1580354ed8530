// Resolution routes: how the sessions of subjects stand.

import { subjectKey, subjectProtocol } from '../../actors/subject/protocol.js';
import {
  RESOLUTION_STATUSES,
  RESOLUTIONS_LIMIT_DEFAULT,
  RESOLUTIONS_LIMIT_MAX,
  SetResolution,
} from '../../contract/memory.js';
import { checker } from '../../contract/schema.js';
import type { MemoryCall } from './memory-call.js';
import { askOptions, type MemoryContext } from './memory-context.js';
import type { MemoryHandlers } from './memory-door.js';
import { invalid } from './memory-fault.js';
import {
  idProblem,
  readBody,
  readQueryChoice,
  readQueryNumber,
  readQuerySubject,
  readSubject,
} from './memory-reader.js';

const shape = checker(SetResolution);
const OFFSET_MAX = 1_000_000;

async function setResolution(context: MemoryContext, call: MemoryCall): Promise<void> {
  const told = readBody(call, shape);
  if (told === undefined) return;
  const problem = idProblem(told.session_id);
  if (problem !== undefined) return call.refuse(invalid('session_id', `session_id ${problem}`));
  const place = readSubject(call, told.subject_id);
  if (place === undefined) return;
  const args = {
    sessionId: told.session_id,
    status: told.status ?? 'open',
    summary: told.resolution_summary ?? null,
    metadata: told.metadata === undefined ? null : JSON.stringify(told.metadata),
  };
  const answer = await context.actors.ask(subjectProtocol, subjectKey(place), 'resolve', args, askOptions(context));
  if (answer.ok) call.encoded(200, answer.value.resolution);
  else call.refuseFault(answer.fault);
}

async function listResolutions(context: MemoryContext, call: MemoryCall): Promise<void> {
  const place = readQuerySubject(call);
  if (place === undefined) return;
  const status = readQueryChoice(call, 'status', RESOLUTION_STATUSES);
  if (status === undefined) return;
  const bounds = { min: 1, max: RESOLUTIONS_LIMIT_MAX, fallback: RESOLUTIONS_LIMIT_DEFAULT };
  const limit = readQueryNumber(call, 'limit', bounds);
  if (limit === undefined) return;
  const offset = readQueryNumber(call, 'offset', { min: 0, max: OFFSET_MAX, fallback: 0 });
  if (offset === undefined) return;
  const args = { status, offset, limit };
  const answer = await context.actors.ask(subjectProtocol, subjectKey(place), 'resolutions', args, askOptions(context));
  if (answer.ok) call.encoded(200, `[${answer.value.resolutions.join()}]`);
  else call.refuseFault(answer.fault);
}

export const resolutionRoutes = { setResolution, listResolutions } satisfies Partial<MemoryHandlers>;
