// The limits of each class of calls, small enough to be reached.

import assert from 'node:assert/strict';
import { refusalOf } from './expectations.js';
import { onBothListeners, type Stage } from './on-both-listeners.js';
import type { Agent, Answer, Call } from './troupe-api.js';

const LIMITS = {
  'limits.message_send_per_min': 3,
  'limits.message_read_per_min': 4,
  'limits.state_read_per_min': 5,
  'limits.state_write_per_min': 2,
  'limits.registry_read_per_min': 6,
} as const;

const check = onBothListeners(LIMITS);

type CallOf = (agent: Agent) => Call;

const read =
  (path: string): CallOf =>
  () => ({ path });

/** Each class with every call that counts against it. */
const CLASSES: readonly { readonly name: string; readonly limit: number; readonly calls: readonly CallOf[] }[] = [
  {
    name: 'message_send',
    limit: 3,
    calls: [
      ({ agent_address: to }) => ({ method: 'POST', path: '/v1/messages', body: { to, content: 'x' } }),
      ({ agent_address: to }) => ({
        method: 'POST',
        path: '/v1/messages/batch',
        body: { messages: [{ to, content: 'x' }] },
      }),
    ],
  },
  {
    name: 'message_read',
    limit: 4,
    calls: [read('/v1/messages'), () => ({ method: 'POST', path: '/v1/messages/ack', body: { message_ids: ['x'] } })],
  },
  {
    name: 'state_read',
    limit: 5,
    calls: [read('/v1/state/absent'), read('/v1/state'), read('/v1/state/_capacity')],
  },
  {
    name: 'state_write',
    limit: 2,
    calls: [
      () => ({ method: 'PUT', path: '/v1/state/limited', body: { value: 'x' } }),
      () => ({ method: 'DELETE', path: '/v1/state/absent' }),
    ],
  },
  { name: 'registry_read', limit: 6, calls: [read('/v1/registry'), read('/v1/agents/me')] },
];

function standingOf({ headers }: Answer): { limit: number; remaining: number; reset: number } {
  return {
    limit: Number(headers['x-ratelimit-limit']),
    remaining: Number(headers['x-ratelimit-remaining']),
    reset: Number(headers['x-ratelimit-reset']),
  };
}

for (const { name, limit, calls } of CLASSES) {
  check(`counts every ${name} call against one limit of the agent, and refuses the next`, async ({ api }) => {
    const agent = await api.agent();
    const next = (index: number) => api.send({ ...calls[index % calls.length]!(agent), as: agent.agent_token });
    const nowS = Date.now() / 1000;
    for (let used = 1; used <= limit; used++) {
      const answer = await next(used);
      assert.notEqual(answer.status, 429);
      const { reset, ...standing } = standingOf(answer);
      assert.deepEqual(standing, { limit, remaining: limit - used });
      assert.ok(reset >= nowS && reset <= nowS + 75, `a window ends within a minute, not at ${reset - nowS} s`);
    }
    for (const index of calls.keys()) {
      const answer = await next(index);
      refusalOf(answer, 429, 'rate_limited');
      assert.equal(standingOf(answer).remaining, 0);
      const retryAfter = String(answer.headers['retry-after']);
      assert.match(retryAfter, /^[1-9]\d*$/);
      assert.ok(Number(retryAfter) <= 60);
    }
  });
}

check('keeps the classes and the agents apart', async ({ api }) => {
  const [busy, other] = [await api.agent(), await api.agent()];
  for (let i = 0; i < 2; i++) assert.equal((await api.put(busy, 'apart', 'x')).status, 200);
  refusalOf(await api.put(busy, 'apart', 'x'), 429, 'rate_limited');
  assert.equal((await api.get(busy, 'apart')).status, 200);
  assert.equal((await api.put(other, 'apart', 'x')).status, 200);
});

check('counts each message of a batch, and sends none of one that does not fit', async ({ api }) => {
  const [from, to] = [await api.agent(), await api.agent()];
  const batch = (count: number) => ({
    method: 'POST',
    path: '/v1/messages/batch',
    as: from.agent_token,
    body: {
      messages: Array.from({ length: count }, (_, i) => ({ to: to.agent_address, content: `of ${count}: ${i}` })),
    },
  });
  refusalOf(await api.send(batch(4)), 400, 'bad_request');
  const two = await api.send(batch(1));
  assert.equal(two.status, 200);
  refusalOf(await api.send(batch(2)), 429, 'rate_limited');
  assert.deepEqual(
    (await api.take(to)).messages.map(({ content }) => content),
    ['of 1: 0'],
  );
});

check('does not limit what an operator does', async ({ api }: Stage) => {
  const operator = await api.operator();
  for (let i = 0; i < 10; i++) {
    const answer = await api.send({ path: '/v1/agents', as: operator.api_key });
    assert.equal(answer.status, 200);
  }
});
