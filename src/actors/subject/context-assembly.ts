// Context assembly
//
// What of a ranking goes into a context, and how it is written there. Items are taken whole, best first, as long as they
// fit; the text then has them by section and by time.
//
// CA1. The text has at most `maxTokens` tokens: every piece ends with a line break and begins with something visible, so
//      that the counts of the pieces add up to the count of the text (token-count.ts, TC2). What does not fit is left out;
//      without room for the task's own section the text begins with the next.
// CA2. An utterance is there word for word, behind its speaker, under the day on which it was said.
// CA3. The same ranking and bounds give the same bytes.
// CA4. A line is there once. A summary gives way to the words that it sums up: when they are hardly longer, or half of
//      them are there already.

import type { RankedItem, Ranking } from './ranking.js';
import type { ItemKind, SubjectIndex } from './subject-index.js';
import { countTokens } from './token-count.js';

export interface AssemblyBounds {
  readonly task: string;
  /** At least 1. */
  readonly maxTokens: number;
  readonly sessionId: string | null;
}

export interface AssembledContext {
  readonly assembledContext: string;
  readonly tokenEstimate: number;
  /** In the order in which they stand in the text; an episode once, however many of its utterances are there. */
  readonly factIds: readonly string[];
  readonly procedureIds: readonly string[];
  readonly summaryIds: readonly string[];
  readonly episodeIds: readonly string[];
  /** Of the utterances there, by their first. */
  readonly sessions: readonly AssembledSession[];
}

export interface AssembledSession {
  readonly sessionId: string;
  readonly episodeCount: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

type Section = 'facts' | 'procedures' | 'summaries' | 'interactions';

const SECTION_OF: Readonly<Record<ItemKind, Section>> = {
  profile_fact: 'facts',
  artifact_ref: 'facts',
  procedure: 'procedures',
  episode_summary: 'summaries',
  episode: 'interactions',
};
const HEADINGS: Readonly<Record<Section, string>> = {
  facts: '## About this user\n',
  procedures: '## Procedures\n',
  summaries: '## Recent history\n',
  interactions: '## Recent interactions\n',
};
/** Of the budget, as long as something else wants it. */
const SHARE_MAX: Readonly<Record<Section, number>> = { facts: 0.3, procedures: 0.2, summaries: 0.2, interactions: 1 };
/** Of the budget, before all else, for what is to the point: what was learned has no neighbours to speak for it. */
const SHARE_LEAST: Readonly<Record<Section, number>> = { facts: 0.1, procedures: 0.05, summaries: 0, interactions: 0 };
/** To the point: of the best by words, or this cosine. */
const LEXICAL_LEAST = 0.3;
const COSINE_LEAST = 0.5;
const PREVIOUS_HEADING = '### Previous interactions\n';
/** So many that do not fit end the search for one that does. */
const MISSES_MAX = 64;
/** A text with more characters than that for each token left is not counted at all: it does not fit, or hardly. */
const CHARS_PER_TOKEN = 16;
/** Of the length of what a summary sums up: past it the summary saves too little. */
const SUMMARY_LENGTH_MAX = 0.75;
const DAY_MS = 86_400_000;
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Costs about 1 µs an item, and the counting of those that were never counted: 20 µs each. */
export function assembleContext(ranking: Ranking, bounds: AssemblyBounds): AssembledContext {
  const packing = new Packing(ranking.index, bounds);
  packing.take(ranking.items);
  return packing.write();
}

interface Bucket {
  readonly heading: string;
  readonly isCurrent: boolean;
  readonly items: RankedItem[];
}

class Packing {
  readonly #index: SubjectIndex;
  readonly #bounds: AssemblyBounds;
  readonly #taskSection: string;
  readonly #currentHeading: string;
  readonly #memories: Record<Exclude<Section, 'interactions'>, RankedItem[]> = {
    facts: [],
    procedures: [],
    summaries: [],
  };
  readonly #buckets = new Map<string, Bucket>();
  readonly #headingsWritten = new Set<string>();
  readonly #lines = new Set<string>();
  readonly #takenOfEpisode = new Map<string, number>();
  readonly #spent: Record<Section, number> = { facts: 0, procedures: 0, summaries: 0, interactions: 0 };
  #total = 0;

  constructor(index: SubjectIndex, bounds: AssemblyBounds) {
    this.#index = index;
    this.#bounds = bounds;
    this.#currentHeading = `### Current session (${(bounds.sessionId ?? '').replace(/[\s\p{Cc}]+/gu, ' ').trim()})\n`;
    const section = `## Task\n${bounds.task}\n`;
    const tokens = section.length > bounds.maxTokens * CHARS_PER_TOKEN ? bounds.maxTokens + 1 : countTokens(section);
    this.#taskSection = tokens <= bounds.maxTokens ? section : '';
    if (tokens <= bounds.maxTokens) this.#total = tokens;
  }

  take(items: readonly RankedItem[]): void {
    const isDue = (item: RankedItem): boolean => {
      const section = SECTION_OF[item.kind];
      return this.#spent[section] < this.#bounds.maxTokens * SHARE_LEAST[section] && isToThePoint(item);
    };
    this.#takeEach(items, isDue);
    const postponed: RankedItem[] = [];
    this.#takeEach(items, (item) => {
      const section = SECTION_OF[item.kind];
      if (this.#spent[section] < this.#bounds.maxTokens * SHARE_MAX[section]) return true;
      postponed.push(item);
      return false;
    });
    this.#takeEach(postponed, () => true);
  }

  #takeEach(items: readonly RankedItem[], isWanted: (item: RankedItem) => boolean): void {
    let misses = 0;
    for (const item of items) {
      if (misses > MISSES_MAX || this.#total >= this.#bounds.maxTokens) return;
      if (isWanted(item) && !this.#tryTake(item)) misses++;
    }
  }

  /** False when it does not fit. */
  #tryTake(ranked: RankedItem): boolean {
    const left = this.#bounds.maxTokens - this.#total;
    if (this.#index.text(ranked.item).length > left * CHARS_PER_TOKEN) return false;
    const line = lineOf(this.#index, ranked.item);
    if (this.#lines.has(line) || (ranked.kind === 'episode_summary' && this.#isNeedless(ranked))) return true;
    const section = SECTION_OF[ranked.kind];
    const headings = this.#headingsFor(ranked, section).filter((heading) => !this.#headingsWritten.has(heading.key));
    const own = this.#index.tokens(ranked.item, () => countTokens(line));
    const cost = headings.reduce((sum, { text }) => sum + countTokens(text), own);
    if (cost > left) return false;
    this.#total += cost;
    this.#spent[section] += cost;
    this.#lines.add(line);
    for (const { key } of headings) this.#headingsWritten.add(key);
    this.#keep(ranked, section);
    return true;
  }

  #headingsFor(ranked: RankedItem, section: Section): readonly { readonly key: string; readonly text: string }[] {
    const headings: { readonly key: string; readonly text: string }[] = [{ key: section, text: HEADINGS[section] }];
    if (section !== 'interactions') return headings;
    const { key, heading, isCurrent } = this.#bucketOf(ranked);
    if (this.#bounds.sessionId !== null) {
      headings.push(
        isCurrent ? { key: 'current', text: this.#currentHeading } : { key: 'previous', text: PREVIOUS_HEADING },
      );
    }
    headings.push({ key, text: heading });
    return headings;
  }

  #bucketOf(ranked: RankedItem): { readonly key: string; readonly heading: string; readonly isCurrent: boolean } {
    const { sessionId } = ranked;
    const heading = `${dayOf(this.#index.at(ranked.item))}\n`;
    const isCurrent = sessionId !== null && sessionId === this.#bounds.sessionId;
    return { key: `${heading}${sessionId === null ? '' : `/${sessionId}`}`, heading, isCurrent };
  }

  #keep(ranked: RankedItem, section: Section): void {
    if (section !== 'interactions') {
      this.#memories[section].push(ranked);
      return;
    }
    const { key, heading, isCurrent } = this.#bucketOf(ranked);
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) this.#buckets.set(key, { heading, isCurrent, items: [ranked] });
    else bucket.items.push(ranked);
    const { id } = this.#index.episode(ranked.item)!;
    this.#takenOfEpisode.set(id, (this.#takenOfEpisode.get(id) ?? 0) + 1);
  }

  /** CA4. */
  #isNeedless(ranked: RankedItem): boolean {
    const sources = this.#index.memory(ranked.item)!.sourceEpisodeIds.map((id) => this.#index.episodeById(id));
    let characters = 0;
    let utterances = 0;
    let taken = 0;
    for (const episode of sources) {
      if (episode === undefined) return false;
      utterances += episode.items;
      taken += this.#takenOfEpisode.get(episode.id) ?? 0;
      for (let item = episode.firstItem; item < episode.firstItem + episode.items; item++) {
        characters += this.#index.text(item).length;
      }
    }
    if (utterances === 0) return false;
    return this.#index.text(ranked.item).length > characters * SUMMARY_LENGTH_MAX || taken * 2 >= utterances;
  }

  write(): AssembledContext {
    const parts = [this.#taskSection];
    for (const section of ['facts', 'procedures', 'summaries'] as const) {
      const items = this.#memories[section];
      if (items.length > 0) parts.push(HEADINGS[section], ...items.map(({ item }) => lineOf(this.#index, item)));
    }
    const interactions = this.#writeInteractions(parts);
    const ids = (items: readonly RankedItem[]): string[] => items.map(({ memoryId }) => memoryId!);
    return {
      assembledContext: parts.join(''),
      tokenEstimate: this.#total,
      factIds: ids(this.#memories.facts),
      procedureIds: ids(this.#memories.procedures),
      summaryIds: ids(this.#memories.summaries),
      episodeIds: [...new Set(interactions.map(({ episodeId }) => episodeId!))],
      sessions: sessionsOf(this.#index, interactions),
    };
  }

  #writeInteractions(parts: string[]): readonly RankedItem[] {
    const at = ({ item }: RankedItem): number => this.#index.at(item);
    const inTime = (a: RankedItem, b: RankedItem): number => at(a) - at(b) || a.position - b.position;
    const buckets = [...this.#buckets.values()];
    for (const { items } of buckets) items.sort(inTime);
    buckets.sort((a, b) => Number(b.isCurrent) - Number(a.isCurrent) || inTime(a.items[0]!, b.items[0]!));
    if (buckets.length > 0) parts.push(HEADINGS.interactions);
    for (const [number, { heading, isCurrent, items }] of buckets.entries()) {
      const isFirst = number === 0 || buckets[number - 1]!.isCurrent !== isCurrent;
      if (this.#bounds.sessionId !== null && isFirst) parts.push(isCurrent ? this.#currentHeading : PREVIOUS_HEADING);
      parts.push(heading, ...items.map(({ item }) => lineOf(this.#index, item)));
    }
    return buckets.flatMap(({ items }) => items);
  }
}

function isToThePoint({ parts: { lexical, cosine } }: RankedItem): boolean {
  return lexical >= LEXICAL_LEAST || (cosine ?? 0) >= COSINE_LEAST;
}

/** As it stands in a context, with its line break. */
function lineOf(index: SubjectIndex, item: number): string {
  const memory = index.memory(item);
  if (memory === undefined) return `${index.speakers[index.speakerNumber(item)]}: ${index.text(item)}\n`;
  return memory.kind === 'episode_summary'
    ? `- ${dayOf(index.at(item))}: ${index.text(item)}\n`
    : `- ${index.text(item)}\n`;
}

/** Most items of a ranking are of few days. */
let lastDay = { number: Number.NaN, text: '' };

function dayOf(at: number): string {
  const number = Math.floor(at / DAY_MS);
  if (number !== lastDay.number) {
    const date = new Date(at);
    lastDay = { number, text: `${DAYS[date.getUTCDay()]} ${date.toISOString().slice(0, 10)}` };
  }
  return lastDay.text;
}

function sessionsOf(index: SubjectIndex, items: readonly RankedItem[]): readonly AssembledSession[] {
  const sessions = new Map<string, { readonly episodes: Set<string>; firstAt: number; lastAt: number }>();
  for (const { item, sessionId, episodeId } of items) {
    if (sessionId === null) continue;
    const at = index.at(item);
    const known = sessions.get(sessionId);
    if (known === undefined) {
      sessions.set(sessionId, { episodes: new Set([episodeId!]), firstAt: at, lastAt: at });
      continue;
    }
    known.episodes.add(episodeId!);
    known.firstAt = Math.min(known.firstAt, at);
    known.lastAt = Math.max(known.lastAt, at);
  }
  return [...sessions]
    .map(([sessionId, { episodes, firstAt, lastAt }]) => {
      return { sessionId, episodeCount: episodes.size, firstAt, lastAt };
    })
    .sort((a, b) => a.firstAt - b.firstAt || (a.sessionId < b.sessionId ? -1 : 1));
}
