// Terms
//
// What texts are compared by. A Latin word is folded (case, accents) and stemmed; other alphabets are folded, and cut
// where their endings begin; scripts without spaces give overlapping pairs of characters; a picture character is a term.
// An identifier gives itself and its parts.
//
// Does not: know what a term is worth (ranking.ts).
//
// TE1. Any string gives terms: nothing throws, lone surrogates and unassigned characters are passed over.
// TE2. At most `TERMS_MAX` terms of at most `TERM_CHARS_MAX` characters from one text; what lies behind is not compared.

import { stemEnglish } from './english-stem.js';
import { STOP_WORDS } from './stop-words.js';

export const TERM_CHARS_MAX = 48;
export const TERMS_MAX = 4_096;
/** Characters of a text that are looked at: more than TERMS_MAX ordinary words. */
const TEXT_CHARS_MAX = 65_536;
/** Words whose term is remembered, in the whole thread; past it they are forgotten all at once. About 100 bytes each. */
const REMEMBERED_WORDS_MAX = 20_000;
/** A longer word may be a slice that keeps its whole text alive, so it is not remembered. */
const REMEMBERED_CHARS_MAX = 12;
/** Where a word of a language with many endings is cut: as good as a stemmer of each, and it needs no list. */
const OTHER_ALPHABET_CHARS = 6;

const WORD = /[\p{L}\p{N}\p{M}]+|\p{Extended_Pictographic}/gu;
const ASCII = /^[\0-\x7f]*$/;
const ASCII_WORD = /[A-Za-z0-9]+/g;
const WITHOUT_SPACES =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const SPACELESS_RUN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{M}ー]+/gu;
const ENDINGS_VARY = /^[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Georgian}]/u;
const CAMEL_BORDER = /(?<=[a-z0-9])(?=[A-Z])/;
const MARKS = /\p{M}+/gu;
/** What Arabic writes in front of a word, and with it: and, by, like, for, the. (The prefixes of the light10 stemmer.) */
const ARABIC_PREFIX = /^و?(?:[بكف]?ال|لل)?(?=\p{Script=Arabic}{3})/u;

const remembered = new Map<string, string>();

/** The terms of `text` in their order, with repetitions. 0.3 µs a word when it was met before, 2 µs when not. */
export function termsOf(text: string): string[] {
  const terms: string[] = [];
  const looked = text.length > TEXT_CHARS_MAX ? text.slice(0, TEXT_CHARS_MAX) : text;
  if (ASCII.test(looked)) {
    for (const word of looked.match(ASCII_WORD) ?? []) addAsciiWord(word, terms);
  } else {
    for (const word of looked.normalize('NFKC').match(WORD) ?? []) {
      if (ASCII.test(word)) addAsciiWord(word, terms);
      else addOtherWord(word, terms);
    }
  }
  if (terms.length > TERMS_MAX) terms.length = TERMS_MAX;
  return terms;
}

function addAsciiWord(word: string, terms: string[]): void {
  const known = remembered.get(word);
  if (known !== undefined) {
    if (known !== '') terms.push(known);
    return;
  }
  const parts = word.length <= TERM_CHARS_MAX ? word.split(CAMEL_BORDER) : [];
  const term = asciiTerm(word.slice(0, TERM_CHARS_MAX).toLowerCase());
  if (parts.length > 1) {
    terms.push(term);
    for (const part of parts) addAsciiWord(part, terms);
    return;
  }
  remember(word, term);
  if (term !== '') terms.push(term);
}

/** Empty for a stop word. */
function asciiTerm(lower: string): string {
  if (STOP_WORDS.has(lower)) return '';
  return /^[a-z]+$/.test(lower) ? stemEnglish(lower) : lower;
}

function remember(word: string, term: string): void {
  if (word.length > REMEMBERED_CHARS_MAX) return;
  if (remembered.size >= REMEMBERED_WORDS_MAX) remembered.clear();
  remembered.set(word, term);
}

function addOtherWord(word: string, terms: string[]): void {
  if (WITHOUT_SPACES.test(word)) {
    let at = 0;
    for (const run of word.matchAll(SPACELESS_RUN)) {
      if (run.index > at) addAlphabetWord(word.slice(at, run.index), terms);
      addPairs(run[0], terms);
      at = run.index + run[0].length;
    }
    if (at < word.length) addAlphabetWord(word.slice(at), terms);
    return;
  }
  addAlphabetWord(word, terms);
}

function addAlphabetWord(word: string, terms: string[]): void {
  const folded = word.slice(0, TERM_CHARS_MAX).normalize('NFD').replace(MARKS, '').toLowerCase().normalize('NFC');
  if (folded === '') return;
  if (ASCII.test(folded)) {
    const term = asciiTerm(folded);
    if (term !== '') terms.push(term);
    return;
  }
  const bare = folded.replace(ARABIC_PREFIX, '');
  terms.push(ENDINGS_VARY.test(bare) ? bare.slice(0, OTHER_ALPHABET_CHARS) : bare);
}

function addPairs(run: string, terms: string[]): void {
  const characters = Array.from(run);
  if (characters.length === 1) terms.push(characters[0]!);
  for (let at = 0; at + 1 < characters.length && terms.length < TERMS_MAX; at++) {
    terms.push(characters[at]! + characters[at + 1]!);
  }
}
