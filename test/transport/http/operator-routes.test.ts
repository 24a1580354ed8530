import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '../../../src/errors.js';
import type { Role } from '../../../src/transport/gate/token.js';
import {
  AGENT,
  type Asked,
  AT,
  AT_TEXT,
  errorOf,
  fault,
  inWorld,
  OPERATOR,
  OTHER,
  ok,
  type World,
} from './http-world.js';

type Json = Record<string, unknown>;

const CREDENTIAL = /"tokenHash":"hash of (?:sk|at)_live_[0-9a-f]{64}"/;

async function call(
  world: World,
  method: string,
  path: string,
  json: unknown,
  { as, key }: { as?: Role; key?: string } = {},
): Promise<{ response: Response; body: Json }> {
  const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
  const init = { method, headers, json, ...(as === undefined ? {} : { as }) };
  const response = await world.request(path, init);
  return { response, body: (await response.json()) as Json };
}

const operator = { as: 'operator' } as const;
const sealedReply = ({ args }: Asked) => ok({ sealed: args.sealed });
const registered = ({ args }: Asked) => ok({ address: args.address, sealed: args.sealed });
const passing = { verification_response: { challenge_id: 'c1', response: 'olleh' } };

test('an operator is made with a token that is shown, and stored only as its hash', () =>
  inWorld({}, async (world) => {
    world.play('operator.create', sealedReply);
    const { response, body } = await call(world, 'POST', '/v1/operators', { contact_hash: 'abc' });
    assert.equal(response.status, 201);
    assert.match(String(body.api_key), /^sk_live_[0-9a-f]{64}$/);
    const [asked] = world.asked;
    assert.equal(asked?.key, body.operator_id);
    assert.equal(asked?.args.contactHash, 'abc');
    assert.equal(asked?.args.sealed, null);
    assert.match(JSON.stringify(asked?.args.credential), CREDENTIAL);
  }));

test('a contact hash is 1 to 256 bytes of whole Unicode', () =>
  inWorld({}, async (world) => {
    world.play('operator.create', sealedReply);
    const cases: readonly (readonly [contact: unknown, status: number])[] = [
      ['é'.repeat(128), 201],
      [`${'é'.repeat(128)}x`, 400],
      ['', 400],
      ['\ud800', 400],
      [5, 400],
    ];
    for (const [contact_hash, status] of cases) {
      assert.equal((await call(world, 'POST', '/v1/operators', { contact_hash })).response.status, status);
    }
    assert.equal(world.asked.length, 1);
  }));

test('past the limit of its address nobody makes an operator, and nothing is hashed', () =>
  inWorld({ perHour: 1 }, async (world) => {
    world.play('operator.create', sealedReply);
    await call(world, 'POST', '/v1/operators', { contact_hash: 'abc' });
    const { response, body } = await call(world, 'POST', '/v1/operators', { contact_hash: 'abc' });
    assert.equal(response.status, 429);
    assert.ok(Number(response.headers.get('retry-after')) > 3000);
    assert.equal(body.error, 'rate_limited');
    assert.equal(world.asked.length, 1);
  }));

test('a repeat with the same key gets the same tokens again, which the store cannot read', () =>
  inWorld({}, async (world) => {
    world.play('operator.create', sealedReply);
    world.play('operator.tryResponse', () => ok(null));
    world.play('operator.register', registered);
    world.play('agent.rotateToken', ({ args }) => ok({ revokedLookupId: 'f'.repeat(16), sealed: args.sealed }));
    const requests = [
      ['/v1/operators', { contact_hash: 'abc' }, { key: 'k1' }],
      ['/v1/agents', passing, { ...operator, key: 'k2' }],
      [`/v1/agents/${AGENT}/rotate-token`, {}, { ...operator, key: 'k3' }],
    ] as const;
    for (const [path, json, options] of requests) {
      const first = await call(world, 'POST', path, json, options);
      const asked = world.asked.length;
      const second = await call(world, 'POST', path, json, options);
      assert.equal(second.response.headers.get('idempotency-replayed'), 'true', path);
      assert.equal(second.response.status, first.response.status);
      assert.deepEqual(second.body, first.body);
      assert.equal(world.asked.length, asked, 'the store answers a repeat');
      const token = String(first.body.api_key ?? first.body.agent_token);
      const kept = [...world.stored.values()].map(({ value }) => Buffer.from((value as { sealed: Uint8Array }).sealed));
      assert.ok(!Buffer.concat(kept).includes(token.slice(8)));
      const other = await call(world, 'POST', path, { ...json, contact_hash: 'other' }, options);
      assert.equal(other.response.status, 409);
    }
  }));

test('a repeat that the store does not show yet is answered by what its actor kept', () =>
  inWorld({ storedAnswer: async () => undefined }, async (world) => {
    world.play('operator.create', sealedReply);
    const create = () => call(world, 'POST', '/v1/operators', { contact_hash: 'abc' }, { key: 'k1' });
    const first = await create();
    const second = await create();
    assert.deepEqual(second.body, first.body);
    assert.equal(second.response.headers.get('idempotency-replayed'), 'true');
  }));

test('a challenge is shown with its time of expiry', () =>
  inWorld({}, async (world) => {
    const data = { seed: 'abc', operations: [{ op: 'reverse' }] };
    world.play('operator.challenge', () => ok({ challengeId: 'c1', type: 'pipeline', data, expiresAt: AT }));
    const response = await world.request('/v1/agents/verification-challenge', operator);
    assert.deepEqual(await response.json(), {
      challenge_id: 'c1',
      challenge_type: 'pipeline',
      challenge_data: data,
      expires_at: AT_TEXT,
    });
    assert.equal(world.asked[0]?.key, OPERATOR);
  }));

test('an agent is registered after its response was tried, with an address and a token of its own', () =>
  inWorld({}, async (world) => {
    world.play('operator.tryResponse', () => ok(null));
    world.play('operator.register', registered);
    const { response, body } = await call(world, 'POST', '/v1/agents', { ...passing, webhook_url: null }, operator);
    assert.equal(response.status, 201);
    assert.match(String(body.agent_address), /^tab_[a-z0-9]{20}$/);
    assert.match(String(body.agent_token), /^at_live_[0-9a-f]{64}$/);
    assert.deepEqual(
      world.asked.map(({ message, key }) => [message, key]),
      [
        ['tryResponse', OPERATOR],
        ['register', OPERATOR],
      ],
    );
    const { address, challengeId, response: answer } = world.asked[1]?.args ?? {};
    assert.deepEqual([address, challengeId, answer], [body.agent_address, 'c1', 'olleh']);
  }));

test('a response that does not pass is 403, and nothing is hashed for it', () =>
  inWorld({ hasher: { hashToken: () => assert.fail('hashed') } }, async (world) => {
    world.play('operator.tryResponse', () => fault('VERIFICATION_FAILED', { reason: 'the response is wrong' }));
    const { response, body } = await call(world, 'POST', '/v1/agents', passing, operator);
    assert.deepEqual([response.status, body.error], [403, 'verification_failed']);
  }));

test('a webhook is refused with a 400 that says why, wherever it is named', () =>
  inWorld({}, async (world) => {
    const url = { webhook_url: 'http://example.org/hook' };
    const tries = [
      ['POST', '/v1/agents', { ...passing, ...url }],
      ['PUT', `/v1/agents/${AGENT}/webhook`, url],
    ] as const;
    for (const [method, path, json] of tries) {
      const { response, body } = await call(world, method, path, json, operator);
      assert.equal(response.status, 400);
      assert.match(String(body.message), /webhook_url cannot be used: it must be https/);
    }
    const refused = await call(world, 'PUT', `/v1/agents/${AGENT}/webhook`, url, { as: 'agent' });
    assert.equal(refused.response.status, 401);
    assert.equal(world.asked.length, 0);
  }));

test('a registration without its members, or with endless ones, is 400', () =>
  inWorld({}, async (world) => {
    const tries = [
      {},
      { verification_response: 'x' },
      { verification_response: { challenge_id: 'c1' } },
      { verification_response: { challenge_id: 'x'.repeat(65), response: '' } },
      { verification_response: { challenge_id: 'c1', response: '\ud800' } },
    ];
    for (const json of tries) {
      assert.equal((await call(world, 'POST', '/v1/agents', json, operator)).response.status, 400);
    }
    assert.equal(world.asked.length, 0);
  }));

test('a retired and a re-keyed agent lose their token before the answer', () =>
  inWorld({}, async (world) => {
    world.play('agent.profile', () => ok({ address: AGENT, registeredAt: AT }));
    const me = async () => (await world.request('/v1/agents/me', { as: 'agent' })).status;
    assert.equal(await me(), 200);
    const revokedLookupId = world.forget('agent');
    assert.equal(await me(), 200, 'still cached');
    world.play('agent.retire', () => ok({ revokedLookupId }));
    const retired = await world.request(`/v1/agents/${AGENT}`, { method: 'DELETE', ...operator });
    assert.deepEqual(await retired.json(), { address: AGENT, retired: true });
    assert.equal(await me(), 401);
    assert.deepEqual(world.asked.at(-1)?.args, { operatorId: OPERATOR });
  }));

test("another's agent, and what is no address, is 404", () =>
  inWorld({}, async (world) => {
    world.play('agent.retire', () => fault('NOT_FOUND', { what: 'agent' }));
    const remove = (address: string) => world.request(`/v1/agents/${address}`, { method: 'DELETE', ...operator });
    assert.equal((await remove(OTHER)).status, 404);
    assert.equal((await remove('TAB!')).status, 404);
    assert.equal((await remove('tab%zz')).status, 400);
    assert.equal(world.asked.length, 1);
  }));

test('listings show who is there, page by page', () =>
  inWorld({}, async (world) => {
    const page = { agents: [{ address: AGENT, registeredAt: AT }], next: 'order-1', total: 7 };
    world.play('operator.listAgents', () => ok(page));
    world.play('agent.listRegistry', () => ok(page));
    for (const [path, as] of [
      ['/v1/agents', 'operator'],
      ['/v1/registry', 'agent'],
    ] as const) {
      const body = (await (await world.request(`${path}?limit=0`, { as })).json()) as Json;
      assert.deepEqual(body.agents, [{ address: AGENT, registered_at: AT_TEXT }]);
      assert.equal(body.total, 7);
      await world.request(`${path}?limit=1&cursor=${body.next_cursor}`, { as });
      assert.deepEqual(world.asked.at(-2)?.args, { after: null, limit: 100 });
      assert.deepEqual(world.asked.at(-1)?.args, { after: 'order-1', limit: 1 });
      assert.equal((await world.request(`${path}?cursor=!`, { as })).status, 400);
    }
  }));

test('a full hash queue is 503 with a time to retry', () => {
  const hasher = { hashToken: () => Promise.reject(new CodedError('OVERLOADED', { what: 'the hash queue' })) };
  return inWorld({ hasher }, async (world) => {
    const response = await world.request('/v1/operators', { method: 'POST', json: { contact_hash: 'x' } });
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '1']);
    assert.equal((await errorOf(response)).error, 'unavailable');
  });
});
