// Handoff
//
// What a person needs to take a session over: what it is about, who it is with, what was tried. The notes are markdown and keep to a
// number of tokens; what does not fit is left out whole, the least needed first, and stands in no member either.

import { clipped } from './compiler/draft.js';
import { spokenOf, timeOf } from './compiler/spoken.js';
import { type Health, healthOf } from './health.js';
import type { Episode, Memory } from './records.js';
import type { SessionResolution } from './sla.js';

export interface HandoffRequest {
  readonly subjectId: string;
  readonly sessionId: string;
  readonly reason: string;
  readonly maxTokens: number;
  readonly nowMs: number;
  /** Tokens of a text, by the tokenizer that the budget is of. */
  readonly countTokens: (text: string) => number;
}

export interface Handoff {
  readonly customerSummary: string;
  readonly activeIssue: string;
  readonly attemptedSteps: readonly string[];
  readonly keyFacts: readonly string[];
  readonly resolutionHistory: readonly SessionResolution[];
  readonly recentContext: readonly string[];
  readonly health: Health;
  readonly handoffNotes: string;
  readonly tokenEstimate: number;
  readonly provenance: {
    readonly episode_ids: readonly string[];
    readonly fact_ids: readonly string[];
    readonly session_ids: readonly string[];
  };
}

const LINE_CHARS_MAX = 500;
const STEPS_MAX = 10;
const FACTS_MAX = 20;
const HISTORY_MAX = 10;
const RECENT_MAX = 12;
/** Slots by which a person is told, in this order. */
const SUMMARY_SLOTS = ['identity.name', 'role', 'employer', 'plan', 'place.home'];

const ATTEMPT =
  /^(please )?(try|restart|reset|clear|check|reinstall|update|upgrade|disable|enable|log ?out|log ?in|sign ?out|reboot|open|go to|make sure|verify|run|remove|delete|switch|contact)\b|\b(i|we)('ve| have)?( already)? (tried|restarted|reset|cleared|checked|reinstalled|updated|upgraded|disabled|enabled|rebooted|escalated|refunded|replaced|resent|removed|deleted)\b/i;

interface Item {
  readonly section: Section;
  readonly text: string;
  readonly from: { readonly episode?: string; readonly fact?: string; readonly resolution?: SessionResolution };
}

const SECTIONS = {
  issue: 'Active issue',
  customer: 'Customer',
  health: 'Health',
  attempted: 'Attempted steps',
  facts: 'Key facts',
  history: 'Resolution history',
  recent: 'Recent context',
} as const;
type Section = keyof typeof SECTIONS;
const SECTION_NAMES = Object.keys(SECTIONS) as readonly Section[];

export function handoffOf(
  request: HandoffRequest,
  episodes: readonly Episode[],
  memories: readonly Memory[],
  resolutions: readonly SessionResolution[],
): Handoff {
  const health = healthOf(episodes, resolutions, request.nowMs);
  const session = inOrder(episodes.filter(({ sessionId }) => sessionId === request.sessionId));
  const facts = factsOf(memories, request.nowMs);
  const items = [
    ...issueOf(session),
    ...customerOf(facts),
    ...healthItems(health),
    ...attemptsOf(session),
    ...recentOf(session),
    ...facts
      .slice(0, FACTS_MAX)
      .map((fact): Item => ({ section: 'facts', text: fact.content, from: { fact: fact.id } })),
    ...historyOf(resolutions, request.sessionId),
  ].map((item) => ({ ...item, text: clipped(item.text.replace(/\s+/g, ' ').trim(), LINE_CHARS_MAX) }));
  const chosen = fitting(items, request);
  const of = (section: Section): readonly Item[] => chosen.filter((item) => item.section === section);
  const texts = (section: Section): readonly string[] => of(section).map(({ text }) => text);
  const notes = render(chosen, request);
  return {
    customerSummary: texts('customer').join(' '),
    activeIssue: texts('issue').join(' '),
    attemptedSteps: texts('attempted'),
    keyFacts: texts('facts'),
    resolutionHistory: of('history').map(({ from }) => from.resolution!),
    recentContext: texts('recent'),
    health,
    handoffNotes: notes,
    tokenEstimate: notes === '' ? 0 : request.countTokens(notes),
    provenance: {
      episode_ids: unique(chosen.map(({ from }) => from.episode)),
      fact_ids: unique(chosen.map(({ from }) => from.fact)),
      session_ids: unique(chosen.map(({ from }) => from.resolution?.sessionId)),
    },
  };
}

/** Adds items in the order of need, each whole, while the notes stay within the budget. Some sixty texts are counted. */
function fitting(items: readonly Item[], request: HandoffRequest): readonly Item[] {
  let chosen: readonly Item[] = [];
  for (const item of items) {
    const more = [...chosen, item];
    if (request.countTokens(render(more, request)) <= request.maxTokens) chosen = more;
  }
  return chosen;
}

function render(items: readonly Item[], { subjectId, sessionId, reason }: HandoffRequest): string {
  if (items.length === 0) return '';
  const parts = SECTION_NAMES.flatMap((section) => {
    const texts = items.filter((item) => item.section === section).map(({ text }) => text);
    if (texts.length === 0) return [];
    // One statement is a paragraph, several are a list.
    return [
      `## ${SECTIONS[section]}`,
      section === 'issue' || section === 'customer' ? texts.join(' ') : texts.map((text) => `- ${text}`).join('\n'),
    ];
  });
  return [
    `# Handoff: ${subjectId}, session ${sessionId}`,
    `Reason: ${clipped(reason.replace(/\s+/g, ' '), LINE_CHARS_MAX)}`,
    ...parts,
  ].join('\n\n');
}

function inOrder(episodes: readonly Episode[]): readonly Episode[] {
  return episodes.toSorted((a, b) => timeOf(a) - timeOf(b) || (a.id < b.id ? -1 : 1));
}

/** What the person said first in the session. */
function issueOf(session: readonly Episode[]): readonly Item[] {
  for (const episode of session) {
    const said = spokenOf(episode).find(({ voice }) => voice === 'person');
    if (said !== undefined) return [{ section: 'issue', text: said.text, from: { episode: episode.id } }];
  }
  return [];
}

function factsOf(memories: readonly Memory[], nowMs: number): readonly Memory[] {
  return memories
    .filter(
      ({ kind, status, validTo }) =>
        kind === 'profile_fact' && status === 'active' && (validTo === null || validTo > nowMs),
    )
    .toSorted((a, b) => b.confidence - a.confidence || b.validFrom - a.validFrom || (a.id < b.id ? -1 : 1));
}

function customerOf(facts: readonly Memory[]): readonly Item[] {
  return SUMMARY_SLOTS.flatMap((slot): readonly Item[] => {
    const fact = facts.find(({ metadata }) => metadata.slot === slot);
    return fact === undefined ? [] : [{ section: 'customer', text: fact.content, from: { fact: fact.id } }];
  });
}

function healthItems({ score, state, factors }: Health): readonly Item[] {
  const worst = factors.filter(({ impact }) => impact < 0).map(({ detail, impact }) => `${detail} (${impact})`);
  return [{ section: 'health', text: [`${score} of 100, ${state}`, ...worst].join('; '), from: {} }];
}

/** Sentences that tell somebody to do something, or that somebody did. */
function attemptsOf(session: readonly Episode[]): readonly Item[] {
  const found: Item[] = [];
  for (const episode of session) {
    for (const { voice, sentences } of spokenOf(episode)) {
      if (voice === 'system' || voice === 'tool') continue;
      for (const { text, asks } of sentences) {
        if (found.length >= STEPS_MAX) return found;
        if (!asks && ATTEMPT.test(text)) found.push({ section: 'attempted', text, from: { episode: episode.id } });
      }
    }
  }
  return found;
}

function historyOf(resolutions: readonly SessionResolution[], sessionId: string): readonly Item[] {
  return resolutions
    .filter((one) => one.sessionId !== sessionId)
    .toSorted((a, b) => b.updatedAtMs - a.updatedAtMs || (a.sessionId < b.sessionId ? -1 : 1))
    .slice(0, HISTORY_MAX)
    .map((resolution) => {
      const { sessionId: id, status, summary } = resolution;
      return {
        section: 'history',
        text: `${id}: ${status}${summary === null ? '' : `. ${summary}`}`,
        from: { resolution },
      };
    });
}

/** The last words of the session, the newest first to be chosen, and in their order in the notes. */
function recentOf(session: readonly Episode[]): readonly Item[] {
  const said = session.slice(-RECENT_MAX).flatMap((episode) =>
    spokenOf(episode)
      .filter(({ voice }) => voice === 'person' || voice === 'assistant')
      .map(
        ({ speaker, text }): Item => ({
          section: 'recent',
          text: `${speaker}: ${text}`,
          from: { episode: episode.id },
        }),
      ),
  );
  return said.slice(-RECENT_MAX);
}

function unique(ids: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(ids.filter((id) => id !== undefined))];
}
