// Support routes: how well a subject is served, and what the next one who takes it over must know.

import { subjectKey, subjectProtocol } from '../../actors/subject/protocol.js';
import {
  AskHandoff,
  FIRST_RESPONSE_MINUTES_DEFAULT,
  FIRST_RESPONSE_MINUTES_MAX,
  HANDOFF_REASON_DEFAULT,
  RESOLUTION_HOURS_DEFAULT,
  RESOLUTION_HOURS_MAX,
  type SubjectHealth,
} from '../../contract/memory-support.js';
import { checker } from '../../contract/schema.js';
import type { MemoryCall } from './memory-call.js';
import { askOptions, type MemoryContext } from './memory-context.js';
import type { MemoryHandlers } from './memory-door.js';
import { invalid } from './memory-fault.js';
import { idProblem, readBody, readPathSubject, readQueryNumber, readSubject } from './memory-reader.js';

const shape = checker(AskHandoff);

async function health(context: MemoryContext, call: MemoryCall): Promise<void> {
  const place = readPathSubject(call);
  if (place === undefined) return;
  const answer = await context.actors.ask(subjectProtocol, subjectKey(place), 'health', null, askOptions(context));
  if (!answer.ok) return call.refuseFault(answer.fault);
  const { score, state, factors } = answer.value;
  const body: SubjectHealth = { subject_id: place.subjectId, score, state, factors: [...factors] };
  call.json(200, body);
}

async function sla(context: MemoryContext, call: MemoryCall): Promise<void> {
  const place = readPathSubject(call);
  if (place === undefined) return;
  const firstResponseMinutes = readQueryNumber(call, 'first_response_threshold_minutes', {
    min: 1,
    max: FIRST_RESPONSE_MINUTES_MAX,
    fallback: FIRST_RESPONSE_MINUTES_DEFAULT,
  });
  if (firstResponseMinutes === undefined) return;
  const resolutionHours = readQueryNumber(call, 'resolution_threshold_hours', {
    min: 1,
    max: RESOLUTION_HOURS_MAX,
    fallback: RESOLUTION_HOURS_DEFAULT,
  });
  if (resolutionHours === undefined) return;
  const args = { firstResponseMinutes, resolutionHours };
  const answer = await context.actors.ask(subjectProtocol, subjectKey(place), 'sla', args, askOptions(context));
  if (answer.ok) call.json(200, { subject_id: place.subjectId, ...answer.value });
  else call.refuseFault(answer.fault);
}

async function handoff(context: MemoryContext, call: MemoryCall): Promise<void> {
  const asked = readBody(call, shape);
  if (asked === undefined) return;
  const problem = idProblem(asked.session_id);
  if (problem !== undefined) return call.refuse(invalid('session_id', `session_id ${problem}`));
  const place = readSubject(call, asked.subject_id);
  if (place === undefined) return;
  const args = {
    sessionId: asked.session_id,
    reason: asked.reason ?? HANDOFF_REASON_DEFAULT,
    maxTokens: asked.max_tokens ?? context.memory.contextTokensDefault,
  };
  const answer = await context.actors.ask(subjectProtocol, subjectKey(place), 'handoff', args, askOptions(context));
  if (answer.ok) call.json(200, answer.value);
  else call.refuseFault(answer.fault);
}

export const supportRoutes = { health, sla, handoff } satisfies Partial<MemoryHandlers>;
