// Service levels
//
// How long the sessions of a subject waited for a first answer and for their end, counted from their episodes and resolutions. A session is
// what its episodes name; those that name none are in none.

import { spokenOf, timeOf, type Voice } from './compiler/spoken.js';
import type { Episode } from './records.js';

export type ResolutionStatus = 'open' | 'resolved' | 'unresolved';

/** How a session stands, as it was told. */
export interface SessionResolution {
  readonly sessionId: string;
  readonly status: ResolutionStatus;
  readonly summary: string | null;
  readonly resolvedAtMs: number | null;
  readonly updatedAtMs: number;
}

export interface SlaThresholds {
  readonly firstResponseMinutes: number;
  readonly resolutionHours: number;
}

export const DEFAULT_THRESHOLDS: SlaThresholds = { firstResponseMinutes: 5, resolutionHours: 24 };

/** Times in milliseconds since the epoch, durations in seconds. */
export interface SessionSla {
  readonly sessionId: string;
  readonly status: ResolutionStatus;
  readonly firstMessageAtMs: number | null;
  readonly firstResponseAtMs: number | null;
  readonly resolvedAtMs: number | null;
  readonly firstResponseSeconds: number | null;
  readonly resolutionSeconds: number | null;
  /** Null when resolved. */
  readonly openSeconds: number | null;
  readonly firstResponseBreached: boolean;
  readonly resolutionBreached: boolean;
}

export interface SlaSummary {
  readonly totalSessions: number;
  readonly resolvedSessions: number;
  readonly openSessions: number;
  readonly firstResponseSecondsMean: number | null;
  readonly resolutionSecondsMean: number | null;
  readonly firstResponseBreaches: number;
  readonly resolutionBreaches: number;
  /** By their first message. */
  readonly sessions: readonly SessionSla[];
}

interface Course {
  firstMessageAtMs: number | null;
  firstResponseAtMs: number | null;
}

export function slaOf(
  episodes: readonly Episode[],
  resolutions: readonly SessionResolution[],
  thresholds: SlaThresholds,
  nowMs: number,
): SlaSummary {
  const courses = coursesOf(episodes);
  for (const { sessionId } of resolutions) {
    if (!courses.has(sessionId)) courses.set(sessionId, { firstMessageAtMs: null, firstResponseAtMs: null });
  }
  const told = new Map(resolutions.map((resolution) => [resolution.sessionId, resolution]));
  const sessions = [...courses]
    .map(([sessionId, course]) => sessionSla(sessionId, course, told.get(sessionId), thresholds, nowMs))
    .sort(
      (a, b) => (a.firstMessageAtMs ?? nowMs) - (b.firstMessageAtMs ?? nowMs) || (a.sessionId < b.sessionId ? -1 : 1),
    );
  const resolved = sessions.filter(({ status }) => status === 'resolved').length;
  return {
    totalSessions: sessions.length,
    resolvedSessions: resolved,
    openSessions: sessions.length - resolved,
    firstResponseSecondsMean: mean(sessions.map(({ firstResponseSeconds }) => firstResponseSeconds)),
    resolutionSecondsMean: mean(sessions.map(({ resolutionSeconds }) => resolutionSeconds)),
    firstResponseBreaches: sessions.filter((one) => one.firstResponseBreached).length,
    resolutionBreaches: sessions.filter((one) => one.resolutionBreached).length,
    sessions,
  };
}

/** The first word of a person, and of who answered it, in each session. */
function coursesOf(episodes: readonly Episode[]): Map<string, Course> {
  const courses = new Map<string, Course>();
  for (const episode of episodes.toSorted((a, b) => timeOf(a) - timeOf(b))) {
    if (episode.sessionId === null) continue;
    const course = courses.get(episode.sessionId) ?? { firstMessageAtMs: null, firstResponseAtMs: null };
    courses.set(episode.sessionId, course);
    for (const voice of voicesOf(episode)) {
      if (voice === 'person') course.firstMessageAtMs ??= timeOf(episode);
      if (voice === 'assistant' && course.firstMessageAtMs !== null) course.firstResponseAtMs ??= timeOf(episode);
    }
  }
  return courses;
}

function voicesOf(episode: Episode): readonly Voice[] {
  return spokenOf(episode).map(({ voice }) => voice);
}

function sessionSla(
  sessionId: string,
  { firstMessageAtMs, firstResponseAtMs }: Course,
  resolution: SessionResolution | undefined,
  { firstResponseMinutes, resolutionHours }: SlaThresholds,
  nowMs: number,
): SessionSla {
  const status = resolution?.status ?? 'open';
  const resolvedAtMs = status === 'resolved' ? (resolution?.resolvedAtMs ?? null) : null;
  const since = (atMs: number | null): number | null => {
    return firstMessageAtMs === null || atMs === null ? null : Math.max(0, (atMs - firstMessageAtMs) / 1_000);
  };
  const resolutionSeconds = since(resolvedAtMs);
  const openSeconds = status === 'resolved' ? null : since(nowMs);
  const firstResponseSeconds = since(firstResponseAtMs);
  // Who still waits, or was told "resolved" without an answer, has waited until then.
  const waited = firstResponseSeconds ?? resolutionSeconds ?? openSeconds;
  return {
    sessionId,
    status,
    firstMessageAtMs,
    firstResponseAtMs,
    resolvedAtMs,
    firstResponseSeconds,
    resolutionSeconds,
    openSeconds,
    firstResponseBreached: waited !== null && waited > firstResponseMinutes * 60,
    resolutionBreached: (resolutionSeconds ?? openSeconds ?? 0) > resolutionHours * 3_600,
  };
}

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0
    ? null
    : Math.round((known.reduce((sum, value) => sum + value, 0) / known.length) * 1_000) / 1_000;
}
