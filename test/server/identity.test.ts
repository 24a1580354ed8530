// Who may call what: the three tokens, their formats, and that none opens another's door.

import assert from 'node:assert/strict';
import { refusalOf, UUID } from './expectations.js';
import { onBothListeners } from './on-both-listeners.js';
import type { Call } from './troupe-api.js';

const check = onBothListeners();

const OPERATOR_CALLS: readonly Call[] = [
  { path: '/v1/agents/verification-challenge' },
  { method: 'POST', path: '/v1/agents', body: { verification_response: { challenge_id: 'x', response: '' } } },
  { path: '/v1/agents' },
  { method: 'DELETE', path: '/v1/agents/tab_00000000000000000000' },
  { method: 'POST', path: '/v1/agents/tab_00000000000000000000/rotate-token', body: {} },
  { method: 'PUT', path: '/v1/agents/tab_00000000000000000000/webhook', body: { webhook_url: 'http://x' } },
];
const AGENT_CALLS: readonly Call[] = [
  { path: '/v1/agents/me' },
  { path: '/v1/registry' },
  { method: 'POST', path: '/v1/messages', body: { to: 'tab_x', content: 'x' } },
  { method: 'POST', path: '/v1/messages/batch', body: { messages: [{ to: 'tab_x', content: 'x' }] } },
  { method: 'POST', path: '/v1/messages/ack', body: { message_ids: ['x'] } },
  { path: '/v1/messages' },
  { path: '/v1/state/key' },
  { method: 'PUT', path: '/v1/state/key', body: { value: 'x' } },
  { method: 'DELETE', path: '/v1/state/key' },
  { path: '/v1/state' },
  { path: '/v1/state/_capacity' },
];
const ADMIN_CALLS: readonly Call[] = [
  { path: '/admin/status' },
  { method: 'POST', path: '/admin/workers/7/replace', body: {} },
];

check('gives operators and agents names and tokens of the promised form', async ({ api }) => {
  const operator = await api.operator();
  const agent = await api.agent(operator);
  assert.match(operator.operator_id, UUID);
  assert.match(operator.api_key, /^sk_live_[0-9a-f]{64}$/);
  assert.match(agent.agent_address, /^tab_[a-z0-9]{20}$/);
  assert.match(agent.agent_token, /^at_live_[0-9a-f]{64}$/);
  assert.deepEqual(Object.keys(operator).sort(), ['api_key', 'operator_id']);
  assert.deepEqual(Object.keys(agent).sort(), ['agent_address', 'agent_token']);
});

check('prints one admin token of the promised form on the first start', async ({ server }) => {
  const token = await server.adminToken();
  assert.match(token, /^ad_live_[0-9a-f]{64}$/);
  assert.equal(server.stdout.split('ad_live_').length, 2);
  assert.ok(!server.stderr.includes(token), 'the log holds no token');
});

check('refuses every call without a token, with a broken one, or with an unknown one', async ({ api }) => {
  const calls = [...OPERATOR_CALLS, ...AGENT_CALLS, ...ADMIN_CALLS];
  const zeros = '0'.repeat(64);
  for (const call of calls) {
    refusalOf(await api.send(call), 401, 'unauthorized');
    for (const token of [
      '',
      'at_live_',
      `at_live_${zeros}`,
      `sk_live_${zeros}`,
      `ad_live_${zeros}`,
      `at_live_${zeros}0`,
    ]) {
      const answer = await api.send({ ...call, as: token });
      refusalOf(answer, 401, 'unauthorized');
      assert.equal(answer.headers['www-authenticate'], 'Bearer');
      assert.equal(answer.headers['x-ratelimit-limit'], undefined, 'who is not known has no standing');
    }
  }
});

check(
  'refuses an operator token where an agent token is needed, the other way round, and both at the admin door',
  async ({ api, server }) => {
    const operator = await api.operator();
    const agent = await api.agent(operator);
    const admin = await server.adminToken();
    const refused = async (calls: readonly Call[], tokens: readonly string[]): Promise<void> => {
      for (const call of calls) {
        for (const as of tokens) refusalOf(await api.send({ ...call, as }), 401, 'unauthorized');
      }
    };
    await refused(OPERATOR_CALLS, [agent.agent_token, admin]);
    await refused(AGENT_CALLS, [operator.api_key, admin]);
    await refused(ADMIN_CALLS, [operator.api_key, agent.agent_token]);
  },
);

check('takes each token at every door that is its own', async ({ api, server }) => {
  const operator = await api.operator();
  const agent = await api.agent(operator);
  const statuses = async (calls: readonly Call[], as: string): Promise<number[]> => {
    const all: number[] = [];
    for (const call of calls) all.push((await api.send({ ...call, as })).status);
    return all;
  };
  assert.deepEqual(await statuses(OPERATOR_CALLS, operator.api_key), [200, 403, 200, 404, 404, 400]);
  assert.deepEqual(
    await statuses(AGENT_CALLS, agent.agent_token),
    [200, 200, 404, 200, 200, 200, 404, 200, 200, 200, 200],
  );
  assert.deepEqual(await statuses(ADMIN_CALLS, await server.adminToken()), [200, 404]);
});

check('takes the scheme in any case, and no other scheme', async ({ api }) => {
  const { agent_token: token } = await api.agent();
  const me = (authorization: string) => api.send({ path: '/v1/agents/me', headers: { authorization } });
  assert.equal((await me(`bearer ${token}`)).status, 200);
  assert.equal((await me(`BEARER ${token}`)).status, 200);
  for (const wrong of [token, `Basic ${token}`, `Bearer  ${token}`, `Bearer ${token.toUpperCase()}`]) {
    refusalOf(await me(wrong), 401, 'unauthorized');
  }
});

check('refuses a token whose lookup id is right and whose rest is not', async ({ api }) => {
  const { agent_token: token } = await api.agent();
  const last = token.endsWith('0') ? '1' : '0';
  refusalOf(await api.send({ path: '/v1/agents/me', as: token.slice(0, -1) + last }), 401, 'unauthorized');
  assert.equal((await api.send({ path: '/v1/agents/me', as: token })).status, 200);
});

check('tells the admin how the server is', async ({ api, server }) => {
  const status = await api.must<Record<string, unknown>>(200, { path: '/admin/status', as: await server.adminToken() });
  assert.equal(status.draining, false);
  assert.equal(typeof status.version, 'string');
  assert.equal(typeof status.agents, 'number');
  assert.deepEqual(Object.keys(status.state as object).sort(), ['key_count', 'total_bytes', 'used_bytes']);
});
