import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { mintToken, parseBearer, parseToken, type Role, tokenDigest } from '../../../src/transport/gate/token.js';

const ROLES: readonly Role[] = ['operator', 'agent', 'admin'];
const SECRET = '0123456789abcdef'.repeat(4);

describe('a token', () => {
  it('is minted in the form of its role and read back from a header', () => {
    const prefixes = { operator: 'sk_live_', agent: 'at_live_', admin: 'ad_live_' };
    for (const role of ROLES) {
      const minted = mintToken(role);
      assert.match(minted.token, new RegExp(`^${prefixes[role]}[0-9a-f]{64}$`));
      assert.equal(minted.lookupId, minted.token.slice(8, 24));
      assert.deepEqual(parseBearer(`Bearer ${minted.token}`), minted);
      assert.deepEqual(parseToken(minted.token), minted);
    }
  });

  it('is new each time', () => {
    assert.equal(new Set(Array.from({ length: 1000 }, () => mintToken('agent').token)).size, 1000);
  });

  it('is read whatever the case of the scheme', () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR']) {
      assert.equal(parseBearer(`${scheme} at_live_${SECRET}`)?.lookupId, '0123456789abcdef');
    }
  });

  it('is not read from anything but the exact form', () => {
    const wrong = [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      SECRET,
      `at_live_${SECRET}`,
      `Bearer  at_live_${SECRET}`,
      `Bearer\tat_live_${SECRET}`,
      ` Bearer at_live_${SECRET}`,
      `Bearer at_live_${SECRET} `,
      `Bearer at_live_${SECRET}0`,
      `Bearer at_live_${SECRET.slice(1)}`,
      `Bearer at_live_${SECRET.slice(1)}g`,
      `Bearer at_live_${SECRET.toUpperCase()}`,
      `Bearer AT_LIVE_${SECRET}`,
      `Bearer at_test_${SECRET}`,
      `Bearer xx_live_${SECRET}`,
      `Digest at_live_${SECRET}`,
      `Basic  at_live_${SECRET}`,
      `Bearer at_live_${SECRET}, Bearer at_live_${SECRET}`,
      // Full-width digits, and a space that only looks like one.
      `Bearer at_live_${SECRET.slice(1)}\uff11`,
      `Bearer\u00a0at_live_${SECRET}`,
      `Bearer\0at_live_${SECRET}`,
      `\u0022earer at_live_${SECRET}`,
    ];
    for (const header of wrong) assert.equal(parseBearer(header), undefined, String(header));
  });

  it('is read only where a plain description of the format agrees', () => {
    const described = /^[Bb][Ee][Aa][Rr][Ee][Rr] (sk|at|ad)_live_[0-9a-f]{64}$/;
    const valid = `Bearer at_live_${SECRET}`;
    const mutated = fc
      .tuple(fc.nat(valid.length - 1), fc.string({ unit: 'binary', minLength: 0, maxLength: 2 }))
      .map(([at, text]) => valid.slice(0, at) + text + valid.slice(at + 1));
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string()), (header) => {
        assert.equal(parseBearer(header) !== undefined, described.test(header));
      }),
      { numRuns: 2000 },
    );
  });

  it('has the digest that SHA-256 gives', () => {
    // From FIPS 180-2: SHA-256 of "abc".
    assert.equal(Buffer.from(tokenDigest('abc'), 'base64url').toString('hex').slice(0, 16), 'ba7816bf8f01cfea');
  });
});
