// The two other ways to take messages: with a lease, and with patience.

import assert from 'node:assert/strict';
import { refusalOf, until } from './expectations.js';
import { onBothListeners, type Stage } from './on-both-listeners.js';
import type { Agent, Taken, TroupeApi } from './troupe-api.js';

const check = onBothListeners();

function ack(api: TroupeApi, agent: Agent, ids: unknown) {
  return api.send({ method: 'POST', path: '/v1/messages/ack', as: agent.agent_token, body: { message_ids: ids } });
}

function contents({ messages }: Taken): string[] {
  return messages.map(({ content }) => content);
}

/** A take that waits, once the server has it waiting. */
async function waiting({ api, server }: Stage, agent: Agent, query: string) {
  const before = await asksWaiting(api, await server.adminToken());
  const call = api.open({ path: `/v1/messages?${query}`, as: agent.agent_token });
  const admin = await server.adminToken();
  await until('the request waits', async () => (await asksWaiting(api, admin)) === before + 1);
  return call;
}

async function asksWaiting(api: TroupeApi, admin: string): Promise<number> {
  return (await api.must<{ asksWaiting: number }>(200, { path: '/admin/status', as: admin })).asksWaiting;
}

check('hides a leased message until it is acknowledged', async ({ api }) => {
  const agent = await api.agent();
  for (const content of ['a', 'b', 'c']) await api.message(agent, agent, content);
  const leased = await api.take(agent, 'mode=lease&limit=2');
  assert.deepEqual(contents(leased), ['a', 'b']);
  assert.equal(leased.remaining, 1);
  assert.deepEqual(contents(await api.take(agent)), ['c']);
  const ids = leased.messages.map(({ message_id }) => message_id);
  const answer = await ack(api, agent, [ids[0], 'unknown', ids[1], ids[0]]);
  assert.deepEqual(JSON.parse(answer.text), { acked: 2, unknown: ['unknown', ids[0]] });
  assert.deepEqual(await api.take(agent), { messages: [], remaining: 0 });
});

check('gives a leased message back, at its place, when the lease runs out', async ({ api }) => {
  const agent = await api.agent();
  const first = await api.message(agent, agent, 'first');
  assert.deepEqual(contents(await api.take(agent, 'mode=lease&lease_s=1')), ['first']);
  const leasedAt = Date.now();
  await api.message(agent, agent, 'second');
  await until('the lease is over', () => Date.now() > leasedAt + 1000);
  assert.equal(JSON.parse((await ack(api, agent, [first])).text).acked, 0, 'it is no longer leased');
  assert.deepEqual(contents(await api.take(agent)), ['first', 'second']);
});

check('serves a waiting take with a message whose lease runs out', async ({ api }) => {
  const agent = await api.agent();
  await api.message(agent, agent, 'back');
  await api.take(agent, 'mode=lease&lease_s=1');
  assert.deepEqual(contents(await api.take(agent, 'wait=10')), ['back']);
});

check('refuses a mode that there is not, and falls back for a lease that is out of range', async ({ api }) => {
  const agent = await api.agent();
  refusalOf(await api.send({ path: '/v1/messages?mode=steal', as: agent.agent_token }), 400, 'bad_request');
  await api.message(agent, agent, 'x');
  assert.deepEqual(contents(await api.take(agent, 'mode=lease&lease_s=0')), ['x']);
  assert.deepEqual(contents(await api.take(agent, 'mode=consume')), [], 'it is leased for the default of a minute');
});

check('refuses what is no list of ids', async ({ api }) => {
  const agent = await api.agent();
  for (const ids of [undefined, [], 'x', [1], ['x'.repeat(65)], Array.from({ length: 1001 }, () => 'x')]) {
    refusalOf(await ack(api, agent, ids), 400, 'bad_request');
  }
  assert.equal((await ack(api, agent, ['x'])).status, 200);
});

check('answers a waiting take as soon as a message arrives', async (stage) => {
  const { api } = stage;
  const [from, to] = [await api.agent(), await api.agent()];
  const { answer } = await waiting(stage, to, 'wait=20');
  const startedAt = performance.now();
  await api.message(from, to, 'at last');
  const { status, text } = await answer;
  assert.equal(status, 200);
  assert.deepEqual(contents(JSON.parse(text) as Taken), ['at last']);
  assert.ok(performance.now() - startedAt < 5_000, 'it does not wait to the end');
  assert.deepEqual(contents(await api.take(to)), []);
});

check('answers at once where a message is there already, and empty when the wait is over', async ({ api }) => {
  const agent = await api.agent();
  await api.message(agent, agent, 'there');
  const startedAt = performance.now();
  assert.deepEqual(contents(await api.take(agent, 'wait=20')), ['there']);
  assert.ok(performance.now() - startedAt < 5_000);
  const waitedFrom = performance.now();
  assert.deepEqual(await api.take(agent, 'wait=1'), { messages: [], remaining: 0 });
  assert.ok(performance.now() - waitedFrom >= 990, 'it waits as long as was asked');
});

check('serves those who wait in the order they came, each message once', async (stage) => {
  const { api } = stage;
  const agent = await api.agent();
  const first = await waiting(stage, agent, 'wait=20&limit=1');
  const second = await waiting(stage, agent, 'wait=20&limit=1&mode=lease');
  for (const content of ['a', 'b']) await api.message(agent, agent, content);
  assert.deepEqual(contents(JSON.parse((await first.answer).text) as Taken), ['a']);
  assert.deepEqual(contents(JSON.parse((await second.answer).text) as Taken), ['b']);
});

check('keeps a message that arrives after its waiting taker has gone', async (stage) => {
  const { api, server } = stage;
  const agent = await api.agent();
  const admin = await server.adminToken();
  const before = await asksWaiting(api, admin);
  const call = await waiting(stage, agent, 'wait=20');
  call.abort();
  await assert.rejects(call.answer);
  await until('the wait is given up', async () => (await asksWaiting(api, admin)) === before);
  await api.message(agent, agent, 'not for nobody');
  assert.deepEqual(contents(await api.take(agent)), ['not for nobody']);
});

check('refuses more than sixteen waiting takes of one agent', async (stage) => {
  const { api, server } = stage;
  const agent = await api.agent();
  const admin = await server.adminToken();
  const before = await asksWaiting(api, admin);
  const open = Array.from({ length: 16 }, () => api.open({ path: '/v1/messages?wait=20', as: agent.agent_token }));
  await until('all wait', async () => (await asksWaiting(api, admin)) === before + 16);
  const refused = await api.send({ path: '/v1/messages?wait=20', as: agent.agent_token });
  refusalOf(refused, 429, 'rate_limited');
  assert.ok(Number(refused.headers['retry-after']) >= 1);
  for (const { abort } of open) abort();
  await until('all are given up', async () => (await asksWaiting(api, admin)) === before);
});
