// Facts
//
// What a person says of themselves, sentence by sentence, and what an assistant repeats of it. A fact that is not there costs more than
// one that is missed: questions, suppositions, denials, quotations and the words of others become none.
//
// F1. Only statements of the speaker about the speaker ("i", "my", "we"); an assistant's "you" counts behind a word that confirms.
// F2. Linear in the text: words are looked at once, and patterns bounded (P1 of patterns.ts).

import { type NamedTime, namedTimes } from './dates.js';
import { matchesAt } from './patterns.js';
import type { Sentence, Word } from './sentences.js';
import type { FactValue } from './slots.js';
import {
  ADVERBS,
  CONFIRMING,
  DENYING,
  DICTATING,
  isPastForm,
  KIN,
  OPENERS,
  REPORTING,
  SUPPOSING,
} from './vocabulary.js';

export interface SpokenFact extends FactValue {
  readonly confidence: number | undefined;
  /** The sentence that states it. */
  readonly quote: string;
  readonly time: NamedTime | undefined;
  /** Repeated by an assistant, not said by the person. */
  readonly confirmed: boolean;
}

export type Voice = 'person' | 'assistant';

/** How many words back a denial reaches. */
const DENIAL_WORDS = 4;
/** An event longer than this is a story; its summary tells it. */
const EVENT_CHARS_MAX = 300;
const EVENT_WORDS_MIN = 4;

/** The facts that the sentences of one message state, in the order of its sentences. */
export function* factsOf(sentences: Iterable<Sentence>, voice: Voice, saidAtMs: number): Generator<SpokenFact> {
  let confirming = false;
  for (const sentence of sentences) {
    if (asksForWorkOnText(sentence)) return;
    if (sentence.cited) continue;
    const heard = voice === 'person' ? undefined : confirmationAt(sentence);
    // An assistant's question confirms nothing, nor does what it says before it.
    if (!sentence.asks && !endsInTag(sentence)) yield* ofSentence(sentence, voice, saidAtMs, confirming ? 0 : heard);
    confirming ||= heard !== undefined;
  }
}

function* ofSentence(
  sentence: Sentence,
  voice: Voice,
  saidAtMs: number,
  heardAt: number | undefined,
): Generator<SpokenFact> {
  if (voice === 'assistant' && heardAt === undefined) return;
  const lows = voice === 'person' ? sentence.words.map(({ low }) => low) : asTheirs(sentence.words);
  if (!lows.some(isSelf) && !startsInstruction(lows)) return;
  const doubtful = doubtsOf(sentence, lows);
  for (let at = voice === 'assistant' ? heardAt! : 0; at < lows.length; at++) {
    if (doubtful[at] || sentence.words[at]!.quoted || !opensStatement(sentence, lows, at)) continue;
    for (const { slot, key, value, confidence, next } of matchesAt(sentence, lows, at)) {
      if (deniedBehind(lows, next)) continue;
      yield { slot, key, value, confidence, quote: sentence.text, time: undefined, confirmed: voice === 'assistant' };
    }
  }
  yield* named(sentence, lows, doubtful, voice);
  if (voice === 'person') yield* events(sentence, lows, doubtful, saidAtMs);
}

function isSelf(low: string): boolean {
  return low === 'i' || low === 'my' || low === 'we' || low === 'our' || low === 'me';
}

function startsInstruction(lows: readonly string[]): boolean {
  const first = lows[0] === 'please' ? lows[1] : lows[0];
  return first === 'always' || first === 'never' || (first === 'this' && lows[1] === 'is');
}

/** The words of an assistant as if the person said them: "you" is "i", and what it says of itself is nobody's. */
function asTheirs(words: readonly Word[]): readonly string[] {
  return words.map(({ low }, at) => {
    if (low === 'you') return 'i';
    if (low === 'your') return 'my';
    if (isSelf(low)) return `(${low})`;
    if (low === 'are' && words[at - 1]?.low === 'you') return 'am';
    return low;
  });
}

function confirmationAt(sentence: Sentence): number | undefined {
  const at = sentence.words.findIndex(({ low }) => CONFIRMING.has(low));
  return at === -1 ? undefined : at + 1;
}

/** "Translate this: I live in Paris." and whatever follows it are not about the speaker. */
function asksForWorkOnText({ words }: Sentence): boolean {
  const polite = /^(please|can|could|would|you|kindly|now|then|hi|hey|hello)$/;
  let at = 0;
  while (at < words.length && at < 4 && polite.test(words[at]!.low)) at++;
  return words[at] !== undefined && DICTATING.has(words[at]!.low) && words.length > at + 1;
}

/** "I work at Acme, right?" is a question; "I love Mondays, not." a joke. */
function endsInTag({ words }: Sentence): boolean {
  const last = words.at(-1)!.low;
  return last === 'not' && words.at(-2)?.closes === true ? true : last === 'kidding' || last === '/s';
}

/** For each word, whether what begins there is supposed, reported or denied rather than stated. */
function doubtsOf(sentence: Sentence, lows: readonly string[]): readonly boolean[] {
  const doubtful: boolean[] = [];
  let supposed = false;
  let deniedUntil = -1;
  for (let at = 0; at < lows.length; at++) {
    const low = lows[at]!;
    const before = sentence.words[at - 1];
    // "…, but I work at Acme": the doubt ends with its clause.
    if (low === 'but' || before?.mark === ';') {
      supposed = false;
      deniedUntil = -1;
    }
    doubtful.push(supposed || at <= deniedUntil || isQuestionForm(lows, at));
    if (SUPPOSING.has(low) && !(low === 'would' && ownWords(lows, at))) supposed = true;
    if (REPORTING.has(low) && !ownWords(lows, at)) supposed = true;
    // "No, I work at Acme" denies something else.
    if (DENYING.has(low) && !sentence.words[at]!.closes && !(low === 'no' && at === 0)) deniedUntil = at + DENIAL_WORDS;
  }
  return doubtful;
}

/** "The things I love": there it is the things that are spoken of. */
function opensStatement(sentence: Sentence, lows: readonly string[], at: number): boolean {
  if (at === 0 || (lows[at] !== 'i' && lows[at] !== 'we')) return true;
  const before = sentence.words[at - 1]!;
  return before.closes || OPENERS.has(lows[at - 1]!) || ADVERBS.has(lows[at - 1]!) || at === 1;
}

/** "do i like", "am i a": the verb before its subject. */
function isQuestionForm(lows: readonly string[], at: number): boolean {
  return (
    (lows[at] === 'i' || lows[at] === 'we') &&
    /^(do|did|am|was|were|are|does|have|shall|can|why|how)$/.test(lows[at - 1] ?? '') &&
    lows[at - 2] !== 'i'
  );
}

/** Whether the verb at `at` is the speaker's own: "I said", "I would". */
function ownWords(lows: readonly string[], at: number): boolean {
  let before = at - 1;
  while (before >= 0 && (ADVERBS.has(lows[before]!) || /^(have|had|did|already|told)$/.test(lows[before]!))) before--;
  return lows[before] === 'i' || lows[before] === 'we';
}

/** "I like sushi, just kidding", "I work at Acme no longer". */
function deniedBehind(lows: readonly string[], next: number): boolean {
  return (
    (lows[next] === 'no' && (lows[next + 1] === 'longer' || lows[next + 1] === 'more')) ||
    lows.indexOf('kidding', next) !== -1
  );
}

/** "Anna is my sister": the name stands before the pattern. */
function* named(
  sentence: Sentence,
  lows: readonly string[],
  doubtful: readonly boolean[],
  voice: Voice,
): Generator<SpokenFact> {
  const at = lows.indexOf('is');
  if (at < 1 || lows[at + 1] !== 'my' || doubtful[at]) return;
  const place = lows[at + 2] === 'best' || lows[at + 2] === 'older' || lows[at + 2] === 'younger' ? at + 3 : at + 2;
  const first = sentence.words[at - 1]!;
  const key = lows[place];
  if (
    key === undefined ||
    !first.capital ||
    first.closes ||
    first.quoted ||
    !KIN.has(key) ||
    /^(this|that|it|here|he|she|who)$/.test(first.low)
  )
    return;
  const start = at >= 2 && sentence.words[at - 2]!.capital && !sentence.words[at - 2]!.closes ? at - 2 : at - 1;
  const value = sentence.text.slice(sentence.words[start]!.start, first.end);
  yield {
    slot: 'relation',
    key,
    value,
    confidence: undefined,
    quote: sentence.text,
    time: undefined,
    confirmed: voice === 'assistant',
  };
}

/** What the speaker did or will do on a day that the sentence names. */
function* events(
  sentence: Sentence,
  lows: readonly string[],
  doubtful: readonly boolean[],
  saidAtMs: number,
): Generator<SpokenFact> {
  if (sentence.text.length > EVENT_CHARS_MAX || lows.length < EVENT_WORDS_MIN) return;
  const verbAt = ownVerb(sentence, lows, doubtful);
  if (verbAt === undefined) return;
  const time = namedTimes(sentence.words, saidAtMs)[0];
  if (time === undefined) return;
  yield {
    slot: 'event',
    key: '',
    value: withDate(sentence, time),
    confidence: undefined,
    quote: sentence.text,
    time,
    confirmed: false,
  };
}

/** Where "I went", "we're going", "my exam is" begins. */
function ownVerb(sentence: Sentence, lows: readonly string[], doubtful: readonly boolean[]): number | undefined {
  for (let at = 0; at < lows.length - 1; at++) {
    if (doubtful[at] || sentence.words[at]!.quoted) continue;
    const low = lows[at]!;
    if ((low === 'my' || low === 'our') && lows[at + 1] !== 'birthday') {
      for (let verb = at + 2; verb < Math.min(lows.length, at + 5); verb++)
        if (/^(is|are|was|starts|begins|ends)$/.test(lows[verb]!)) return verb;
    }
    if (low !== 'i' && low !== 'we') continue;
    let verb = at + 1;
    while (verb < lows.length && verb < at + 4 && (ADVERBS.has(lows[verb]!) || lows[verb] === 'all')) verb++;
    const [said, behind] = [lows[verb] ?? '', lows[verb + 1] ?? ''];
    if (behind === 'not' || behind === 'never' || said === 'used') continue;
    if (isPastForm(said) || said === 'will' || /^(gonna|plan|intend|start|leave|fly|move)$/.test(said)) return verb;
    if (
      /^(am|are|have)$/.test(said) &&
      behind !== 'been' &&
      /(ing|ed)$/.test(ADVERBS.has(behind) ? (lows[verb + 2] ?? '') : behind)
    )
      return verb;
    if (said === 'have' && (behind === 'a' || behind === 'an' || behind === 'my')) return verb;
  }
  // "Just finished my first marathon yesterday": the subject goes without saying.
  return isPastForm(lows[lows[0] === 'just' ? 1 : 0] ?? '') && !doubtful[1] ? 0 : undefined;
}

/** The sentence with what it names resolved: "I went there yesterday (7 May 2023)." */
function withDate(sentence: Sentence, time: NamedTime): string {
  const end = sentence.words[time.next - 1]!.end;
  const label = time.relative ? ` (${time.label})` : '';
  return `${sentence.text.slice(0, end)}${label}${sentence.text.slice(end)}`;
}
