// Heuristic compiler
//
// Turns episodes into memories without a model: pure, deterministic, without a network. What it makes of an episode depends on the
// episode alone (draftsOf); what that does to the memories there are is decided afterwards (conflict.ts).
//
// K1. Every episode that was not compiled yet has one summary, and every memory names its episodes.
// K2. The same episodes and active memories give the same memories, ids from `newId` in the order of time.
// K3. Compiling again what is compiled gives nothing.
// K4. Linear in the text, whatever is in it; what one episode can give is bounded.

import type { Episode, JsonObject, Memory } from '../records.js';
import { artifactsOf } from './artifacts.js';
import { reconcile, type Standing } from './conflict.js';
import { CONTENT_CHARS_MAX, clipped, type Draft, SUMMARY_CHARS_MAX } from './draft.js';
import { expiryOf, type KindTtlDays } from './expiry.js';
import { factsOf, type SpokenFact } from './facts.js';
import { actionSequence, type Procedure, procedureContent, proceduresOf, repeatedProcedure } from './procedures.js';
import { factContent, normalValue, slots } from './slots.js';
import { actionsOf, dataOf, type Spoken, spokenOf, timeOf, UNNAMED } from './spoken.js';
import { summaryOf } from './summaries.js';

export const FACTS_PER_EPISODE_MAX = 64;
export const PROCEDURES_PER_EPISODE_MAX = 8;
export const ARTIFACTS_PER_EPISODE_MAX = 32;
const SUMMARY_CONFIDENCE = 0.65;
const ARTIFACT_CONFIDENCE = 0.8;
/** What an assistant repeats is less sure than what the person said. */
const CONFIRMED_LESS = 0.1;
const CONFIDENCE_LEAST = 0.6;
/** How often actions must have worked together to be a procedure. */
const REPEATS_MIN = 2;
const QUOTE_CHARS_MAX = 240;

export interface CompileContext {
  readonly nowMs: number;
  readonly newId: () => string;
  /** How long each kind is kept; for ever where absent. */
  readonly ttlDays?: KindTtlDays;
}

export interface Compiled {
  readonly created: readonly Memory[];
  readonly superseded: readonly { readonly id: string; readonly validTo: number }[];
}

/**
 * Compiles `episodes` of one subject in view of its active memories. Some 50 µs an episode of a few sentences, and a look at each active
 * memory.
 */
export function compileHeuristically(
  episodes: readonly Episode[],
  active: readonly Memory[],
  context: CompileContext,
): Compiled {
  const fresh = inTime(uncompiled(episodes, active));
  return finish([...draftsInTurn(fresh, active)].flat(), fresh, active, context);
}

/**
 * The drafts of `fresh` (uncompiled, in the order of time), those of one episode at a time and last what repeats among them: who must not
 * keep a thread busy rests between two of them, and hands all to finish().
 */
export function* draftsInTurn(fresh: readonly Episode[], active: readonly Memory[]): Generator<readonly Draft[]> {
  for (const episode of fresh) yield draftsOf(episode);
  yield repeatedActions(fresh, active);
}

/** Drafts of any compiler, made into memories of the subject of `episodes`. */
export function finish(
  drafts: readonly Draft[],
  episodes: readonly Episode[],
  active: readonly Memory[],
  context: CompileContext,
): Compiled {
  const subjectId = episodes[0]?.subjectId;
  if (subjectId === undefined) return { created: [], superseded: [] };
  const ordered = drafts.toSorted((a, b) => a.saidAtMs - b.saidAtMs);
  const { created, superseded } = reconcile(ordered, active);
  return { created: created.map((one) => toMemory(one, subjectId, context)), superseded };
}

/** Those that no active summary names yet (K3). */
export function uncompiled(episodes: readonly Episode[], active: readonly Memory[]): readonly Episode[] {
  const sought = new Set(episodes.map(({ id }) => id));
  const done = new Set<string>();
  for (const { kind, sourceEpisodeIds } of active) {
    if (kind === 'episode_summary') for (const id of sourceEpisodeIds) if (sought.has(id)) done.add(id);
  }
  const seen = new Set<string>();
  return episodes.filter(({ id }) => !done.has(id) && !seen.has(id) && seen.add(id));
}

export function inTime(episodes: readonly Episode[]): readonly Episode[] {
  return episodes.toSorted((a, b) => timeOf(a) - timeOf(b) || (a.id < b.id ? -1 : 1));
}

/** What one episode says: its summary, facts, procedures and artifacts. */
export function draftsOf(episode: Episode): readonly Draft[] {
  const spoken = spokenOf(episode);
  const facts = factDrafts(episode, spoken);
  return [
    summaryDraft(episode, spoken, facts.leftOut),
    ...facts.drafts,
    ...procedureDrafts(episode, spoken),
    ...artifactDrafts(episode, spoken),
  ];
}

function summaryDraft(episode: Episode, spoken: readonly Spoken[], factsLeftOut: number): Draft {
  const saidAtMs = timeOf(episode);
  const actions = actionSequence(actionsOf(episode));
  const told = summaryOf(spoken, saidAtMs);
  const content =
    told.content === '' ? `${episode.type} from ${episode.source}. ${dataOf(episode.payload)}`.trim() : told.content;
  const metadata: JsonObject = {
    compiler: 'heuristic',
    ...(actions === undefined ? {} : { actions }),
    // Said, and not kept as a fact: the bound of an episode was reached.
    ...(factsLeftOut === 0 ? {} : { facts_left_out: factsLeftOut }),
  };
  return {
    kind: 'episode_summary',
    content: clipped(content, CONTENT_CHARS_MAX),
    summary: told.summary === '' ? clipped(content, SUMMARY_CHARS_MAX) : told.summary,
    confidence: SUMMARY_CONFIDENCE,
    saidAtMs,
    episodeIds: [episode.id],
    metadata,
  };
}

function factDrafts(
  episode: Episode,
  spoken: readonly Spoken[],
): { readonly drafts: readonly Draft[]; readonly leftOut: number } {
  const saidAtMs = timeOf(episode);
  const persons = spoken.filter(({ voice }) => voice === 'person').map(({ speaker }) => speaker);
  const drafts = new Map<string, Draft>();
  let leftOut = 0;
  for (const { voice, speaker, sentences } of spoken) {
    if (voice !== 'person' && voice !== 'assistant') continue;
    const who = voice === 'person' ? speaker : (persons[0] ?? UNNAMED);
    for (const fact of factsOf(sentences, voice, saidAtMs)) {
      const name = `${who}\n${fact.slot}\n${fact.key}\n${normalValue(fact.value)}`;
      // Of one episode the person's own words come first.
      if (drafts.has(name)) continue;
      if (drafts.size < FACTS_PER_EPISODE_MAX) drafts.set(name, factDraft(episode, who, fact, saidAtMs));
      else leftOut++;
    }
  }
  return { drafts: [...drafts.values()], leftOut };
}

function factDraft(episode: Episode, who: string, fact: SpokenFact, saidAtMs: number): Draft {
  const { slot, key, value, quote, time, confirmed } = fact;
  const sure = fact.confidence ?? slots[slot].confidence;
  const content = factContent(who, fact);
  return {
    kind: 'profile_fact',
    content: clipped(content, CONTENT_CHARS_MAX),
    summary: clipped(content, SUMMARY_CHARS_MAX),
    confidence: confirmed ? Math.max(CONFIDENCE_LEAST, Math.round((sure - CONFIRMED_LESS) * 100) / 100) : sure,
    saidAtMs,
    episodeIds: [episode.id],
    metadata: {
      compiler: 'heuristic',
      holder: who,
      slot,
      ...(key === '' ? {} : { key }),
      value,
      ...(slot === 'event' ? {} : { quote: clipped(quote, QUOTE_CHARS_MAX) }),
      ...(time === undefined ? {} : { date_from: time.from, date_to: time.to }),
      ...(confirmed ? { confirmed_by: 'assistant' } : {}),
    },
  };
}

function procedureDrafts(episode: Episode, spoken: readonly Spoken[]): readonly Draft[] {
  const found: Draft[] = [];
  for (const { voice, text, sentences } of spoken) {
    if (voice === 'system') continue;
    for (const procedure of proceduresOf(text, sentences)) {
      if (found.length >= PROCEDURES_PER_EPISODE_MAX) return found;
      found.push(procedureDraft(procedure, [episode.id], timeOf(episode)));
    }
  }
  return found;
}

function procedureDraft(procedure: Procedure, episodeIds: readonly string[], saidAtMs: number): Draft {
  return {
    kind: 'procedure',
    content: clipped(procedureContent(procedure), CONTENT_CHARS_MAX),
    summary: procedure.title,
    confidence: Math.round(procedure.confidence * 100) / 100,
    saidAtMs,
    episodeIds,
    metadata: { compiler: 'heuristic', steps: procedure.steps.length },
  };
}

function artifactDrafts(episode: Episode, spoken: readonly Spoken[]): readonly Draft[] {
  const found = new Map<string, Draft>();
  for (const { voice, sentences } of spoken) {
    if (voice === 'system') continue;
    for (const sentence of sentences) {
      for (const { type, ref, quote } of artifactsOf(sentence)) {
        if (found.has(ref)) continue;
        if (found.size >= ARTIFACTS_PER_EPISODE_MAX) return [...found.values()];
        found.set(ref, {
          kind: 'artifact_ref',
          content: `${type} ${ref}: ${clipped(quote, QUOTE_CHARS_MAX)}`,
          summary: clipped(`${type} ${ref}`, SUMMARY_CHARS_MAX),
          confidence: ARTIFACT_CONFIDENCE,
          saidAtMs: timeOf(episode),
          episodeIds: [episode.id],
          metadata: { compiler: 'heuristic', artifact: type, ref },
        });
      }
    }
  }
  return [...found.values()];
}

/** Rows of actions that ended well in several episodes, those of active summaries among them. */
function repeatedActions(episodes: readonly Episode[], active: readonly Memory[]): readonly Draft[] {
  const seen = new Map<
    string,
    { readonly names: readonly string[]; readonly ids: string[]; lastMs: number; fresh: boolean }
  >();
  const add = (names: readonly string[], ids: readonly string[], atMs: number, fresh: boolean): void => {
    const key = names.join('\n');
    const known = seen.get(key) ?? { names, ids: [], lastMs: atMs, fresh: false };
    known.ids.push(...ids);
    known.lastMs = Math.max(known.lastMs, atMs);
    known.fresh ||= fresh;
    seen.set(key, known);
  };
  const mine = episodes.map((episode) => ({ episode, names: actionSequence(actionsOf(episode)) }));
  if (mine.every(({ names }) => names === undefined)) return [];
  for (const { kind, metadata, sourceEpisodeIds, validFrom } of active) {
    if (kind !== 'episode_summary' || !Array.isArray(metadata.actions)) continue;
    add((metadata.actions as readonly unknown[]).map(String), sourceEpisodeIds, validFrom, false);
  }
  for (const { episode, names } of mine) if (names !== undefined) add(names, [episode.id], timeOf(episode), true);
  return [...seen.values()]
    .filter(({ ids, fresh }) => fresh && ids.length >= REPEATS_MIN)
    .map(({ names, ids, lastMs }) => {
      const draft = procedureDraft(repeatedProcedure(names, ids.length), ids.slice(-64), lastMs);
      // Told by its actions, so that the next time takes this one's place whatever its count.
      return { ...draft, metadata: { ...draft.metadata, actions: names, times: ids.length } };
    });
}

function toMemory(one: Standing, subjectId: string, { nowMs, newId, ttlDays }: CompileContext): Memory {
  const { kind, content, summary, confidence, saidAtMs, episodeIds, metadata, validTo } = one;
  return {
    id: newId(),
    subjectId,
    kind,
    content,
    summary,
    confidence,
    validFrom: saidAtMs,
    validTo: validTo ?? expiryOf(kind, nowMs, ttlDays ?? {}),
    sourceEpisodeIds: episodeIds,
    metadata,
    status: validTo === null ? 'active' : 'superseded',
    sensitivityLabels: [],
    createdAt: nowMs,
    updatedAt: nowMs,
  };
}
