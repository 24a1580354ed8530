import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeChallenge, passes } from '../../../src/actors/operator/verification.js';
import { leadingZeroBits, NONCE_CHARS_MAX, solves } from '../../../src/contract/challenge.js';

test('counts the leading zero bits of a digest', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (digest) => {
      const bits = [...digest].map((byte) => byte.toString(2).padStart(8, '0')).join('');
      assert.equal(leadingZeroBits(digest), bits.indexOf('1') === -1 ? bits.length : bits.indexOf('1'));
    }),
  );
});

test('a proof of work passes with the nonce that was searched for and with no weaker one', () => {
  const challenge = makeChallenge({ type: 'proof_of_work', difficultyBits: 10 }, 0);
  const { prefix, difficulty_bits, algorithm } = challenge.data;
  assert.equal(difficulty_bits, 10);
  assert.equal(algorithm, 'sha256');
  let nonce = 0;
  while (createHash('sha256').update(`${prefix}${nonce}`).digest().readUInt16BE(0) >= 64) {
    assert.equal(passes(challenge, String(nonce)), false);
    nonce++;
  }
  assert.equal(passes(challenge, String(nonce)), true);
});

test('a nonce longer than the bound fails, whatever it hashes to', () => {
  assert.equal(solves('p', 'n'.repeat(NONCE_CHARS_MAX), 0), true);
  assert.equal(solves('p', 'n'.repeat(NONCE_CHARS_MAX + 1), 0), false);
});

test('a pipeline passes with exactly its answer', () => {
  const challenge = makeChallenge({ type: 'pipeline', difficultyBits: 0 }, 0);
  const answer = challenge.expected!;
  assert.equal(passes(challenge, answer), true);
  for (const wrong of ['', ` ${answer}`, answer.slice(1), `${answer.slice(0, -1)}\u00e9`, `${answer}x`]) {
    assert.equal(passes(challenge, wrong), false, wrong);
  }
});

test('two challenges are never the same', () => {
  for (const type of ['pipeline', 'proof_of_work'] as const) {
    const made = Array.from({ length: 50 }, () => JSON.stringify(makeChallenge({ type, difficultyBits: 8 }, 0).data));
    assert.equal(new Set(made).size, made.length);
  }
});

test('without a gate any response passes', () => {
  const challenge = makeChallenge({ type: 'none', difficultyBits: 0 }, 0);
  assert.deepEqual(challenge.data, {});
  assert.equal(passes(challenge, ''), true);
});
