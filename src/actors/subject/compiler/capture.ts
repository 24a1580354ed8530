// Capture
//
// What reading a value out of a sentence is: it begins at one word, and ends before another.

import type { Sentence, Word } from './sentences.js';

export interface Captured {
  readonly value: string;
  /** The word behind it. */
  readonly next: number;
}

export type Capture = (sentence: Sentence, at: number) => Captured | undefined;

/** A value that is longer is a story. */
const VALUE_CHARS_MAX = 120;

/** Where a phrase that begins at `at` ends: behind punctuation, or before a word that `ends` knows. */
export function phraseEnd(
  words: readonly Word[],
  at: number,
  wordsMax: number,
  ends: (word: Word, index: number) => boolean,
): number {
  let next = at;
  while (next < words.length && next - at < wordsMax) {
    if (next > at && ends(words[next]!, next)) break;
    next++;
    if (words[next - 1]!.closes) break;
  }
  return next;
}

export function captured(sentence: Sentence, at: number, next: number): Captured | undefined {
  if (next <= at) return undefined;
  const value = sentence.text.slice(sentence.words[at]!.start, sentence.words[next - 1]!.end);
  return value.length > VALUE_CHARS_MAX ? undefined : { value, next };
}
