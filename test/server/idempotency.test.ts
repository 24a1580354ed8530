// The same request twice, with one Idempotency-Key: it happens once, and is answered twice.

import assert from 'node:assert/strict';
import { bodyOf, refusalOf } from './expectations.js';
import { onBothListeners } from './on-both-listeners.js';
import type { Answer, Call, TroupeApi } from './troupe-api.js';

const check = onBothListeners();

function keyed(call: Call, key: string): Call {
  return { ...call, headers: { ...call.headers, 'idempotency-key': key } };
}

function replayed({ headers }: Answer): boolean {
  return headers['idempotency-replayed'] === 'true';
}

/** Sends it twice: the second answer must be the first again, and say so. */
async function twice(api: TroupeApi, call: Call, status: number): Promise<Answer> {
  const first = await api.send(call);
  const second = await api.send(call);
  assert.equal(first.status, status, first.text);
  assert.equal(second.status, status, second.text);
  assert.equal(replayed(first), false);
  assert.equal(replayed(second), true);
  assert.equal(second.text, first.text);
  return second;
}

check('sends a message once', async ({ api }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  const body = { to: to.agent_address, content: 'once' };
  await twice(api, keyed({ method: 'POST', path: '/v1/messages', as: from.agent_token, body }, 'k1'), 202);
  assert.equal((await api.take(to)).messages.length, 1);
});

check('sends each message of a batch once', async ({ api }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  const messages = ['a', 'b', 'c'].map((content) => ({ to: to.agent_address, content }));
  const call = { method: 'POST', path: '/v1/messages/batch', as: from.agent_token, body: { messages } };
  await twice(api, keyed(call, 'k1'), 200);
  assert.deepEqual(
    (await api.take(to)).messages.map(({ content }) => content),
    ['a', 'b', 'c'],
  );
});

check('acknowledges once', async ({ api }) => {
  const agent = await api.agent();
  const id = await api.message(agent, agent, 'to me');
  await api.take(agent, 'mode=lease');
  const call = { method: 'POST', path: '/v1/messages/ack', as: agent.agent_token, body: { message_ids: [id] } };
  const answer = await twice(api, keyed(call, 'k1'), 200);
  assert.deepEqual(JSON.parse(answer.text), { acked: 1, unknown: [] });
});

check('writes a value once, also on a condition that no longer holds', async ({ api }) => {
  const agent = await api.agent();
  const path = `/v1/state/once-${agent.agent_address}`;
  const call = { method: 'PUT', path, as: agent.agent_token, body: { value: 'v' }, headers: { 'if-none-match': '*' } };
  const second = await twice(api, keyed(call, 'k1'), 200);
  const now = await api.send({ path, as: agent.agent_token });
  assert.equal(second.headers.etag, now.headers.etag);
});

check('makes one operator, and gives its token again', async ({ api }) => {
  const key = `operator ${Math.random()}`.replaceAll(' ', '-');
  const call = { method: 'POST', path: '/v1/operators', body: { contact_hash: 'c0ffee' } };
  const answer = await twice(api, keyed(call, key), 201);
  const { api_key } = bodyOf<{ api_key: string }>(answer, 201);
  assert.equal((await api.send({ path: '/v1/agents', as: api_key })).status, 200);
});

check('makes one agent, and gives its token again though the challenge is spent', async ({ api }) => {
  const operator = await api.operator();
  const { challenge_id } = await api.challenge(operator);
  const body = { verification_response: { challenge_id, response: 'any' } };
  const call = keyed({ method: 'POST', path: '/v1/agents', as: operator.api_key, body }, 'k1');
  const answer = await twice(api, call, 201);
  const { agent_token } = bodyOf<{ agent_token: string }>(answer, 201);
  assert.equal((await api.send({ path: '/v1/agents/me', as: agent_token })).status, 200);
  const owned = await api.must<{ total: number }>(200, { path: '/v1/agents', as: operator.api_key });
  assert.equal(owned.total, 1);
});

check('makes one new token, and gives it again', async ({ api }) => {
  const operator = await api.operator();
  const agent = await api.agent(operator);
  const path = `/v1/agents/${agent.agent_address}/rotate-token`;
  const answer = await twice(api, keyed({ method: 'POST', path, as: operator.api_key, body: {} }, 'k1'), 200);
  const { agent_token } = bodyOf<{ agent_token: string }>(answer, 200);
  assert.equal((await api.send({ path: '/v1/agents/me', as: agent_token })).status, 200);
  refusalOf(await api.send({ path: '/v1/agents/me', as: agent.agent_token }), 401, 'unauthorized');
});

check('refuses the key of another request with 409, whatever differs', async ({ api }) => {
  const agent = await api.agent();
  const to = agent.agent_address;
  const send = (path: string, body: unknown, method = 'POST') =>
    api.send(keyed({ method, path, as: agent.agent_token, body }, 'used'));
  assert.equal((await send('/v1/messages', { to, content: 'first' })).status, 202);
  refusalOf(await send('/v1/messages', { to, content: 'second' }), 409, 'conflict');
  refusalOf(await send('/v1/messages/batch', { messages: [{ to, content: 'first' }] }), 409, 'conflict');
  refusalOf(await send('/v1/state/used', { value: 'x' }, 'PUT'), 409, 'conflict');
  refusalOf(await send('/v1/messages/ack', { message_ids: ['x'] }), 409, 'conflict');
  assert.equal((await api.take(agent)).messages.length, 1);
});

check('keeps the keys of two callers apart', async ({ api }) => {
  const [one, two] = [await api.agent(), await api.agent()];
  for (const agent of [one, two]) {
    const body = { to: one.agent_address, content: `from ${agent.agent_address}` };
    const answer = await api.send(keyed({ method: 'POST', path: '/v1/messages', as: agent.agent_token, body }, 'same'));
    assert.equal(answer.status, 202);
    assert.equal(replayed(answer), false);
  }
});

check('does not remember a refusal: the same request may succeed later', async ({ api }) => {
  const agent = await api.agent();
  const path = `/v1/state/later-${agent.agent_address}`;
  const call = { method: 'PUT', path, as: agent.agent_token, body: { value: 'v' }, headers: { 'if-match': '*' } };
  refusalOf(await api.send(keyed(call, 'later')), 409, 'conflict');
  assert.equal((await api.send({ ...call, headers: {} })).status, 200);
  const answer = await api.send(keyed(call, 'later'));
  assert.equal(answer.status, 200);
  assert.equal(replayed(answer), false);
});

check('takes keys of 1 to 255 visible characters, and refuses others with 400', async ({ api }) => {
  const agent = await api.agent();
  const put = (key: string) =>
    api.send(keyed({ method: 'PUT', path: '/v1/state/key-form', as: agent.agent_token, body: { value: 'v' } }, key));
  for (const key of ['!', '~'.repeat(255), 'a"b\\c,d;e']) assert.equal((await put(key)).status, 200, key);
  for (const key of ['~'.repeat(256), 'two words', '']) refusalOf(await put(key), 400, 'bad_request');
});

check('lets eight of the same at once happen once', async ({ api }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  const body = { to: to.agent_address, content: 'at once' };
  const call = keyed({ method: 'POST', path: '/v1/messages', as: from.agent_token, body }, 'at-once');
  const answers = await Promise.all(Array.from({ length: 8 }, () => api.send(call)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    answers.map(() => 202),
  );
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
  assert.equal(answers.filter((answer) => !replayed(answer)).length, 1);
  assert.equal((await api.take(to)).messages.length, 1);
});

check('gives every first answer again after a kill -9', async ({ api, server }) => {
  const operator = await api.operator();
  const agent = await api.agent(operator);
  const { challenge_id } = await api.challenge(operator);
  const asOperator = { method: 'POST', as: operator.api_key };
  const asAgent = { as: agent.agent_token };
  const calls: readonly Call[] = [
    { method: 'POST', path: '/v1/operators', body: { contact_hash: 'c0ffee' } },
    { ...asOperator, path: '/v1/agents', body: { verification_response: { challenge_id, response: 'any' } } },
    { ...asAgent, method: 'POST', path: '/v1/messages', body: { to: agent.agent_address, content: 'once' } },
    { ...asAgent, method: 'PUT', path: '/v1/state/once', body: { value: 'v' } },
  ];
  const firsts: Answer[] = [];
  for (const [index, call] of calls.entries()) firsts.push(await api.send(keyed(call, `survives-${index}`)));
  assert.deepEqual(
    firsts.map(({ status }) => status),
    [201, 201, 202, 200],
  );
  await server.kill();
  await server.startAgain();
  for (const [index, call] of calls.entries()) {
    const answer = await api.send(keyed(call, `survives-${index}`));
    assert.equal(answer.status, firsts[index]?.status, answer.text);
    assert.equal(answer.text, firsts[index]?.text);
    assert.equal(replayed(answer), true);
  }
  assert.equal((await api.take(agent)).messages.length, 1);
});
