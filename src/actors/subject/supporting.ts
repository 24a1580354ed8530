// Supporting
//
// What a subject is asked by those who serve it: how well it is served, how fast, and what the next one who takes it over
// must know. Worked out of its newest records when it is asked.
//
// SU1. At most EPISODES_LOOKED_AT and MEMORIES_LOOKED_AT of the newest are looked at: what is older says little of now.

import { timestamp } from '../../clock.js';
import { handoffOf } from './handoff.js';
import { type Health, healthOf } from './health.js';
import type { HealthAnswer } from './protocol.js';
import { episodeOf, memoryOf } from './record-json.js';
import type { Episode, Memory } from './records.js';
import { allResolutions } from './resolutions.js';
import { type SessionResolution, slaOf } from './sla.js';
import { type Context, lifeKey, type On, type ShelfRow } from './state.js';
import { countTokens } from './token-count.js';

export const EPISODES_LOOKED_AT = 1_000;
export const MEMORIES_LOOKED_AT = 1_000;
/** And no more than so many characters of them. */
const CHARS_LOOKED_AT = 2 * 1024 * 1024;
const ROWS_AT_ONCE = 50;

export const health: On<'health'> = (context) =>
  answerOf(healthOf(newestEpisodes(context), resolutionsOf(context), context.now));

export const sla: On<'sla'> = (context, { firstResponseMinutes, resolutionHours }) => {
  const thresholds = { firstResponseMinutes, resolutionHours };
  const summary = slaOf(newestEpisodes(context), resolutionsOf(context), thresholds, context.now);
  return {
    total_sessions: summary.totalSessions,
    resolved_sessions: summary.resolvedSessions,
    open_sessions: summary.openSessions,
    avg_first_response_seconds: summary.firstResponseSecondsMean,
    avg_resolution_seconds: summary.resolutionSecondsMean,
    first_response_breach_count: summary.firstResponseBreaches,
    resolution_breach_count: summary.resolutionBreaches,
    sessions: summary.sessions.map((session) => ({
      session_id: session.sessionId,
      status: session.status,
      first_message_at: timeOrNull(session.firstMessageAtMs),
      first_response_at: timeOrNull(session.firstResponseAtMs),
      resolved_at: timeOrNull(session.resolvedAtMs),
      first_response_seconds: session.firstResponseSeconds,
      resolution_seconds: session.resolutionSeconds,
      open_duration_seconds: session.openSeconds,
      first_response_breached: session.firstResponseBreached,
      resolution_breached: session.resolutionBreached,
    })),
  };
};

export const handoff: On<'handoff'> = (context, { sessionId, reason, maxTokens }) => {
  const { subjectId } = context.state.place;
  const made = handoffOf(
    { subjectId, sessionId, reason, maxTokens, nowMs: context.now, countTokens },
    newestEpisodes(context),
    newestMemories(context),
    resolutionsOf(context),
  );
  const { score, state, factors } = answerOf(made.health);
  return {
    subject_id: subjectId,
    session_id: sessionId,
    reason,
    generated_at: timestamp(context.now),
    customer_summary: made.customerSummary,
    active_issue: made.activeIssue,
    attempted_steps: [...made.attemptedSteps],
    key_facts: [...made.keyFacts],
    resolution_history: made.resolutionHistory.map((resolution) => ({
      session_id: resolution.sessionId,
      status: resolution.status,
      summary: resolution.summary,
      resolved_at: timeOrNull(resolution.resolvedAtMs),
    })),
    recent_context: [...made.recentContext],
    health_score: score,
    health_state: state,
    health_factors: factors,
    handoff_notes: made.handoffNotes,
    token_estimate: made.tokenEstimate,
    provenance: {
      episode_ids: [...made.provenance.episode_ids],
      fact_ids: [...made.provenance.fact_ids],
      session_ids: [...made.provenance.session_ids],
    },
    receipt_id: null,
    receipt_emitted: false,
  };
};

function answerOf({ score, state, factors }: Health): HealthAnswer {
  return { score, state, factors: factors.map(({ signal, impact, detail }) => ({ signal, impact, detail })) };
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : timestamp(ms);
}

function resolutionsOf(context: Context): readonly SessionResolution[] {
  return [...allResolutions(context)].map((resolution) => ({
    sessionId: resolution.session_id,
    status: resolution.status,
    summary: resolution.resolution_summary,
    resolvedAtMs: resolution.resolved_at === null ? null : Date.parse(resolution.resolved_at),
    updatedAtMs: Date.parse(resolution.updated_at),
  }));
}

function newestEpisodes(context: Context): readonly Episode[] {
  return newestOf(context, 'episode', EPISODES_LOOKED_AT).map(episodeOf).reverse();
}

function newestMemories(context: Context): readonly Memory[] {
  return newestOf(context, 'memory', MEMORIES_LOOKED_AT).map(memoryOf).reverse();
}

/** Newest first (SU1). */
function newestOf({ state, store }: Context, shelf: 'episode' | 'memory', max: number): readonly string[] {
  const { row, place } = state;
  const texts: string[] = [];
  if (row === undefined) return texts;
  let after: number | undefined;
  let chars = 0;
  while (texts.length < max && chars < CHARS_LOOKED_AT) {
    const rows = store.range({
      under: lifeKey(shelf, place, row.life),
      limit: ROWS_AT_ONCE,
      ...(after !== undefined && { after: lifeKey(shelf, place, row.life, after) }),
      reverse: true,
    });
    for (const { key, value } of rows) {
      const [, json] = value as ShelfRow;
      after = Number(key[4]);
      chars += json.length;
      texts.push(json);
    }
    if (rows.length < ROWS_AT_ONCE) break;
  }
  return texts;
}
