import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { describe, it, mock } from 'node:test';
import { CodedError } from '../../../src/errors.js';
import { Authenticator, type AuthOutcome, type TokenRecord } from '../../../src/transport/gate/authenticator.js';
import { REST_MS } from '../../../src/transport/gate/hash-flights.js';
import { type BearerToken, mintToken, type Role } from '../../../src/transport/gate/token.js';
import { ManualClock } from '../../runtime/manual-clock.js';

interface HeldHash {
  readonly token: string;
  readonly phc: string;
  finish(matches: boolean): void;
  fail(error: unknown): void;
}

/** An authenticator over an index in memory; its hashes end when the test says so, or at once when `auto`. */
function gateOf({
  auto = true,
  cacheTtlMs = 30_000,
  adminToken,
  lookup,
}: {
  auto?: boolean;
  cacheTtlMs?: number;
  adminToken?: string;
  lookup?: (record: TokenRecord | undefined) => Promise<TokenRecord | undefined>;
} = {}) {
  const clock = new ManualClock(1_700_000_000_250);
  const index = new Map<string, TokenRecord>();
  const hashes: HeldHash[] = [];
  const defects: unknown[] = [];
  const authenticator = new Authenticator({
    clock,
    cacheTtlMs,
    lookup: (lookupId) => (lookup === undefined ? index.get(lookupId) : lookup(index.get(lookupId))),
    onDefect: (error) => defects.push(error),
    hasher: {
      verifyToken: (token, phc) =>
        new Promise<boolean>((finish, fail) => {
          hashes.push({ token, phc, finish, fail });
          if (auto) finish(phc === `hash of ${token}`);
        }),
    },
    ...(adminToken === undefined ? {} : { adminToken }),
  });
  const issue = (role: Role, id: string): BearerToken => {
    const minted = mintToken(role);
    index.set(minted.lookupId, { role, id, hash: `hash of ${minted.token}` });
    return minted;
  };
  return { clock, index, hashes, defects, authenticator, issue };
}

const bearer = ({ token }: { token: string }) => `Bearer ${token}`;

function codeOf(outcome: AuthOutcome): string {
  return outcome.ok ? `${outcome.principal.role}:${outcome.principal.id}` : outcome.fault.code;
}

/** The outcome, which must be there at once. */
function atOnce(outcome: AuthOutcome | Promise<AuthOutcome>): AuthOutcome {
  assert.ok(!(outcome instanceof Promise), 'this must not wait');
  return outcome;
}

/** Another token with the lookup id of this one. */
function guess(token: BearerToken, n: number): BearerToken {
  const secret = token.lookupId + n.toString(16).padStart(48, '0');
  return { role: token.role, lookupId: token.lookupId, token: token.token.slice(0, 8) + secret };
}

describe('the authenticator', () => {
  it('hashes a token once, and answers from the cache at once until its time is over (U4)', async () => {
    const { authenticator, hashes, clock, issue } = gateOf();
    const token = issue('agent', 'tab_a');
    assert.equal(codeOf(await authenticator.authenticate('agent', bearer(token))), 'agent:tab_a');
    clock.advance(29_999);
    assert.equal(codeOf(atOnce(authenticator.authenticate('agent', bearer(token)))), 'agent:tab_a');
    assert.equal(hashes.length, 1);
    clock.advance(1);
    assert.equal(codeOf(await authenticator.authenticate('agent', bearer(token))), 'agent:tab_a');
    assert.equal(hashes.length, 2);
  });

  it('caches nothing when the time to cache is 0 (U4)', async () => {
    const { authenticator, hashes, issue } = gateOf({ cacheTtlMs: 0 });
    const token = issue('agent', 'tab_a');
    for (let i = 0; i < 3; i++) assert.equal((await authenticator.authenticate('agent', bearer(token))).ok, true);
    assert.equal(hashes.length, 3);
  });

  it('refuses ten thousand unknown tokens at once and without one hash (U2)', () => {
    const { authenticator, hashes, issue } = gateOf();
    issue('agent', 'tab_a');
    for (let i = 0; i < 10_000; i++) {
      const outcome = atOnce(authenticator.authenticate('agent', bearer(mintToken('agent'))));
      assert.equal(codeOf(outcome), 'UNAUTHORIZED');
    }
    assert.equal(hashes.length, 0);
  });

  it('refuses what is no bearer token, without a hash (U2)', () => {
    const { authenticator, hashes } = gateOf();
    for (const header of [undefined, '', 'Bearer', 'Basic YTpi', `Bearer at_live_${'g'.repeat(64)}`]) {
      assert.equal(codeOf(atOnce(authenticator.authenticate('agent', header))), 'UNAUTHORIZED');
    }
    assert.equal(hashes.length, 0);
  });

  it('refuses every role where another is needed, cached or not, and names the one that is needed (U2)', async () => {
    const { authenticator, hashes, issue } = gateOf();
    const roles: readonly Role[] = ['operator', 'agent', 'admin'];
    for (const has of roles) {
      const token = issue(has, 'id');
      for (const phase of ['cold', 'cached']) {
        for (const needed of roles.filter((role) => role !== has)) {
          const outcome = atOnce(authenticator.authenticate(needed, bearer(token)));
          assert.deepEqual(outcome, { ok: false, fault: { code: 'UNAUTHORIZED', params: { who: needed } } }, phase);
        }
        await authenticator.authenticate(has, bearer(token));
      }
    }
    assert.equal(hashes.length, 3);
  });

  it('refuses a token whose prefix was exchanged, without a hash (U2)', () => {
    const { authenticator, hashes, issue } = gateOf();
    const token = issue('agent', 'tab_a');
    const forged = `Bearer sk_live_${token.token.slice(8)}`;
    assert.equal(codeOf(atOnce(authenticator.authenticate('operator', forged))), 'UNAUTHORIZED');
    assert.equal(hashes.length, 0);
  });

  it('refuses a wrong secret under a known lookup id, and does not remember it', async () => {
    const { authenticator, hashes, clock, issue } = gateOf();
    const wrong = guess(issue('agent', 'tab_a'), 1);
    for (let i = 1; i <= 2; i++) {
      assert.equal(codeOf(await authenticator.authenticate('agent', bearer(wrong))), 'UNAUTHORIZED');
      assert.equal(hashes.length, i);
      clock.advance(REST_MS);
    }
  });

  it('makes one hash for a thousand concurrent requests with one cold token', async () => {
    const { authenticator, hashes, issue } = gateOf({ auto: false });
    const token = issue('agent', 'tab_a');
    const outcomes = Array.from({ length: 1000 }, () => authenticator.authenticate('agent', bearer(token)));
    assert.equal(hashes.length, 1);
    hashes[0]?.finish(true);
    for (const outcome of await Promise.all(outcomes)) assert.equal(codeOf(outcome), 'agent:tab_a');
    assert.equal(hashes.length, 1);
  });

  it('refuses with OVERLOADED past the number that may wait for one hash, and recovers (U5)', async () => {
    const { authenticator, hashes, issue } = gateOf({ auto: false });
    const token = issue('agent', 'tab_a');
    const waiting = Array.from({ length: 4096 }, () => authenticator.authenticate('agent', bearer(token)));
    const refused = atOnce(authenticator.authenticate('agent', bearer(token)));
    assert.deepEqual(refused, { ok: false, fault: { code: 'OVERLOADED', params: { what: 'the hash queue' } } });
    hashes[0]?.finish(true);
    for (const outcome of await Promise.all(waiting)) assert.equal(outcome.ok, true);
    assert.equal(atOnce(authenticator.authenticate('agent', bearer(token))).ok, true);
  });

  it('bounds those who wait for all hashes together (U5)', async () => {
    const { authenticator, hashes, issue } = gateOf({ auto: false });
    const tokens = Array.from({ length: 5 }, (_, n) => issue('agent', `tab_${n}`));
    const waiting = Array.from({ length: 16_384 }, (_, n) =>
      authenticator.authenticate('agent', bearer(tokens[n & 3]!)),
    );
    const refused = atOnce(authenticator.authenticate('agent', bearer(tokens[4]!)));
    assert.equal(codeOf(refused), 'OVERLOADED');
    for (const hash of hashes) hash.finish(true);
    await Promise.all(waiting);
    assert.ok(authenticator.authenticate('agent', bearer(tokens[4]!)) instanceof Promise);
  });

  it('hashes one at a time under one lookup id, in order, so that its guesses cannot fill the pool', async () => {
    const { authenticator, hashes, clock, issue } = gateOf({ auto: false });
    const token = issue('agent', 'tab_a');
    const guesses = Array.from({ length: 4 }, (_, n) => authenticator.authenticate('agent', bearer(guess(token, n))));
    const honest = authenticator.authenticate('agent', bearer(token));
    for (let n = 100; n < 1100; n++) {
      assert.equal(codeOf(atOnce(authenticator.authenticate('agent', bearer(guess(token, n))))), 'OVERLOADED');
    }
    for (let n = 0; n < 4; n++) {
      assert.equal(hashes.length, n + 1, 'one hash at a time');
      hashes[n]?.finish(false);
      assert.equal(codeOf(await guesses[n]!), 'UNAUTHORIZED');
      clock.advance(REST_MS - 1);
      assert.equal(hashes.length, n + 1, 'a wrong guess is followed by a rest');
      clock.advance(1);
    }
    assert.equal(hashes[4]?.token, token.token);
    hashes[4]?.finish(true);
    assert.equal(codeOf(await honest), 'agent:tab_a');
  });

  it('lets a lookup id rest after a wrong guess also when nobody waits, and not after a right token', async () => {
    const { authenticator, hashes, clock, issue } = gateOf({ cacheTtlMs: 0 });
    const token = issue('agent', 'tab_a');
    const ask = (which: BearerToken) => Promise.resolve(authenticator.authenticate('agent', bearer(which)));
    for (let n = 1; n <= 3; n++) assert.equal((await ask(token)).ok, true);
    assert.equal(hashes.length, 3);
    assert.equal((await ask(guess(token, 1))).ok, false);
    const honest = ask(token);
    const others = ask(issue('agent', 'tab_b'));
    assert.equal((await others).ok, true, 'another lookup id does not rest');
    assert.equal(hashes.length, 5);
    clock.advance(REST_MS);
    assert.equal((await honest).ok, true);
    assert.equal((await ask(token)).ok, true, 'the rest is over');
    assert.equal(hashes.length, 7);
  });

  it('does not make one agent wait for another', () => {
    const { authenticator, hashes, issue } = gateOf({ auto: false });
    for (const id of ['tab_a', 'tab_b', 'tab_c']) void authenticator.authenticate('agent', bearer(issue('agent', id)));
    assert.equal(hashes.length, 3);
  });
});

describe('a revoked token', () => {
  it('is refused at once although it was cached (U3)', async () => {
    const { authenticator, index, issue } = gateOf();
    const token = issue('agent', 'tab_a');
    await authenticator.authenticate('agent', bearer(token));
    index.delete(token.lookupId);
    authenticator.revoke(token.lookupId);
    assert.equal(codeOf(atOnce(authenticator.authenticate('agent', bearer(token)))), 'UNAUTHORIZED');
  });

  it('leaves other tokens in the cache', async () => {
    const { authenticator, issue } = gateOf();
    const token = issue('agent', 'tab_a');
    await authenticator.authenticate('agent', bearer(token));
    authenticator.revoke(issue('agent', 'tab_b').lookupId);
    assert.equal(atOnce(authenticator.authenticate('agent', bearer(token))).ok, true);
  });

  it('is refused by a hash in flight, even where the index does not show it yet (U3)', async () => {
    const { authenticator, hashes, issue } = gateOf({ auto: false });
    const token = issue('agent', 'tab_a');
    const outcome = authenticator.authenticate('agent', bearer(token));
    authenticator.revoke(token.lookupId);
    hashes[0]?.finish(true);
    assert.equal(codeOf(await outcome), 'UNAUTHORIZED');
    assert.ok(authenticator.authenticate('agent', bearer(token)) instanceof Promise, 'nothing was cached');
  });

  it('is refused by a hash in flight when the index changed without a word (U3)', async () => {
    const changes: ((index: Map<string, TokenRecord>, token: BearerToken) => void)[] = [
      (index, { lookupId }) => index.delete(lookupId),
      (index, { lookupId }) => index.set(lookupId, { role: 'agent', id: 'tab_a', hash: 'of another token' }),
      (index, { lookupId, token }) => index.set(lookupId, { role: 'operator', id: 'x', hash: `hash of ${token}` }),
    ];
    for (const change of changes) {
      const { authenticator, hashes, index, issue } = gateOf({ auto: false });
      const token = issue('agent', 'tab_a');
      const outcome = authenticator.authenticate('agent', bearer(token));
      change(index, token);
      hashes[0]?.finish(true);
      assert.equal(codeOf(await outcome), 'UNAUTHORIZED');
    }
  });

  it('is not even hashed when its turn comes after the revocation (U3)', async () => {
    const { authenticator, hashes, clock, issue } = gateOf({ auto: false });
    const token = issue('agent', 'tab_a');
    const first = authenticator.authenticate('agent', bearer(guess(token, 1)));
    const second = authenticator.authenticate('agent', bearer(token));
    authenticator.revoke(token.lookupId);
    hashes[0]?.finish(false);
    assert.equal(codeOf(await first), 'UNAUTHORIZED');
    clock.advance(REST_MS);
    assert.equal(codeOf(await second), 'UNAUTHORIZED');
    assert.equal(hashes.length, 1);
  });
});

describe('a hash that fails', () => {
  it('is OVERLOADED when the queue of the pool is full, and no defect (U5)', async () => {
    const { authenticator, hashes, defects, issue } = gateOf({ auto: false });
    const outcome = authenticator.authenticate('agent', bearer(issue('agent', 'tab_a')));
    hashes[0]?.fail(new CodedError('OVERLOADED', { what: 'the hash queue' }));
    assert.deepEqual(await outcome, { ok: false, fault: { code: 'OVERLOADED', params: { what: 'the hash queue' } } });
    assert.equal(defects.length, 0);
  });

  it('is INTERNAL for everyone who waited, told once, and tried again by the next request', async () => {
    const { authenticator, hashes, defects, issue } = gateOf({ auto: false });
    const token = issue('agent', 'tab_a');
    const outcomes = [1, 2, 3].map(() => authenticator.authenticate('agent', bearer(token)));
    hashes[0]?.fail(new Error('the thread died'));
    for (const outcome of await Promise.all(outcomes)) assert.equal(codeOf(outcome), 'INTERNAL');
    assert.deepEqual(defects.map(String), ['Error: the thread died']);
    const again = authenticator.authenticate('agent', bearer(token));
    hashes[1]?.finish(true);
    assert.equal((await again).ok, true);
  });
});

describe('the admin', () => {
  it('is known by the configured token, at once, in constant time and without a hash', () => {
    const token = mintToken('admin');
    const { authenticator, hashes } = gateOf({ adminToken: token.token });
    const compare = mock.method(crypto, 'timingSafeEqual');
    syncBuiltinESMExports();
    try {
      assert.equal(codeOf(atOnce(authenticator.authenticate('admin', bearer(token)))), 'admin:admin');
      assert.equal(codeOf(atOnce(authenticator.authenticate('admin', bearer(mintToken('admin'))))), 'UNAUTHORIZED');
      assert.equal(codeOf(atOnce(authenticator.authenticate('admin', bearer(guess(token, 1))))), 'UNAUTHORIZED');
      assert.equal(compare.mock.callCount(), 3);
    } finally {
      compare.mock.restore();
      syncBuiltinESMExports();
    }
    assert.equal(hashes.length, 0);
  });

  it('is not known by a stored token while one is configured', () => {
    const { authenticator, issue } = gateOf({ adminToken: mintToken('admin').token });
    const stored = issue('admin', 'admin');
    assert.equal(codeOf(atOnce(authenticator.authenticate('admin', bearer(stored)))), 'UNAUTHORIZED');
  });

  it('is known by the stored hash when none is configured, and cached', async () => {
    const { authenticator, hashes, issue } = gateOf();
    const stored = issue('admin', 'admin');
    assert.equal(codeOf(await authenticator.authenticate('admin', bearer(stored))), 'admin:admin');
    assert.equal(codeOf(atOnce(authenticator.authenticate('admin', bearer(stored)))), 'admin:admin');
    assert.equal(hashes.length, 1);
  });

  it('leaves agents and operators as they are', async () => {
    const { authenticator, issue } = gateOf({ adminToken: mintToken('admin').token });
    assert.equal(codeOf(await authenticator.authenticate('agent', bearer(issue('agent', 'tab_a')))), 'agent:tab_a');
  });
});

describe('a token index that is behind', () => {
  it('is waited for, and then asked', async () => {
    const { authenticator, issue } = gateOf({ lookup: async (record) => record });
    assert.equal(codeOf(await authenticator.authenticate('agent', bearer(issue('agent', 'tab_a')))), 'agent:tab_a');
    assert.equal(codeOf(await authenticator.authenticate('agent', bearer(mintToken('agent')))), 'UNAUTHORIZED');
  });

  it('refuses with OVERLOADED when it will not be there soon, and is no defect (U5)', async () => {
    const behind = new CodedError('OVERLOADED', { what: 'the tables' });
    const { authenticator, hashes, defects, issue } = gateOf({ lookup: () => Promise.reject(behind) });
    const outcome = await authenticator.authenticate('agent', bearer(issue('agent', 'tab_a')));
    assert.deepEqual(outcome, { ok: false, fault: { code: 'OVERLOADED', params: { what: 'the tables' } } });
    assert.deepEqual([hashes.length, defects.length], [0, 0]);
  });
});
