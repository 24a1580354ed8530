// Captures of forms
//
// Values that are known by how they are written, or by being one of a few words.

import { type Capture, captured } from './capture.js';
import { namedTimes } from './dates.js';
import type { Word } from './sentences.js';
import { ADVERBS, ARTICLES, DIETS, EMPTY_THINGS, LANGUAGES, MARITAL, PHRASE_ENDS, PREPOSITIONS } from './vocabulary.js';

export const language: Capture = (sentence, at) => {
  const word = sentence.words[at];
  return word !== undefined && LANGUAGES.has(word.low) ? captured(sentence, at, at + 1) : undefined;
};

function oneWord(accepts: (word: Word) => boolean): Capture {
  return (sentence, at) => {
    const word = sentence.words[at];
    return word !== undefined && accepts(word) ? captured(sentence, at, at + 1) : undefined;
  };
}

const EMAIL_CHARS_MAX = 254;
export const email: Capture = oneWord((word) => {
  const at = word.text.indexOf('@');
  return (
    word.text.length <= EMAIL_CHARS_MAX &&
    at > 0 &&
    at === word.text.lastIndexOf('@') &&
    /^[^@\s]+$/.test(word.text.slice(0, at)) &&
    /^[\p{L}\d-]+(\.[\p{L}\d-]+)+$/u.test(word.text.slice(at + 1))
  );
});
export const handle: Capture = (sentence, at) => {
  const word = sentence.words[at];
  if (word === undefined || !/^@?[\w.-]{2,40}$/.test(word.text) || !/[\d@_.-]|^[a-z]+$/i.test(word.text))
    return undefined;
  return EMPTY_THINGS.has(word.low) || PHRASE_ENDS.has(word.low) || PREPOSITIONS.has(word.low) || ADVERBS.has(word.low)
    ? undefined
    : captured(sentence, at, at + 1);
};
export const age: Capture = oneWord(
  (word) => /^\d{1,3}$/.test(word.low) && Number(word.low) > 2 && Number(word.low) < 120,
);
export const pronouns: Capture = oneWord((word) =>
  /^(she|he|they|ze|xe|her|him|them)(\/[a-z]{2,5}){1,2}$/.test(word.low),
);
export const timezone: Capture = oneWord((word) =>
  /^([A-Z]{2,5}([+-]\d{1,2}(:\d{2})?)?|[A-Z][A-Za-z]+\/[A-Z][A-Za-z_]+)$/.test(word.text),
);

/** Seven digits at least, over the spaces that people write them with. */
export const phone: Capture = (sentence, at) => {
  const { words } = sentence;
  let next = at;
  let digits = 0;
  while (next < words.length && next - at < 6 && /^\+?[\d()/.-]+$/.test(words[next]!.text)) {
    digits += words[next]!.text.replace(/\D/g, '').length;
    next++;
    if (words[next - 1]!.mark !== '' && words[next - 1]!.mark !== ')') break;
  }
  if (digits < 7 || digits > 15) return undefined;
  const found = captured(sentence, at, next);
  const plus =
    words[at]!.start > 0 && /[+(]/.test(sentence.text[words[at]!.start - 1]!)
      ? sentence.text[words[at]!.start - 1]!
      : '';
  return found === undefined ? undefined : { ...found, value: plus + found.value };
};

/** A day of the calendar, in the words that name it. */
export const date: Capture = (sentence, at) => {
  const named = namedTimes(sentence.words.slice(at, at + 5), 0)[0];
  return named === undefined || named.first !== 0 || named.relative
    ? undefined
    : captured(sentence, at, at + named.next);
};

const one =
  (known: ReadonlySet<string>): Capture =>
  (sentence, at) => {
    const word = sentence.words[at];
    const ends =
      word?.closes === true || at + 1 === sentence.words.length || PHRASE_ENDS.has(sentence.words[at + 1]?.low ?? '');
    return word !== undefined && ends && known.has(word.low) ? captured(sentence, at, at + 1) : undefined;
  };
export const diet: Capture = (sentence, at) =>
  one(DIETS)(sentence, ARTICLES.has(sentence.words[at]?.low ?? '') ? at + 1 : at);
export const marital: Capture = one(MARITAL);
