// The authenticator over the real hash pool: what the parts promise each other holds together.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { systemClock } from '../../../src/clock.js';
import { createJobPool } from '../../../src/runtime/threads/job-pool.js';
import { Authenticator, type TokenRecord } from '../../../src/transport/gate/authenticator.js';
import { mintToken } from '../../../src/transport/gate/token.js';
import type { HashJob, HashResult } from '../../../src/transport/gate/token-hash.js';
import { createTokenHasher, tokenHashUrl } from '../../../src/transport/gate/token-hasher.js';

const QUEUE_MAX = 4;

describe('the gate with real hashes', () => {
  const options = { what: 'the hash queue', workerUrl: tokenHashUrl, threads: 2, queueMax: QUEUE_MAX, onDefect() {} };
  const pool = createJobPool<HashJob, HashResult>(options);
  const hasher = createTokenHasher(pool, { memoryKib: 4096, passes: 2, lanes: 1 });
  const index = new Map<string, TokenRecord>();
  let hashed = 0;
  const authenticator = new Authenticator({
    hasher: {
      verifyToken(token, phc) {
        hashed++;
        return hasher.verifyToken(token, phc);
      },
    },
    lookup: (lookupId) => index.get(lookupId),
    cacheTtlMs: 30_000,
    clock: systemClock,
    onDefect: (error) => assert.fail(String(error)),
  });
  after(() => pool.close());

  async function issue(id: string) {
    const minted = mintToken('agent');
    index.set(minted.lookupId, { role: 'agent', id, hash: await hasher.hashToken(minted.token) });
    return minted;
  }

  it('verifies a cold token once for a thousand requests, then answers from the cache', async () => {
    const { token } = await issue('tab_a');
    hashed = 0;
    const header = `Bearer ${token}`;
    const outcomes = await Promise.all(Array.from({ length: 1000 }, () => authenticator.authenticate('agent', header)));
    assert.ok(outcomes.every((outcome) => outcome.ok && outcome.principal.id === 'tab_a'));
    assert.equal(hashed, 1);
    assert.ok(!(authenticator.authenticate('agent', header) instanceof Promise));
  });

  it('answers OVERLOADED past the queue of the pool, and verifies those refused when they come again', async () => {
    const tokens = [];
    for (let n = 0; n < 20; n++) tokens.push(await issue(`tab_${n}`));
    let waiting = tokens;
    let rounds = 0;
    let refusals = 0;
    while (waiting.length > 0) {
      assert.ok(++rounds <= 20, 'every round gets someone in');
      const outcomes = await Promise.all(
        waiting.map(({ token }) => authenticator.authenticate('agent', `Bearer ${token}`)),
      );
      for (const outcome of outcomes) if (!outcome.ok) assert.equal(outcome.fault.code, 'OVERLOADED');
      waiting = waiting.filter((_, n) => !outcomes[n]?.ok);
      refusals += waiting.length;
    }
    assert.ok(refusals >= 20 - 2 - QUEUE_MAX);
  });
});
