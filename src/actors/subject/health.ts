// Health
//
// How well a subject is served, from 0 to 100, and why: each signal says what it takes or gives. The same data and time give the same
// score. All weights stand in one table.

import { jaccard, type TermSet, termsOf } from './compiler/near-duplicates.js';
import { spokenOf, timeOf } from './compiler/spoken.js';
import type { Episode } from './records.js';
import { DEFAULT_THRESHOLDS, type SessionResolution, slaOf } from './sla.js';

export type HealthState = 'healthy' | 'watch' | 'at_risk';

export interface HealthFactor {
  readonly signal: keyof typeof healthWeights;
  readonly impact: number;
  readonly detail: string;
}

export interface Health {
  readonly score: number;
  readonly state: HealthState;
  readonly factors: readonly HealthFactor[];
}

/** What each signal takes or gives: so much for each case, and at most so much. */
export const healthWeights = {
  unresolved_issues: { each: -15, most: -45 },
  repeated_issues: { each: -20, most: -20 },
  escalations: { each: -10, most: -20 },
  idle_open_issue: { each: -15, most: -15 },
  sla_resolution_breaches: { each: -10, most: -20 },
  slow_first_response: { each: -5, most: -5 },
  recent_resolution: { each: 10, most: 10 },
  high_resolution_rate: { each: 10, most: 10 },
} as const;

export const HEALTHY_LEAST = 70;
export const WATCH_LEAST = 40;
const SCORE_MAX = 100;
const DAY_MS = 86_400_000;
/** Urgency of long ago says nothing of now. */
const ESCALATION_DAYS = 30;
const RECENT_DAYS = 7;
const IDLE_DAYS = 7;
const RATE_LEAST = 0.8;
const RATE_SESSIONS_MIN = 2;
const SLOW_RESPONSE_MINUTES = 10;
/** How much of their words two issues share to be one issue again. */
const SAME_ISSUE_LEAST = 0.3;
/** Sessions whose words are compared with each open one: the newest. */
const COMPARED_SESSIONS_MAX = 50;
/** Of a session, what its beginning says. */
const ISSUE_CHARS_MAX = 1_000;

const URGENT =
  /\b(urgent(ly)?|asap|emergency|critical|escalat\w{1,4}|outage|unacceptable|furious|lawyer|cancel (my|our|the)|refund|blocker|p0|p1|sev ?[12])\b/i;
const URGENT_CHARS_MAX = 20_000;

export function healthOf(
  episodes: readonly Episode[],
  resolutions: readonly SessionResolution[],
  nowMs: number,
): Health {
  const sla = slaOf(episodes, resolutions, DEFAULT_THRESHOLDS, nowMs);
  const standing = resolutions.filter(({ status }) => status !== 'resolved');
  const resolved = resolutions.filter(({ status }) => status === 'resolved');
  const factors: HealthFactor[] = [];
  const add = (signal: HealthFactor['signal'], cases: number, detail: string): void => {
    const { each, most } = healthWeights[signal];
    if (cases > 0)
      factors.push({ signal, impact: each < 0 ? Math.max(each * cases, most) : Math.min(each * cases, most), detail });
  };
  add('unresolved_issues', standing.length, `${standing.length} session(s) are open or unresolved`);
  const repeated = repeatedIssue(episodes, standing, resolved);
  add(
    'repeated_issues',
    repeated === undefined ? 0 : 1,
    `session ${repeated?.open} is about what session ${repeated?.resolved} had resolved`,
  );
  const urgent = episodes.filter(
    (episode) => nowMs - timeOf(episode) <= ESCALATION_DAYS * DAY_MS && isUrgent(episode),
  ).length;
  add('escalations', urgent, `${urgent} episode(s) of the last ${ESCALATION_DAYS} days are urgent or angry`);
  const idle = idleDays(episodes, standing, nowMs);
  add('idle_open_issue', idle.length, `${idle.length} open session(s) have rested for ${IDLE_DAYS} days or more`);
  const late = sla.sessions.filter(
    ({ resolutionBreached, status }) => resolutionBreached && status === 'resolved',
  ).length;
  add(
    'sla_resolution_breaches',
    late,
    `${late} session(s) took more than ${DEFAULT_THRESHOLDS.resolutionHours} hours to resolve`,
  );
  const minutes = (sla.firstResponseSecondsMean ?? 0) / 60;
  add(
    'slow_first_response',
    minutes > SLOW_RESPONSE_MINUTES ? 1 : 0,
    `a first response takes ${minutes.toFixed(1)} minutes on average`,
  );
  const recent = resolved.filter(
    ({ resolvedAtMs }) => resolvedAtMs !== null && nowMs - resolvedAtMs <= RECENT_DAYS * DAY_MS,
  ).length;
  add('recent_resolution', recent, `${recent} session(s) were resolved in the last ${RECENT_DAYS} days`);
  const rate = resolutions.length === 0 ? 0 : resolved.length / resolutions.length;
  const high = resolutions.length >= RATE_SESSIONS_MIN && rate >= RATE_LEAST;
  add('high_resolution_rate', high ? 1 : 0, `${resolved.length} of ${resolutions.length} sessions are resolved`);
  const sum = factors.reduce((total, { impact }) => total + impact, SCORE_MAX);
  const score = Math.max(0, Math.min(SCORE_MAX, sum));
  return { score, state: score >= HEALTHY_LEAST ? 'healthy' : score >= WATCH_LEAST ? 'watch' : 'at_risk', factors };
}

function isUrgent(episode: Episode): boolean {
  return spokenOf(episode).some(
    ({ voice, text }) => voice === 'person' && URGENT.test(text.slice(0, URGENT_CHARS_MAX)),
  );
}

function idleDays(
  episodes: readonly Episode[],
  standing: readonly SessionResolution[],
  nowMs: number,
): readonly string[] {
  const last = new Map<string, number>();
  for (const episode of episodes) {
    if (episode.sessionId !== null)
      last.set(episode.sessionId, Math.max(last.get(episode.sessionId) ?? 0, timeOf(episode)));
  }
  const idle = standing.filter(({ sessionId }) => nowMs - (last.get(sessionId) ?? nowMs) >= IDLE_DAYS * DAY_MS);
  return idle.map(({ sessionId }) => sessionId);
}

/** An open session that begins like one that was resolved. */
function repeatedIssue(
  episodes: readonly Episode[],
  standing: readonly SessionResolution[],
  resolved: readonly SessionResolution[],
): { readonly open: string; readonly resolved: string } | undefined {
  const newest = (list: readonly SessionResolution[]): readonly SessionResolution[] =>
    list
      .toSorted((a, b) => b.updatedAtMs - a.updatedAtMs || (a.sessionId < b.sessionId ? -1 : 1))
      .slice(0, COMPARED_SESSIONS_MAX);
  const [open, done] = [newest(standing), newest(resolved)];
  if (open.length === 0 || done.length === 0) return undefined;
  const issues = issuesOf(episodes, new Set([...open, ...done].map(({ sessionId }) => sessionId)));
  for (const one of open) {
    for (const other of done) {
      const [a, b] = [issues.get(one.sessionId), issues.get(other.sessionId)];
      if (a !== undefined && b !== undefined && jaccard(a, b) >= SAME_ISSUE_LEAST)
        return { open: one.sessionId, resolved: other.sessionId };
    }
  }
  return undefined;
}

/** What persons said at the beginning of each session, as terms that are longer than three letters. */
function issuesOf(episodes: readonly Episode[], sessions: ReadonlySet<string>): ReadonlyMap<string, TermSet> {
  const texts = new Map<string, string>();
  for (const episode of episodes.toSorted((a, b) => timeOf(a) - timeOf(b))) {
    const { sessionId } = episode;
    if (sessionId === null || !sessions.has(sessionId)) continue;
    const known = texts.get(sessionId) ?? '';
    if (known.length >= ISSUE_CHARS_MAX) continue;
    const said = spokenOf(episode)
      .filter(({ voice }) => voice === 'person')
      .map(({ text }) => text.slice(0, ISSUE_CHARS_MAX));
    texts.set(sessionId, `${known} ${said.join(' ')}`.slice(0, ISSUE_CHARS_MAX));
  }
  return new Map(
    [...texts].flatMap(([sessionId, text]) => {
      const set = termsOf(text);
      const terms = set.terms.filter((term) => term.length > 3 || /[^\x20-\x7e]/.test(term));
      return terms.length === 0 ? [] : [[sessionId, { ...set, terms }] as const];
    }),
  );
}
