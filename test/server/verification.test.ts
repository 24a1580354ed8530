// The gate in front of registration, in its three forms.

import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { solveChallenge } from '../../src/client/challenge-solver.js';
import { RFC_3339_UTC, refusalOf, UUID, until } from './expectations.js';
import { onBothListeners } from './on-both-listeners.js';
import type { Answer, Challenge, Operator, TroupeApi } from './troupe-api.js';

function respond(api: TroupeApi, operator: Operator, challenge: Challenge, response: string): Promise<Answer> {
  const body = { verification_response: { challenge_id: challenge.challenge_id, response } };
  return api.send({ method: 'POST', path: '/v1/agents', as: operator.api_key, body });
}

function solutionOf({ challenge_type, challenge_data }: Challenge): string {
  return solveChallenge(challenge_type, challenge_data);
}

describe('the pipeline gate', () => {
  const check = onBothListeners({ 'verification.gate': 'pipeline' });

  check('asks for what the contract says, for five minutes', async ({ api }) => {
    const challenge = await api.challenge(await api.operator());
    assert.match(challenge.challenge_id, UUID);
    assert.equal(challenge.challenge_type, 'pipeline');
    assert.match(challenge.expires_at, RFC_3339_UTC);
    assert.ok(Math.abs(Date.parse(challenge.expires_at) - Date.now() - 300_000) < 10_000);
    const { seed, operations } = challenge.challenge_data as { seed: string; operations: { op: string }[] };
    assert.equal(typeof seed, 'string');
    const known =
      /^(reverse|base64_encode|base64_decode|hex_encode|sha256|uppercase|lowercase|rot13|(prepend|append):.+)$/;
    for (const { op } of operations) assert.match(op, known);
    assert.deepEqual(Object.keys(challenge.challenge_data).sort(), ['operations', 'seed']);
  });

  check('lets twenty right answers pass, each once', async ({ api }) => {
    const operator = await api.operator();
    for (let i = 0; i < 20; i++) {
      const challenge = await api.challenge(operator);
      const response = solutionOf(challenge);
      assert.equal((await respond(api, operator, challenge, response)).status, 201);
      refusalOf(await respond(api, operator, challenge, response), 403, 'verification_failed');
    }
  });

  check('refuses a wrong answer, and the right one after it', async ({ api }) => {
    const operator = await api.operator();
    for (const wrong of ['', 'wrong', 'x'.repeat(65_000)]) {
      const challenge = await api.challenge(operator);
      refusalOf(await respond(api, operator, challenge, wrong), 403, 'verification_failed');
      refusalOf(await respond(api, operator, challenge, solutionOf(challenge)), 403, 'verification_failed');
    }
  });

  check('refuses a challenge of another operator, and leaves it to its own', async ({ api }) => {
    const [owner, thief] = [await api.operator(), await api.operator()];
    const challenge = await api.challenge(owner);
    const response = solutionOf(challenge);
    refusalOf(await respond(api, thief, challenge, response), 403, 'verification_failed');
    assert.equal((await respond(api, owner, challenge, response)).status, 201);
  });

  check('refuses an unknown challenge, and what is no response', async ({ api }) => {
    const operator = await api.operator();
    const challenge = await api.challenge(operator);
    refusalOf(await respond(api, operator, { ...challenge, challenge_id: 'unknown' }, 'x'), 403, 'verification_failed');
    const post = (body: unknown) => api.send({ method: 'POST', path: '/v1/agents', as: operator.api_key, body });
    const { challenge_id } = challenge;
    const long = { challenge_id, response: 'x'.repeat(65_537) };
    for (const given of [
      undefined,
      null,
      'x',
      {},
      { challenge_id },
      { response: 'x' },
      { challenge_id, response: 1 },
      long,
    ]) {
      refusalOf(await post({ verification_response: given }), 400, 'bad_request');
    }
    assert.equal((await respond(api, operator, challenge, solutionOf(challenge))).status, 201);
  });

  check('lets one of many simultaneous right answers pass', async ({ api }) => {
    const operator = await api.operator();
    const challenge = await api.challenge(operator);
    const response = solutionOf(challenge);
    const answers = await Promise.all(Array.from({ length: 8 }, () => respond(api, operator, challenge, response)));
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [201, 403, 403, 403, 403, 403, 403, 403]);
    const owned = await api.must<{ total: number }>(200, { path: '/v1/agents', as: operator.api_key });
    assert.equal(owned.total, 1);
  });

  check(
    'keeps a challenge through a kill -9, and that another was spent; a later one expires',
    async ({ api, server }) => {
      const operator = await api.operator();
      const [open, spent, failed] = [
        await api.challenge(operator),
        await api.challenge(operator),
        await api.challenge(operator),
      ];
      assert.equal((await respond(api, operator, spent, solutionOf(spent))).status, 201);
      refusalOf(await respond(api, operator, failed, 'wrong'), 403, 'verification_failed');
      await server.kill();
      await server.startAgain({ 'verification.expiry_ms': 1000 });
      refusalOf(await respond(api, operator, spent, solutionOf(spent)), 403, 'verification_failed');
      refusalOf(await respond(api, operator, failed, solutionOf(failed)), 403, 'verification_failed');
      const brief = await api.challenge(operator);
      await until('it has expired', () => Date.now() > Date.parse(brief.expires_at));
      refusalOf(await respond(api, operator, brief, solutionOf(brief)), 403, 'verification_failed');
      assert.equal((await respond(api, operator, open, solutionOf(open))).status, 201);
    },
  );
});

describe('the proof-of-work gate', () => {
  const check = onBothListeners({ 'verification.gate': 'proof_of_work', 'verification.difficulty_bits': 10 });

  check('asks for a nonce, and takes it once', async ({ api }) => {
    const operator = await api.operator();
    const challenge = await api.challenge(operator);
    assert.equal(challenge.challenge_type, 'proof_of_work');
    assert.equal(challenge.challenge_data.difficulty_bits, 10);
    const nonce = solutionOf(challenge);
    assert.equal((await respond(api, operator, challenge, nonce)).status, 201);
    refusalOf(await respond(api, operator, challenge, nonce), 403, 'verification_failed');
  });

  check('refuses a nonce that falls short, or is longer than any need be', async ({ api }) => {
    const operator = await api.operator();
    const isRight = (challenge: Challenge, nonce: string) => solutionOf(challenge) === nonce;
    for (const nonce of ['wrong', '', 'x'.repeat(10_000)]) {
      const challenge = await api.challenge(operator);
      if (isRight(challenge, nonce)) continue;
      refusalOf(await respond(api, operator, challenge, nonce), 403, 'verification_failed');
    }
  });
});

describe('the open gate', () => {
  const check = onBothListeners({ 'verification.gate': 'none' });

  check('lets any response pass, and each challenge once', async ({ api }) => {
    const operator = await api.operator();
    for (const response of ['', 'anything']) {
      const challenge = await api.challenge(operator);
      assert.equal(challenge.challenge_type, 'none');
      assert.equal((await respond(api, operator, challenge, response)).status, 201);
      refusalOf(await respond(api, operator, challenge, response), 403, 'verification_failed');
    }
  });
});
