// Sentences
//
// Cuts what somebody said into sentences, and these into words, in one pass over the characters: linear in the text whatever
// is in it. The patterns of the compiler read words, never text, so that none of them can be made to backtrack.
//
// T1. A sentence has at most SENTENCE_CHARS_MAX characters; what runs on without an end is cut, and counts as cut off.
// T2. `words[i].start` and `end` are places in the sentence's text; contractions are two words of one place.

/** Longer ones are no statements about a person; they are cut, so that each is cheap. */
export const SENTENCE_CHARS_MAX = 800;

export interface Word {
  /** As it was written, without the punctuation around it. */
  readonly text: string;
  /** In small letters; contractions are spelled out. */
  readonly low: string;
  readonly start: number;
  readonly end: number;
  /** Punctuation follows: a phrase ends here. */
  readonly closes: boolean;
  /** The punctuation that follows, or ''. */
  readonly mark: string;
  /** Between quotation marks. */
  readonly quoted: boolean;
  readonly capital: boolean;
}

export interface Sentence {
  readonly text: string;
  readonly words: readonly Word[];
  /** Ends with a question mark. */
  readonly asks: boolean;
  /** Stands in a line that quotes, or in a block of code: not said by the speaker. */
  readonly cited: boolean;
}

const ABBREVIATIONS = new Set([
  'mr',
  'mrs',
  'ms',
  'dr',
  'prof',
  'st',
  'vs',
  'e.g',
  'i.e',
  'no',
  'inc',
  'jr',
  'sr',
  'approx',
]);
/** What splits words besides white space: dashes that join clauses, and the punctuation of scripts that write no spaces. */
const SPLITTING = new Set([...'—–…、，。！？；：']);
const EDGE = new Set([...'.,;:!?()[]{}"“”„«»<>*_~|`‘’\'…、，。！？；：（）「」']);
const QUOTE_OPENS = new Set([...'“„«「']);
const QUOTE_CLOSES = new Set([...'”»」']);
const CJK_END = new Set([...'。！？']);

/** Longer texts are cut into sentences anew each time they are read: their words would take fifty times the text's memory. */
const KEPT_CHARS_MAX = 16_384;

/** The sentences of a text, to be read several times. */
export function sentencesIn(text: string): Iterable<Sentence> {
  if (text.length <= KEPT_CHARS_MAX) return [...sentencesOf(text)];
  return { [Symbol.iterator]: () => sentencesOf(text) };
}

/** The sentences of a text, in order. Cost: linear, some 100 ns a word. */
export function* sentencesOf(text: string): Generator<Sentence> {
  let fenced = false;
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf('\n', from);
    const to = newline === -1 ? text.length : newline;
    if (isFence(text, from, to)) fenced = !fenced;
    else yield* sentencesOfLine(text, from, to, fenced || startsQuote(text, from, to));
    from = to + 1;
  }
}

function isFence(text: string, from: number, to: number): boolean {
  return text.startsWith('```', from) && from + 3 <= to;
}

function startsQuote(text: string, from: number, to: number): boolean {
  let at = from;
  while (at < to && (text[at] === ' ' || text[at] === '\t')) at++;
  return at < to && text[at] === '>';
}

function* sentencesOfLine(text: string, from: number, to: number, cited: boolean): Generator<Sentence> {
  let start = from;
  for (let at = from; at < to; at++) {
    const ends = endsAt(text, start, at, to);
    if (!ends && at - start + 1 < SENTENCE_CHARS_MAX) continue;
    let end = at + 1;
    // The whole run of marks, and the quotation mark that closes behind it, belong to the sentence.
    while (ends && end < to && end - start < SENTENCE_CHARS_MAX && /[.!?"”»)]/.test(text[end]!)) end++;
    yield* sentence(text.slice(start, end), cited);
    start = end;
    at = end - 1;
  }
  yield* sentence(text.slice(start, to), cited);
}

function endsAt(text: string, start: number, at: number, to: number): boolean {
  const mark = text[at]!;
  if (CJK_END.has(mark)) return true;
  if (mark !== '.' && mark !== '!' && mark !== '?') return false;
  const next = at + 1 < to ? text[at + 1]! : ' ';
  if (!/[\s"”»)!?.]/.test(next)) return false;
  if (mark !== '.') return true;
  let word = at;
  while (word > start && at - word < 12 && !/[\s(]/.test(text[word - 1]!)) word--;
  const before = text.slice(word, at);
  // An initial ("J. Smith"), and a number of a list ("1. Open").
  if (/^[A-Z]$/.test(before) && before !== 'I') return false;
  if (/^\d{1,2}$/.test(before) && text.slice(start, word).trim() === '') return false;
  return !ABBREVIATIONS.has(before.toLowerCase());
}

function* sentence(raw: string, cited: boolean): Generator<Sentence> {
  const text = raw.trim();
  if (text === '') return;
  const words = wordsOf(text);
  if (words.length === 0) return;
  yield { text, words, asks: /[?？]/.test(text.slice(-3)), cited };
}

/** The words of one sentence. */
export function wordsOf(text: string): readonly Word[] {
  const words: Word[] = [];
  let quote = '';
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    const char = at < text.length ? text[at]! : ' ';
    if (!isSpace(char) && !SPLITTING.has(char)) continue;
    if (at > from) quote = addChunk(words, text, from, at, at < text.length && SPLITTING.has(char) ? char : '', quote);
    from = at + 1;
  }
  return words;
}

function isSpace(char: string): boolean {
  return char === ' ' || char === '\t' || char === '\r' || char === '\u00a0' || char === '\u3000' || char === '\u2028';
}

/** Adds what stands between two spaces; returns the quotation mark that is open behind it. */
function addChunk(words: Word[], text: string, from: number, to: number, split: string, open: string): string {
  let [start, end, quote] = [from, to, open];
  while (start < end && EDGE.has(text[start]!)) quote = quoteAfter(text[start++]!, quote, true);
  while (end > start && (EDGE.has(text[end - 1]!) || (text[end - 1] === '-' && end > start + 1))) end--;
  const trailing = text.slice(end, to);
  if (end === start + 1 && text[start] === '-') {
    // A hyphen between spaces is a dash.
    const last = words.pop();
    if (last !== undefined) words.push({ ...last, closes: true, mark: last.mark || '-' });
  } else if (end > start) {
    const mark = /[,;:.!?)\]}-]/.exec(trailing)?.[0] ?? split;
    pushWord(words, text.slice(start, end), { start, end, closes: mark !== '', mark, quoted: quote !== '' });
  }
  for (const char of trailing) quote = quoteAfter(char, quote, false);
  return quote;
}

function quoteAfter(char: string, open: string, leading: boolean): string {
  if (char === '"') return open === '"' ? '' : leading ? '"' : open;
  if (QUOTE_OPENS.has(char)) return leading ? char : '';
  if (QUOTE_CLOSES.has(char)) return '';
  return open;
}

type Place = Pick<Word, 'start' | 'end' | 'closes' | 'mark' | 'quoted'>;

/** Whom `'s` makes "is" of; behind any other word it is the genitive. */
const IS_BEHIND = new Set([
  'he',
  'she',
  'it',
  'that',
  'this',
  'there',
  'here',
  'what',
  'who',
  'where',
  'name',
  'everyone',
  'birthday',
]);
const SPELLED: Readonly<Record<string, string>> = { m: 'am', re: 'are', ve: 'have', ll: 'will', d: 'would' };
const RUN_TOGETHER = new Map<string, readonly [string, string]>(
  Object.entries({
    im: ['i', 'am'],
    ive: ['i', 'have'],
    dont: ['do', 'not'],
    doesnt: ['does', 'not'],
    didnt: ['did', 'not'],
    cant: ['can', 'not'],
    cannot: ['can', 'not'],
    "can't": ['can', 'not'],
    "won't": ['will', 'not'],
  } as const),
);
const RUN_TOGETHER_CHARS_MAX = 6;

function pushWord(words: Word[], text: string, place: Place): void {
  const low = text.toLowerCase().replaceAll('’', "'");
  const pair = contractionOf(low);
  const first = text[0]!;
  const capital = first !== first.toLowerCase();
  if (pair === undefined) {
    words.push({ text, low, capital, ...place });
    return;
  }
  words.push({ text, low: pair[0], capital, ...place, closes: false, mark: '' });
  words.push({ text, low: pair[1], capital: false, ...place });
}

function contractionOf(low: string): readonly [string, string] | undefined {
  const apostrophe = low.lastIndexOf("'");
  if (apostrophe <= 0 && low.length > RUN_TOGETHER_CHARS_MAX) return undefined;
  const together = RUN_TOGETHER.get(low);
  if (together !== undefined) return together;
  if (apostrophe <= 0) return undefined;
  if (low.endsWith("n't")) return [low.slice(0, -3), 'not'];
  const [base, tail] = [low.slice(0, apostrophe), low.slice(apostrophe + 1)];
  if (tail === 's') return IS_BEHIND.has(base) ? [base, 'is'] : undefined;
  return Object.hasOwn(SPELLED, tail) ? [base, SPELLED[tail]!] : undefined;
}
