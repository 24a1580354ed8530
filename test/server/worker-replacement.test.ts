// A worker that is replaced under load: callers are told, sockets stay, and nothing acknowledged is lost (G1, G6).

import assert from 'node:assert/strict';
import { refusalOf, until } from './expectations.js';
import { onBothListeners, type Stage } from './on-both-listeners.js';
import type { Agent, Answer } from './troupe-api.js';

const check = onBothListeners({ workers: 2 });

const AGENTS = 8;
const REPLACEMENTS = 3;
const RETRIES_MAX = 2_000;

function replace({ api }: Stage, worker: string | number, admin: string): Promise<Answer> {
  return api.send({ method: 'POST', path: `/admin/workers/${worker}/replace`, as: admin, body: {} });
}

/** Runs `work` again and again, in turn with itself, until `stopped`. */
async function whileRunning(stopped: () => boolean, work: (round: number) => Promise<void>): Promise<void> {
  for (let round = 0; !stopped(); round++) await work(round);
}

check('replaces a worker, and says that there is none where there is none', async (stage) => {
  const admin = await stage.server.adminToken();
  const answer = await replace(stage, 0, admin);
  assert.deepEqual([answer.status, JSON.parse(answer.text)], [200, { worker: 0, replaced: true }]);
  for (const worker of ['2', '-1', 'x', '00000', '1.0', '%30']) {
    refusalOf(await replace(stage, worker, admin), 404, 'not_found');
  }
});

check('tells the callers of a lost worker, drops no socket, and loses nothing acknowledged', async (stage) => {
  const { api, server } = stage;
  const admin = await server.adminToken();
  const operator = await api.operator();
  const agents: Agent[] = [];
  for (let i = 0; i < AGENTS; i++) agents.push(await api.agent(operator));
  let stopped = false;
  const refused: Answer[] = [];
  const sent = new Map<string, string[]>(agents.map(({ agent_address }) => [agent_address, []]));
  const lastWritten = new Map<string, number>();

  /** Insists, with one key, until it is accepted: then it happened once, however often it was tried. */
  const insist = async (call: Parameters<typeof api.send>[0], key: string): Promise<Answer> => {
    for (let tries = 0; tries < RETRIES_MAX; tries++) {
      const answer = await api.send({ ...call, headers: { 'idempotency-key': key } });
      if (answer.status < 300) return answer;
      refusalOf(answer, 503, 'unavailable');
      assert.ok(Number(answer.headers['retry-after']) >= 1);
      refused.push(answer);
    }
    throw new Error('it was refused too often');
  };

  const load = agents.flatMap((from, index) => {
    const to = agents[(index + 1) % AGENTS]!;
    const path = `/v1/state/last-${index}`;
    return [
      whileRunning(
        () => stopped,
        async (round) => {
          const body = { to: to.agent_address, content: `${round}` };
          await insist({ method: 'POST', path: '/v1/messages', as: from.agent_token, body }, `message-${round}`);
          sent.get(to.agent_address)?.push(`${round}`);
        },
      ),
      whileRunning(
        () => stopped,
        async (round) => {
          await insist({ method: 'PUT', path, as: from.agent_token, body: { value: `${round}` } }, `write-${round}`);
          lastWritten.set(path, round);
        },
      ),
    ];
  });
  try {
    await until('there is load', () => lastWritten.size === AGENTS);
    for (let i = 0; i < REPLACEMENTS; i++) {
      assert.equal((await replace(stage, i % 2, admin)).status, 200);
      const goal = lastWritten.get('/v1/state/last-0')! + 5;
      await until('it goes on', () => lastWritten.get('/v1/state/last-0')! >= goal);
    }
  } finally {
    stopped = true;
  }
  await Promise.all(load);

  for (const agent of agents) {
    const found: string[] = [];
    for (let left = 1; left > 0; ) {
      const taken = await api.take(agent, 'limit=100');
      left = taken.remaining;
      found.push(...taken.messages.map(({ content }) => content));
    }
    assert.deepEqual(found, sent.get(agent.agent_address), 'each message once, in order');
  }
  for (const [path, round] of lastWritten) {
    const { value } = await api.must<{ value: string }>(200, { path, as: agents[0]!.agent_token });
    assert.equal(value, `${round}`);
  }
  const status = await api.must<{ workerReplacements: number }>(200, { path: '/admin/status', as: admin });
  assert.ok(status.workerReplacements >= REPLACEMENTS);
});

check('answers a take that waits on a lost worker with 503', async (stage) => {
  const { api, server } = stage;
  const admin = await server.adminToken();
  const agent = await api.agent();
  const call = api.open({ path: '/v1/messages?wait=20', as: agent.agent_token });
  await until('it waits', async () => {
    const status = await api.must<{ asksWaiting: number }>(200, { path: '/admin/status', as: admin });
    return status.asksWaiting === 1;
  });
  // It waits on one of the two.
  for (const worker of [0, 1]) assert.equal((await replace(stage, worker, admin)).status, 200);
  const answer = await call.answer;
  refusalOf(answer, 503, 'unavailable');
  assert.ok(Number(answer.headers['retry-after']) >= 1);
  await api.message(agent, agent, 'still here');
  assert.equal((await api.take(agent)).messages[0]?.content, 'still here');
});

check('keeps reservations exact: the capacity is what is there, after many replacements', async (stage) => {
  const { api, server } = stage;
  const admin = await server.adminToken();
  const agent = await api.agent();
  const before = await api.capacity(agent);
  const writes = Array.from({ length: 40 }, (_, i) => api.put(agent, `reserved-${i}`, 'v'.repeat(1000)));
  await replace(stage, 0, admin);
  await replace(stage, 1, admin);
  const answers = await Promise.all(writes);
  const written = answers.filter(({ status }) => status === 200).length;
  for (const answer of answers) if (answer.status !== 200) refusalOf(answer, 503, 'unavailable');
  const listing = await api.must<{ keys: string[]; total: number }>(200, {
    path: '/v1/state?prefix=reserved-',
    as: agent.agent_token,
  });
  assert.ok(listing.total >= written, 'an outcome that is not known may have happened');
  const bytes = listing.keys.reduce((sum, key) => sum + Buffer.byteLength(key) + 1000, 0);
  assert.deepEqual(await api.capacity(agent), {
    used_bytes: before.used_bytes + bytes,
    total_bytes: before.total_bytes,
    key_count: before.key_count + listing.total,
  });
});
