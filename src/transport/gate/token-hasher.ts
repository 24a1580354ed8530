// Token hasher
//
// Hashes and verifies tokens in the hash pool. What it gives is an Argon2id hash in PHC form, which names its own
// parameters: a change of config applies to new tokens and leaves the old ones valid.

import { invariant } from '../../invariant.js';
import type { Argon2Params, HashJob, HashResult } from './token-hash.js';

/** The worker file of the hash pool. */
export const tokenHashUrl = new URL('./token-hash.js', import.meta.url);

/** The hash pool, as far as a hasher needs it: rejects with OVERLOADED when its queue is full. */
export interface HashPool {
  run(job: HashJob): Promise<HashResult>;
}

export interface TokenHasher {
  /** The PHC string to store. Rejects with OVERLOADED when the pool's queue is full. */
  hashToken(token: string): Promise<string>;
  /** Whether `phc` is the hash of `token`; compared in constant time. Rejects as above, or when `phc` is not a PHC string. */
  verifyToken(token: string, phc: string): Promise<boolean>;
}

export function createTokenHasher(pool: HashPool, params: Argon2Params): TokenHasher {
  return {
    async hashToken(token) {
      const phc = await pool.run({ kind: 'hash', token, params });
      invariant(typeof phc === 'string', 'a hash job gives a string');
      return phc;
    },
    async verifyToken(token, phc) {
      const matches = await pool.run({ kind: 'verify', token, phc });
      invariant(typeof matches === 'boolean', 'a verify job gives a boolean');
      return matches;
    },
  };
}
