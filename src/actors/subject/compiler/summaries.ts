// Summaries
//
// One for each episode: what it says in its own words, shortened to the sentences that say most, with the names, numbers and dates of
// those that were left out. Extractive, so that nothing stands in it that was not said; the days that it speaks of are told by the
// calendar, since "yesterday" is only true for a day.

import { namedTimes } from './dates.js';
import { clipped, SUMMARY_CHARS_MAX } from './draft.js';
import type { Sentence } from './sentences.js';
import type { Spoken } from './spoken.js';
import { ADVERBS, PHRASE_ENDS, PREPOSITIONS } from './vocabulary.js';

export interface EpisodeSummary {
  readonly content: string;
  readonly summary: string;
}

/** What is shorter is its own summary. */
const WHOLE_CHARS_MAX = 480;
const CHOSEN_CHARS_MAX = 400;
/** A sentence that alone is longer is clipped. */
const SENTENCE_CHARS_MAX = 300;
/** Names, numbers and dates of the sentences left out: the first so many. */
export const DETAILS_MAX = 40;
/** Sentences that are weighed; those behind them are named by their details alone. */
const WEIGHED_MAX = 400;
/** Sentences that are looked at for details. */
const LOOKED_AT_MAX = 4_000;

interface Weighed {
  readonly place: number;
  readonly speaker: string;
  readonly text: string;
  readonly details: readonly string[];
  readonly weight: number;
}

export function summaryOf(spoken: readonly Spoken[], saidAtMs: number): EpisodeSummary {
  const weighed: Weighed[] = [];
  const beyond: string[] = [];
  for (const { speaker, sentences, voice } of spoken) {
    if (voice === 'system') continue;
    for (const sentence of sentences) {
      if (weighed.length < WEIGHED_MAX) weighed.push(weigh(sentence, weighed.length, speaker, saidAtMs));
      else if (beyond.length < LOOKED_AT_MAX) beyond.push(...detailsOf(sentence, saidAtMs));
      else break;
    }
  }
  const best = weighed.reduce(
    (least: Weighed | undefined, one) => (least === undefined || one.weight > least.weight ? one : least),
    undefined,
  );
  const summary = clipped(best?.text ?? '', SUMMARY_CHARS_MAX);
  const chosen = chosenOf(weighed);
  const told = chosen.map(({ text }) => text).join('\n');
  const left = [...weighed.filter((one) => !chosen.includes(one)).flatMap(({ details }) => details), ...beyond];
  const details = [...new Set(left)].filter((detail) => !told.includes(detail)).slice(0, DETAILS_MAX);
  const also = details.length === 0 ? '' : `\nAlso: ${details.join(', ')}.`;
  return { content: `${byTurns(chosen)}${also}`, summary };
}

/** All, where all is short; else the weightiest until the room is full, in their order. */
function chosenOf(weighed: readonly Weighed[]): readonly Weighed[] {
  const all = weighed.reduce((chars, { text }) => chars + text.length + 1, 0);
  if (all <= WHOLE_CHARS_MAX) return weighed;
  const byWeight = weighed.toSorted((a, b) => b.weight - a.weight || a.place - b.place);
  const chosen: Weighed[] = [];
  let room = CHOSEN_CHARS_MAX;
  for (const one of byWeight) {
    if (one.text.length > room && chosen.length > 0) continue;
    chosen.push(one);
    room -= one.text.length + 1;
  }
  return chosen.sort((a, b) => a.place - b.place);
}

/** Sentences of one speaker that follow each other stand in one line, behind the name. */
function byTurns(chosen: readonly Weighed[]): string {
  const lines: string[] = [];
  let speaker: string | undefined;
  for (const one of chosen) {
    if (one.speaker === speaker) lines[lines.length - 1] += ` ${one.text}`;
    else lines.push(`${one.speaker}: ${one.text}`);
    speaker = one.speaker;
  }
  return lines.join('\n');
}

function weigh(sentence: Sentence, place: number, speaker: string, saidAtMs: number): Weighed {
  const details = detailsOf(sentence, saidAtMs);
  const own = sentence.words.some(({ low }) => low === 'i' || low === 'my' || low === 'we');
  const short = sentence.words.length < 4 ? 1.5 : 0;
  const weight =
    Math.min(details.length, 5) +
    (own ? 1.5 : 0) -
    (sentence.asks ? 1 : 0) -
    (sentence.cited ? 2 : 0) -
    short -
    place / 1_000;
  return { place, speaker, text: clipped(dated(sentence, saidAtMs), SENTENCE_CHARS_MAX), details, weight };
}

/** The sentence with its relative days resolved. */
function dated(sentence: Sentence, saidAtMs: number): string {
  let text = '';
  let from = 0;
  for (const { relative, next, label } of namedTimes(sentence.words, saidAtMs)) {
    if (!relative) continue;
    const end = sentence.words[next - 1]!.end;
    text += `${sentence.text.slice(from, end)} (${label})`;
    from = end;
  }
  return text + sentence.text.slice(from);
}

/** The names, numbers and dates of a sentence. */
export function detailsOf({ words, text }: Sentence, saidAtMs: number): readonly string[] {
  const details: string[] = [];
  const times = namedTimes(words, saidAtMs);
  for (const { label } of times) details.push(label);
  const dateWords = new Set(
    times.flatMap(({ first, next }) => Array.from({ length: next - first }, (_, at) => first + at)),
  );
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (dateWords.has(at) || word.text.length > 100) continue;
    if (word.capital && !isOrdinary(word.low, at)) {
      let next = at + 1;
      while (
        next < words.length &&
        next < at + 4 &&
        !words[next - 1]!.closes &&
        words[next]!.capital &&
        words[next]!.low !== 'i'
      )
        next++;
      details.push(text.slice(word.start, words[next - 1]!.end));
      at = next - 1;
    } else if (/\p{N}/u.test(word.text)) details.push(word.text);
  }
  return details;
}

/** A capital letter at the beginning, and of "I", names nothing. */
function isOrdinary(low: string, at: number): boolean {
  return low === 'i' || at === 0 || ADVERBS.has(low) || PHRASE_ENDS.has(low) || PREPOSITIONS.has(low);
}
