// Token count
//
// How many tokens of cl100k a text is. The tokenizer's table takes 60 ms to load and 10 MB of the thread's heap, so a
// thread loads it with its first count.
//
// TC1. Never less than the tokenizer says of the same text. Exactly that, unless the text has a run of more than
//      RUN_CHARS_MAX letters, signs or spaces: such a run counts by its bytes, since merging it costs the square of it.
// TC2. Pieces that end with a line break and begin with something else than white space count alone as they count
//      together: a token never reaches over a line break that something visible follows.

import { createRequire } from 'node:module';

type Tokenizer = typeof import('gpt-tokenizer/encoding/cl100k_base');

const RUN_CHARS_MAX = 256;
const RUN = /\p{L}+|[^\s\p{L}\p{N}]+|\s+/gu;
/** Names of special tokens in a text are text. */
const AS_TEXT = { disallowedSpecial: new Set<string>() };

let loaded: Tokenizer | undefined;

function tokenizer(): Tokenizer {
  loaded ??= createRequire(import.meta.url)('gpt-tokenizer/encoding/cl100k_base') as Tokenizer;
  return loaded;
}

/** About 0.7 µs a token. */
export function countTokens(text: string): number {
  if (text.length <= RUN_CHARS_MAX) return tokenizer().countTokens(text, AS_TEXT);
  let count = 0;
  let at = 0;
  for (const run of text.matchAll(RUN)) {
    if (run[0].length <= RUN_CHARS_MAX) continue;
    // One more on either side for what the run may have been joined to.
    count += tokenizer().countTokens(text.slice(at, run.index), AS_TEXT) + Buffer.byteLength(run[0]) + 1;
    at = run.index + run[0].length;
  }
  return count + tokenizer().countTokens(at === 0 ? text : text.slice(at), AS_TEXT);
}
