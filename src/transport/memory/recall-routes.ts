// Recall routes: what is known of a subject, by a query or for a task.

import { subjectKey, subjectProtocol } from '../../actors/subject/protocol.js';
import { AssembleContext, LIMIT_MAX, MEMORY_KINDS, SEARCH_LIMIT_DEFAULT } from '../../contract/memory.js';
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
  readQueryText,
  readSubject,
} from './memory-reader.js';

const shape = checker(AssembleContext);
const QUERY_CHARS_MAX = 4_000;

async function searchMemories(context: MemoryContext, call: MemoryCall): Promise<void> {
  const place = readQuerySubject(call);
  if (place === undefined) return;
  const kind = readQueryChoice(call, 'kind', MEMORY_KINDS);
  if (kind === undefined) return;
  const limit = readQueryNumber(call, 'limit', { min: 1, max: LIMIT_MAX, fallback: SEARCH_LIMIT_DEFAULT });
  if (limit === undefined) return;
  const semantic = readQueryChoice(call, 'semantic', ['true', 'false']);
  if (semantic === undefined) return;
  const q = readQueryText(call, 'q');
  if (q === undefined) return;
  if (q !== null && q.length > QUERY_CHARS_MAX) {
    return call.refuse(invalid('q', `q must have at most ${QUERY_CHARS_MAX} characters`));
  }
  const key = subjectKey(place);
  const isQuery = q !== null && q.trim() !== '';
  const answer = isQuery
    ? await context.actors.ask(
        subjectProtocol,
        key,
        'search',
        {
          q,
          kind,
          vectorsOnly: semantic === 'true',
          queryVector: (await context.embeddings?.queryVector(q)) ?? null,
          limit,
        },
        askOptions(context),
      )
    : await context.actors.ask(subjectProtocol, key, 'newest', { kind, limit }, askOptions(context));
  if (answer.ok) call.encoded(200, `{"memories":[${answer.value.memories.join()}]}`);
  else call.refuseFault(answer.fault);
}

async function assembleContext(context: MemoryContext, call: MemoryCall): Promise<void> {
  const asked = readBody(call, shape);
  if (asked === undefined) return;
  const sessionId = asked.session_id ?? null;
  const problem = sessionId === null ? undefined : idProblem(sessionId);
  if (problem !== undefined) return call.refuse(invalid('session_id', `session_id ${problem}`));
  const place = readSubject(call, asked.subject_id);
  if (place === undefined) return;
  const { task, max_tokens, explain = false } = asked;
  const { embeddings, memory } = context;
  const queryVector = (await embeddings?.queryVector(task)) ?? null;
  const args = { task, maxTokens: max_tokens ?? memory.contextTokensDefault, sessionId, explain, queryVector };
  const answer = await context.actors.ask(subjectProtocol, subjectKey(place), 'context', args, askOptions(context));
  if (!answer.ok) return call.refuseFault(answer.fault);
  const made = answer.value;
  if (made.isVectorMissing) embeddings?.wake(subjectKey(place));
  const provenance = {
    fact_ids: made.factIds,
    summary_ids: made.summaryIds,
    procedure_ids: made.procedureIds,
    episode_ids: made.episodeIds,
    ...(embeddings !== null && queryVector === null && { degraded: ['embeddings'] }),
  };
  const members = [
    `"subject_id":${JSON.stringify(place.subjectId)},"task":${JSON.stringify(task)}`,
    `"facts":[${made.facts.join()}],"episodes":[${made.episodes.join()}],"procedures":[${made.procedures.join()}]`,
    `"provenance":${JSON.stringify(provenance)},"assembled_context":${JSON.stringify(made.assembledContext)}`,
    `"token_estimate":${made.tokenEstimate},"sessions":${JSON.stringify(made.sessions)}`,
    '"receipt_id":null,"receipt_emitted":false',
    ...(made.explanation === null ? [] : [`"explanation":${JSON.stringify(made.explanation)}`]),
  ];
  call.encoded(200, `{${members.join()}}`);
}

export const recallRoutes = { searchMemories, context: assembleContext } satisfies Partial<MemoryHandlers>;
