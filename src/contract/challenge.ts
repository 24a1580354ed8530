// Challenges
//
// What the verification challenges of the kernel's contract ask for, as pure functions: both sides compute it, the
// server to make and judge a challenge, a client to answer one.

import { hash } from 'node:crypto';
import { invariant } from '../invariant.js';

export const PREPEND = 'prepend:';
export const APPEND = 'append:';

export interface Operation {
  readonly op: string;
}

/** `challenge_data` of a pipeline: a seed, and operations to apply to it in order. */
export interface Pipeline {
  readonly seed: string;
  readonly operations: readonly Operation[];
}

/** What a right answer to the pipeline is. */
export function runPipeline(pipeline: Pipeline): string {
  let text = pipeline.seed;
  for (const { op } of pipeline.operations) text = applyOperation(text, op);
  return text;
}

/** One step of a pipeline. Throws a Defect for an operation that the contract does not have. */
export function applyOperation(text: string, op: string): string {
  if (op.startsWith(PREPEND)) return op.slice(PREPEND.length) + text;
  if (op.startsWith(APPEND)) return text + op.slice(APPEND.length);
  switch (op) {
    case 'reverse':
      return [...text].reverse().join('');
    case 'base64_encode':
      return Buffer.from(text).toString('base64');
    case 'base64_decode':
      return Buffer.from(text, 'base64').toString();
    case 'hex_encode':
      return Buffer.from(text).toString('hex');
    case 'sha256':
      return hash('sha256', text, 'hex');
    case 'uppercase':
      return text.toUpperCase();
    case 'lowercase':
      return text.toLowerCase();
    case 'rot13':
      return text.replace(/[a-z]/gi, rotateLetter);
    default:
      invariant(false, `There is no pipeline operation "${op}".`);
  }
}

function rotateLetter(letter: string): string {
  const base = letter <= 'Z' ? 65 : 97;
  return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base);
}

/** Longer nonces fail unhashed: no caller needs more, and hashing a large one would hold up everyone else here. */
export const NONCE_CHARS_MAX = 256;

/** Whether the nonce solves the puzzle. Text is hashed as UTF-8. */
export function solves(prefix: string, nonce: string, difficultyBits: number): boolean {
  if (nonce.length > NONCE_CHARS_MAX) return false;
  return leadingZeroBits(hash('sha256', prefix + nonce, 'buffer')) >= difficultyBits;
}

/** A nonce that solves the puzzle. Costs about 2^difficultyBits hashes. */
export function solveProofOfWork(prefix: string, difficultyBits: number): string {
  for (let nonce = 0; ; nonce++) {
    const text = nonce.toString(36);
    if (solves(prefix, text, difficultyBits)) return text;
  }
}

/** How many bits of the digest, from the most significant of its first byte on, are zero. */
export function leadingZeroBits(digest: Uint8Array): number {
  let bits = 0;
  for (const byte of digest) {
    if (byte !== 0) return bits + Math.clz32(byte) - 24;
    bits += 8;
  }
  return bits;
}
