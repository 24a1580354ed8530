// Pipeline
//
// Makes the default proof that a caller can compute: a seed, and operations to apply to it in order. What the
// operations do is the contract's (contract/challenge.ts). Pure functions.
//
// Every text on the way is printable ASCII, so that no two languages can disagree about reversing, casing or decoding
// it; and at most TEXT_CHARS_MAX long, so that a challenge stays small whatever the operations.

import { APPEND, applyOperation, type Operation, type Pipeline, PREPEND } from '../../contract/challenge.js';

/** Each step on the way is at most this long. */
export const TEXT_CHARS_MAX = 512;
const OPERATIONS_MIN = 3;
const OPERATIONS_MAX = 6;
const SEED_CHARS = 16;
const AFFIX_CHARS = 4;

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const KINDS = [
  'reverse',
  'base64_encode',
  'base64_decode',
  'hex_encode',
  'sha256',
  'uppercase',
  'lowercase',
  'rot13',
  PREPEND,
  APPEND,
] as const;

/** A whole number, at least 0 and below `below`, that nobody can predict. */
export type RandomInt = (below: number) => number;

/** A random challenge and its answer. Only operations that are valid where they stand are put in. */
export function buildPipeline(randomInt: RandomInt): { readonly pipeline: Pipeline; readonly answer: string } {
  const seed = randomText(randomInt, SEED_CHARS);
  const operations: Operation[] = [];
  const wanted = OPERATIONS_MIN + randomInt(OPERATIONS_MAX - OPERATIONS_MIN + 1);
  let text = seed;
  while (operations.length < wanted) {
    const current = text;
    const valid = KINDS.filter((kind) => isValid(kind, current));
    const kind = valid[randomInt(valid.length)]!;
    const op = kind === PREPEND || kind === APPEND ? kind + randomText(randomInt, AFFIX_CHARS) : kind;
    operations.push({ op });
    text = applyOperation(text, op);
  }
  return { pipeline: { seed, operations }, answer: text };
}

function isValid(kind: (typeof KINDS)[number], text: string): boolean {
  switch (kind) {
    case 'base64_decode':
      return isDecodable(text);
    case 'base64_encode':
      return Math.ceil(text.length / 3) * 4 <= TEXT_CHARS_MAX;
    case 'hex_encode':
      return text.length * 2 <= TEXT_CHARS_MAX;
    case PREPEND:
    case APPEND:
      return text.length + AFFIX_CHARS <= TEXT_CHARS_MAX;
    case 'reverse':
    case 'sha256':
    case 'uppercase':
    case 'lowercase':
    case 'rot13':
      return true;
    default:
      return kind satisfies never;
  }
}

/** Whether the text is the one base64 form of some printable ASCII. */
function isDecodable(text: string): boolean {
  const decoded = Buffer.from(text, 'base64');
  return /^[ -~]+$/.test(decoded.toString('latin1')) && decoded.toString('base64') === text;
}

function randomText(randomInt: RandomInt, chars: number): string {
  let text = '';
  for (let i = 0; i < chars; i++) text += ALPHABET[randomInt(ALPHABET.length)];
  return text;
}
