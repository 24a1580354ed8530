// Recalling
//
// What a subject is asked: memories by a query, and contexts for a task. The first question makes the index.
//
// RL1. An index is built in turns of about SLICE_MS: whatever else is said to the subject is heard in between.
// RL2. What is answered depends on the rows and on the question: time is that of the subject's last change, but for memories
//      that are at their end, which nobody sees.

import { systemClock, timestamp } from '../../clock.js';
import { LATER, refuse } from '../../runtime/actor.js';
import { assembleContext } from './context-assembly.js';
import type { ContextAnswer, ExplainedItem } from './protocol.js';
import { subjectProtocol } from './protocol.js';
import { candidatesFor, type RankedItem, type ResolutionStatus, rankSubject } from './ranking.js';
import { type ContextAsk, QUESTIONS_WAITING_MAX, type Question, Recall, type SearchAsk } from './recall.js';
import { episodeOf, memoryOf } from './record-json.js';
import type { MemoryKind } from './records.js';
import { allResolutions } from './resolutions.js';
import { type Context, lifeKey, type On, putSubject, type ShelfRow } from './state.js';
import { isVectorMissing, readVectors, signed } from './vectors.js';

/** Of building an index, in one turn. */
const SLICE_MS = 5;
const ROWS_AT_ONCE = 16;
/** Of the episodes told beside a context; those past it are in its text and its provenance. */
const EPISODES_CHARS_MAX = 8 * 1024 * 1024;
const EXPLAINED_MAX = 2_000;
/** Without a common word, what is so near in meaning is found by a query too. */
const COSINE_LEAST = 0.5;
/** How many contexts were made is written so much later, or with the next change. */
const COUNT_AFTER_MS = 5_000;
const KINDS: readonly MemoryKind[] = ['profile_fact', 'procedure', 'episode_summary', 'artifact_ref'];

const TOLD = refuse('BAD_REQUEST', { reason: 'who recalls asks, and does not tell' });
const TOO_MANY = refuse('OVERLOADED', { what: `questions to one subject, ${QUESTIONS_WAITING_MAX}` });
const REMOVED = refuse('NOT_FOUND', { what: 'subject any more' });

export const search: On<'search'> = (context, ask) => {
  const { row, recall } = context.state;
  if (row === undefined) return { memories: [] };
  if (recall?.isReady === true) return answerSearch(context, recall, ask);
  const handle = context.replyHandle();
  return handle === undefined ? TOLD : waitForIndex(context, row.life, { kind: 'search', handle, ask });
};

export const assemble: On<'context'> = (context, ask) => {
  const { row, recall } = context.state;
  if (row === undefined) return answerContext(context, new Recall(0), ask);
  countContext(context);
  if (recall?.isReady === true) return answerContext(context, recall, ask);
  const handle = context.replyHandle();
  return handle === undefined ? TOLD : waitForIndex(context, row.life, { kind: 'context', handle, ask });
};

/** To itself: the next slice of the index, and, when it is ready, the answers. */
export const index: On<'index'> = (context) => {
  const { recall, row } = context.state;
  if (recall === undefined || recall.isReady || row === undefined) return null;
  const until = systemClock.monotonic() + SLICE_MS;
  while (systemClock.monotonic() < until) {
    if (readMemories(context, recall) || readEpisodes(context, recall) || readVectors(context, recall)) continue;
    recall.isReady = true;
    for (const question of recall.waiting) answer(context, recall, question);
    recall.waiting = [];
    return null;
  }
  context.tell(subjectProtocol, context.key, 'index', null);
  return null;
};

export const saveCounts: On<'saveCounts'> = (context) => {
  const { row } = context.state;
  if (row !== undefined) putSubject(context, row);
  return null;
};

/** The subject is gone: nobody is left to answer about. */
export function abandonRecall(context: Context): void {
  for (const { handle } of context.state.recall?.waiting ?? []) context.reply(handle, REMOVED);
  context.state.recall = undefined;
}

function waitForIndex(context: Context, life: number, question: Question): typeof LATER | typeof TOO_MANY {
  const { state } = context;
  if (state.recall === undefined) {
    state.recall = new Recall(life);
    context.tell(subjectProtocol, context.key, 'index', null);
  }
  return state.recall.enter(question) ? LATER : TOO_MANY;
}

function answer(context: Context, recall: Recall, question: Question): void {
  switch (question.kind) {
    case 'search':
      context.reply(question.handle, answerSearch(context, recall, question.ask));
      break;
    case 'context':
      context.reply(question.handle, answerContext(context, recall, question.ask));
      break;
    default:
      question satisfies never;
  }
}

/** True when there may be more. */
function readMemories(context: Context, recall: Recall): boolean {
  const rows = nextRows(context, 'memory', recall.life, recall.memoriesTo);
  for (const { seq, json } of rows) recall.addMemory(seq, memoryOf(json));
  return rows.length > 0;
}

function readEpisodes(context: Context, recall: Recall): boolean {
  const rows = nextRows(context, 'episode', recall.life, recall.episodesTo);
  for (const { seq, json } of rows) recall.addEpisode(seq, episodeOf(json));
  return rows.length > 0;
}

function nextRows(
  { state, store }: Context,
  shelf: 'episode' | 'memory',
  life: number,
  after: number,
): readonly { readonly seq: number; readonly json: string }[] {
  const rows = store.range({
    under: lifeKey(shelf, state.place, life),
    limit: ROWS_AT_ONCE,
    ...(after > 0 && { after: lifeKey(shelf, state.place, life, after) }),
  });
  return rows.map(({ key, value }) => ({ seq: Number(key[4]), json: (value as ShelfRow)[1] }));
}

function answerSearch(context: Context, recall: Recall, { q, kind, vectorsOnly, queryVector, limit }: SearchAsk) {
  recall.removeEnded(context.now);
  const { items } = rankSubject(recall.index, {
    task: q,
    nowMs: context.state.row?.updatedAt ?? context.now,
    sessionId: null,
    queryVector: queryVector === null ? null : signed(queryVector),
    vectorsOnly,
    kinds: new Set(kind === null ? KINDS : [kind]),
    resolutions: new Map(),
  });
  const cosineLeast = vectorsOnly ? -1 : COSINE_LEAST;
  const found = items.filter(({ parts }) => parts.lexical > 0 || (parts.cosine ?? -2) >= cosineLeast).slice(0, limit);
  return { memories: found.flatMap(({ memoryId }) => textOf(context, recall, 'memory', memoryId)) };
}

function answerContext(context: Context, recall: Recall, ask: ContextAsk): ContextAnswer {
  recall.removeEnded(context.now);
  const { task, maxTokens, sessionId, explain, queryVector } = ask;
  const resolutions = new Map<string, ResolutionStatus>();
  for (const { session_id, status } of allResolutions(context)) resolutions.set(session_id, status);
  const ranking = rankSubject(recall.index, {
    task,
    nowMs: context.state.row?.updatedAt ?? context.now,
    sessionId,
    queryVector: queryVector === null ? null : signed(queryVector),
    limit: explain ? EXPLAINED_MAX : candidatesFor(maxTokens),
    resolutions,
  });
  const made = assembleContext(ranking, { task, maxTokens, sessionId });
  const texts = (ids: readonly string[]) => ids.flatMap((id) => textOf(context, recall, 'memory', id));
  return {
    facts: texts([...made.factIds, ...made.summaryIds]),
    episodes: episodesWithin(context, recall, made.episodeIds),
    procedures: texts(made.procedureIds),
    factIds: made.factIds,
    summaryIds: made.summaryIds,
    procedureIds: made.procedureIds,
    episodeIds: made.episodeIds,
    assembledContext: made.assembledContext,
    tokenEstimate: made.tokenEstimate,
    sessions: made.sessions.map(({ sessionId: session_id, episodeCount, firstAt, lastAt }) => ({
      session_id,
      episode_count: episodeCount,
      first_at: timestamp(firstAt),
      last_at: timestamp(lastAt),
    })),
    explanation: explain ? ranking.items.map(explained) : null,
    isVectorMissing: isVectorMissing(context),
  };
}

function explained(ranked: RankedItem): ExplainedItem {
  const { itemId, kind, score, signals, parts } = ranked;
  return { item: itemId, kind, score, signals, lexical: parts.lexical, cosine: parts.cosine };
}

function episodesWithin(context: Context, recall: Recall, ids: readonly string[]): string[] {
  const texts: string[] = [];
  let chars = 0;
  for (const id of ids) {
    const [text] = textOf(context, recall, 'episode', id);
    if (text === undefined || chars + text.length > EPISODES_CHARS_MAX) continue;
    chars += text.length;
    texts.push(text);
  }
  return texts;
}

/** The JSON of a record, or nothing. */
function textOf(context: Context, recall: Recall, shelf: 'episode' | 'memory', id: string | null): readonly string[] {
  const seq = id === null ? undefined : (shelf === 'episode' ? recall.episodes : recall.memories).get(id);
  if (seq === undefined) return [];
  const row = context.store.get(lifeKey(shelf, context.state.place, recall.life, seq)) as ShelfRow | undefined;
  return row === undefined ? [] : [row[1]];
}

/** Not a change of the subject, and so not worth a commit of its own. */
function countContext(context: Context): void {
  const { row } = context.state;
  if (row === undefined) return;
  context.state.row = { ...row, contexts: row.contexts + 1 };
  context.schedule('counts', COUNT_AFTER_MS, 'saveCounts', null);
}
