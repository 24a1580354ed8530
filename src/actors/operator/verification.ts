// Verification
//
// The gate in front of registration: makes a challenge of the configured type, and tells whether a response passes.
// Pure, but for the randomness. Who may answer, how often and how long is the operator's (operator.ts).

import { randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { solves } from '../../contract/challenge.js';
import { buildPipeline } from './pipeline.js';
import type { Challenge } from './protocol.js';

export interface Gate {
  readonly type: Challenge['type'];
  /** Leading zero bits that a proof of work must show. */
  readonly difficultyBits: number;
}

/** Table `challenge`. `data` goes on the wire as it is; `expected` never does. */
export interface ChallengeRow {
  readonly type: Challenge['type'];
  readonly data: Challenge['data'];
  /** The one right answer, or null where it is computed from `data` and the response. */
  readonly expected: string | null;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const PREFIX_BYTES = 16;

export function makeChallenge(gate: Gate, expiresAt: number): ChallengeRow {
  switch (gate.type) {
    case 'pipeline': {
      const { pipeline, answer } = buildPipeline((below) => randomInt(below));
      return { type: 'pipeline', data: { ...pipeline }, expected: answer, expiresAt };
    }
    case 'proof_of_work': {
      const prefix = randomBytes(PREFIX_BYTES).toString('hex');
      const data = { prefix, difficulty_bits: gate.difficultyBits, algorithm: 'sha256' };
      return { type: 'proof_of_work', data, expected: null, expiresAt };
    }
    case 'none':
      return { type: 'none', data: {}, expected: null, expiresAt };
    default:
      return gate.type satisfies never;
  }
}

/** Costs at most one hash, and no more time for an answer that is nearly right. */
export function passes(challenge: ChallengeRow, response: string): boolean {
  switch (challenge.type) {
    case 'pipeline':
      return challenge.expected !== null && sameText(challenge.expected, response);
    case 'proof_of_work':
      return solves(String(challenge.data.prefix), response, Number(challenge.data.difficulty_bits));
    case 'none':
      return true;
    default:
      return challenge.type satisfies never;
  }
}

/** Equality in a time that tells nothing but whether the lengths agree; an answer's length is no secret. */
function sameText(expected: string, given: string): boolean {
  // Compared before any bytes are made: a response may be as large as a request's body.
  if (expected.length !== given.length) return false;
  const expectedBytes = Buffer.from(expected);
  const givenBytes = Buffer.from(given);
  return expectedBytes.length === givenBytes.length && timingSafeEqual(expectedBytes, givenBytes);
}
