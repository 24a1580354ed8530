// Public messages of the memory API for those who serve a subject: health, service levels, handoffs.

import { CONTEXT_TOKENS_MAX, SessionId, SubjectId } from './memory.js';
import { type Static, Type } from './schema.js';

const REASON_CHARS_MAX = 256;
export const HANDOFF_REASON_DEFAULT = 'escalation';
export const FIRST_RESPONSE_MINUTES_DEFAULT = 5;
export const RESOLUTION_HOURS_DEFAULT = 24;
export const FIRST_RESPONSE_MINUTES_MAX = 1_000_000;
export const RESOLUTION_HOURS_MAX = 100_000;

const timeOrNull = Type.Union([Type.String({ format: 'date-time' }), Type.Null()]);
const secondsOrNull = Type.Union([Type.Number({ minimum: 0 }), Type.Null()]);
const status = Type.Union([Type.Literal('open'), Type.Literal('resolved'), Type.Literal('unresolved')]);
const state = Type.Union([Type.Literal('healthy'), Type.Literal('watch'), Type.Literal('at_risk')], {
  description: 'healthy from 70 on, watch from 40 on.',
});
const factor = Type.Object({ signal: Type.String(), impact: Type.Number(), detail: Type.String() });

export const SubjectHealth = Type.Object({
  subject_id: Type.String(),
  score: Type.Number({ minimum: 0, maximum: 100 }),
  state,
  factors: Type.Array(factor),
});
export type SubjectHealth = Static<typeof SubjectHealth>;

export const SlaQuery = Type.Object({
  first_response_threshold_minutes: Type.Optional(
    Type.Integer({ minimum: 1, maximum: FIRST_RESPONSE_MINUTES_MAX, default: FIRST_RESPONSE_MINUTES_DEFAULT }),
  ),
  resolution_threshold_hours: Type.Optional(
    Type.Integer({ minimum: 1, maximum: RESOLUTION_HOURS_MAX, default: RESOLUTION_HOURS_DEFAULT }),
  ),
});

const sla = {
  total_sessions: Type.Integer({ minimum: 0 }),
  resolved_sessions: Type.Integer({ minimum: 0 }),
  open_sessions: Type.Integer({ minimum: 0 }),
  avg_first_response_seconds: secondsOrNull,
  avg_resolution_seconds: secondsOrNull,
  first_response_breach_count: Type.Integer({ minimum: 0 }),
  resolution_breach_count: Type.Integer({ minimum: 0 }),
  sessions: Type.Array(
    Type.Object({
      session_id: Type.String(),
      status,
      first_message_at: timeOrNull,
      first_response_at: timeOrNull,
      resolved_at: timeOrNull,
      first_response_seconds: secondsOrNull,
      resolution_seconds: secondsOrNull,
      open_duration_seconds: secondsOrNull,
      first_response_breached: Type.Boolean(),
      resolution_breached: Type.Boolean(),
    }),
  ),
};
export const SlaFigures = Type.Object(sla);
export type SlaFigures = Static<typeof SlaFigures>;
export const SlaSummary = Type.Object({ subject_id: Type.String(), ...sla });

export const AskHandoff = Type.Object({
  subject_id: SubjectId,
  session_id: SessionId,
  reason: Type.Optional(
    Type.String({ minLength: 1, maxLength: REASON_CHARS_MAX, description: 'Without it: escalation.' }),
  ),
  max_tokens: Type.Optional(
    Type.Union([Type.Integer({ minimum: 1, maximum: CONTEXT_TOKENS_MAX }), Type.Null()], {
      description: 'Of the notes; without it: memory.context_tokens_default.',
    }),
  ),
});
export type AskHandoff = Static<typeof AskHandoff>;

export const Handoff = Type.Object({
  subject_id: Type.String(),
  session_id: Type.String(),
  reason: Type.String(),
  generated_at: Type.String({ format: 'date-time' }),
  customer_summary: Type.String(),
  active_issue: Type.String(),
  attempted_steps: Type.Array(Type.String()),
  key_facts: Type.Array(Type.String()),
  resolution_history: Type.Array(
    Type.Object({
      session_id: Type.String(),
      status,
      summary: Type.Union([Type.String(), Type.Null()]),
      resolved_at: timeOrNull,
    }),
  ),
  recent_context: Type.Array(Type.String()),
  health_score: Type.Number({ minimum: 0, maximum: 100 }),
  health_state: state,
  health_factors: Type.Array(factor),
  handoff_notes: Type.String({ description: 'Markdown.' }),
  token_estimate: Type.Integer({ minimum: 0 }),
  provenance: Type.Object({
    episode_ids: Type.Array(Type.String()),
    fact_ids: Type.Array(Type.String()),
    session_ids: Type.Array(Type.String()),
  }),
  receipt_id: Type.Null(),
  receipt_emitted: Type.Boolean(),
});
export type Handoff = Static<typeof Handoff>;
