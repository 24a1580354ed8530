// A full inbox: refused, or the oldest gives way.

import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { refusalOf } from './expectations.js';
import { onBothListeners } from './on-both-listeners.js';
import type { Agent, TroupeApi } from './troupe-api.js';

const BOUNDS = { 'messaging.inbox_messages_max': 3, 'messaging.inbox_bytes_max': 1000 } as const;

function send(api: TroupeApi, to: Agent, content: string) {
  const body = { to: to.agent_address, content };
  return api.send({ method: 'POST', path: '/v1/messages', as: to.agent_token, body });
}

async function takeAll(api: TroupeApi, agent: Agent): Promise<string[]> {
  return (await api.take(agent, 'limit=100')).messages.map(({ content }) => content);
}

describe('an inbox that refuses', () => {
  const check = onBothListeners(BOUNDS);

  check('refuses the message past its count with inbox_full, until one is taken', async ({ api }) => {
    const agent = await api.agent();
    for (const content of ['a', 'b', 'c']) assert.equal((await send(api, agent, content)).status, 202);
    const refused = await send(api, agent, 'd');
    assert.equal(refusalOf(refused, 429, 'rate_limited').detail, 'inbox_full');
    assert.ok(Number(refused.headers['retry-after']) >= 1);
    assert.equal((await api.take(agent, 'limit=1')).messages[0]?.content, 'a');
    assert.equal((await send(api, agent, 'd')).status, 202);
    assert.deepEqual(await takeAll(api, agent), ['b', 'c', 'd']);
  });

  check('refuses the message past its bytes', async ({ api }) => {
    const agent = await api.agent();
    assert.equal((await send(api, agent, 'é'.repeat(499))).status, 202);
    assert.equal(refusalOf(await send(api, agent, 'xxx'), 429, 'rate_limited').detail, 'inbox_full');
    assert.equal((await send(api, agent, 'xx')).status, 202);
    assert.equal((await takeAll(api, agent)).length, 2);
  });

  check('counts a leased message until it is acknowledged', async ({ api }) => {
    const agent = await api.agent();
    for (const content of ['a', 'b', 'c']) await send(api, agent, content);
    const { messages } = await api.take(agent, 'mode=lease&limit=1');
    refusalOf(await send(api, agent, 'd'), 429, 'rate_limited');
    const body = { message_ids: messages.map(({ message_id }) => message_id) };
    await api.must(200, { method: 'POST', path: '/v1/messages/ack', as: agent.agent_token, body });
    assert.equal((await send(api, agent, 'd')).status, 202);
  });

  check('tells in a batch which messages did not fit', async ({ api }) => {
    const agent = await api.agent();
    const messages = ['a', 'b', 'c', 'd'].map((content) => ({ to: agent.agent_address, content }));
    const call = { method: 'POST', path: '/v1/messages/batch', as: agent.agent_token, body: { messages } };
    const { results } = await api.must<{ results: { error?: string; detail?: string }[] }>(200, call);
    assert.deepEqual(
      results.map(({ detail }) => detail),
      [undefined, undefined, undefined, 'inbox_full'],
    );
  });
});

describe('an inbox that drops its oldest', () => {
  const check = onBothListeners({ ...BOUNDS, 'messaging.overflow': 'drop_oldest' });

  check('makes room for the new one', async ({ api }) => {
    const agent = await api.agent();
    for (const content of ['a', 'b', 'c', 'd', 'e']) assert.equal((await send(api, agent, content)).status, 202);
    assert.deepEqual(await takeAll(api, agent), ['c', 'd', 'e']);
  });

  check('refuses what fits in no inbox, and drops nothing for it', async ({ api }) => {
    const agent = await api.agent();
    for (const content of ['a', 'b']) await send(api, agent, content);
    assert.equal(refusalOf(await send(api, agent, 'x'.repeat(1001)), 429, 'rate_limited').detail, 'inbox_full');
    assert.deepEqual(await takeAll(api, agent), ['a', 'b']);
  });
});
