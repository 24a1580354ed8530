// The summaries after kill -9: in the middle of folding an old log, and under load, again and again. Whatever the kill met,
// they are what a recount of the log gives, and `troupe check` makes that recount.

import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type SyntheticData, writeSyntheticData } from '../../bench/scale/synthetic-data.js';
import { refusalOf, until } from './expectations.js';
import { ServerProcess } from './server-process.js';
import { type AgentPage, allAgents, allEdges, type WithPeers } from './summary-pages.js';
import { type Agent, TroupeApi } from './troupe-api.js';
import { runTroupe } from './troupe-command.js';

const OLD = { agents: 2_000, events: 400_000, stateKeys: 0, messagesPerAgent: 0, messageBytes: 0, knownTokens: 2 };
const KILLS_OLD = 3;
const KILLS_LOAD = 8;
const SPEAKERS = 5;

/** What `troupe check` says of the summaries: nothing wrong, and up to which event they are. */
async function checked(server: ServerProcess): Promise<number> {
  const { code, stdout, stderr } = await runTroupe(['check', server.dataDirectory]);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /nothing wrong found\n$/);
  return Number(/^summaries: up to event (\d+):/m.exec(stdout)?.[1] ?? 0);
}

/** The same of a log that was made up, and tells of messages that are in no inbox: the summaries alone are held to it. */
async function recounted(server: ServerProcess): Promise<number> {
  const { stdout } = await runTroupe(['check', server.dataDirectory]);
  assert.doesNotMatch(stdout, /^summaries: [a-z_]+ [[]/m);
  const [, folded] = /^summaries: up to event (\d+):/m.exec(stdout) ?? [];
  assert.ok(folded !== undefined, stdout);
  return Number(folded);
}

/** A page as soon as there is one; how often the caller was told to come back. */
async function patiently(
  api: TroupeApi,
  path: string,
): Promise<{ readonly page: AgentPage; readonly refused: number }> {
  for (let refused = 0; ; refused++) {
    const answer = await api.send({ path });
    if (answer.status === 200) return { page: JSON.parse(answer.text) as AgentPage, refused };
    refusalOf(answer, 503, 'unavailable');
    assert.ok(Number(answer.headers['retry-after']) >= 1, 'it says when to come back');
    await pause(20);
  }
}

test('sums up an old log by itself, in slices, and goes on where a kill met it', async () => {
  const server = await ServerProcess.start({ 'observe.requests_per_min': 0 });
  const api = new TroupeApi(() => server.port);
  try {
    await server.stop();
    rmSync(server.dataDirectory, { recursive: true });
    const data: SyntheticData = writeSyntheticData(server.dataDirectory, OLD);
    await server.startAgain();
    assert.equal(existsSync(join(server.dataDirectory, 'summaries')), false);
    const met: number[] = [];
    const as = await server.adminToken();
    const summedUp = async () =>
      (await api.must<{ eventsSummedUp: number }>(200, { path: '/admin/status', as })).eventsSummedUp;
    // The first call wakes the thread, and is too early; each life folds some slices of the log.
    for (let kills = 0; kills < KILLS_OLD; kills++) {
      refusalOf(await api.send({ path: '/observe/agents' }), 503, 'unavailable');
      const before = met.at(-1) ?? 0;
      await until('a slice was folded', async () => (await summedUp()) > before);
      await server.kill();
      met.push(await recounted(server));
      await server.startAgain();
    }
    assert.ok(
      met.some((folded) => folded > 0 && folded < OLD.events),
      `no kill met it on its way: ${met.join()}`,
    );
    for (const [life, folded] of met.entries()) assert.ok(folded > (met[life - 1] ?? 0), `it goes on: ${met.join()}`);
    // Agents are served meanwhile.
    const [from, to] = data.agents.map(({ address, token }) => ({ agent_address: address, agent_token: token }));
    await api.message(from!, to!, 'meanwhile');
    const { page } = await patiently(api, '/observe/agents?limit=1');
    assert.equal(page.total, OLD.agents);
    const first = await api.must<WithPeers>(200, { path: `/observe/agents/${from!.agent_address}` });
    const each = OLD.events / OLD.agents - 1;
    assert.deepEqual([first.messages_sent, first.messages_received], [each + 1, each]);
    await server.stop();
    assert.equal(await recounted(server), OLD.events + 1);
  } finally {
    api.close();
    await server.dispose();
  }
});

test(`agrees with the log after ${KILLS_LOAD} kills under load, while it is asked all the time`, async () => {
  const server = await ServerProcess.start({ 'observe.requests_per_min': 0, 'journal.apply_after_ms': 5 });
  const api = new TroupeApi(() => server.port);
  try {
    const operator = await api.operator();
    const agents: Agent[] = [];
    for (let i = 0; i < SPEAKERS; i++) agents.push(await api.agent(operator));
    let acknowledged = 0;
    let pages = 0;
    for (let kill = 0; kill < KILLS_LOAD; kill++) {
      let isOver = false;
      const begun = acknowledged;
      const askedBefore = pages;
      const speaking = agents.map(async ({ agent_token }, place) => {
        for (let i = 0; !isOver; i++) {
          const to = agents[(place + 1 + (i % 3)) % SPEAKERS]!.agent_address;
          const call = { method: 'POST', path: '/v1/messages', as: agent_token, body: { to, content: `${i}` } };
          const answer = await api.send(call).catch(() => undefined);
          if (answer?.status === 202) acknowledged++;
        }
      });
      const asking = Array.from({ length: 2 }, async () => {
        while (!isOver) {
          const answer = await api.send({ path: '/observe/network' }).catch(() => undefined);
          if (answer?.status === 200) pages++;
        }
      });
      await until(
        'something was said and asked',
        () => acknowledged > begun + 30 + kill * 7 && pages > askedBefore + 5,
      );
      await server.kill();
      isOver = true;
      await Promise.all([...speaking, ...asking]);
      await checked(server);
      await server.startAgain();
    }
    const counted = (await allEdges(api)).edges.reduce((sum, { count }) => sum + count, 0);
    assert.ok(counted >= acknowledged, `${counted} of ${acknowledged} messages`);
    const listed = await allAgents(api);
    assert.equal(
      listed.reduce((sum, { messages_sent }) => sum + messages_sent, 0),
      counted,
    );
    await server.stop();
    assert.ok((await checked(server)) >= counted);
  } finally {
    api.close();
    await server.dispose();
  }
});

test('says that the summaries are of another log, and makes them again once they are removed', async () => {
  const server = await ServerProcess.start({ 'observe.requests_per_min': 0 });
  const api = new TroupeApi(() => server.port);
  try {
    const [ann, bob] = [await api.agent(), await api.agent()];
    for (let i = 0; i < 20; i++) await api.message(ann, bob, 'x');
    assert.equal((await allAgents(api)).length, 2);
    await server.stop();
    // Tables with a shorter log under the same sums.
    for (const part of ['tables', 'journal']) {
      rmSync(join(server.dataDirectory, part), { recursive: true });
    }
    await server.startAgain();
    const wrong = await api.send({ path: '/observe/agents' });
    refusalOf(wrong, 500, 'internal_error');
    await until('the log says why', () => /go up to event \d+, and the log ends with/.test(server.stderr));
    const agent = await api.agent();
    assert.equal((await api.put(agent, 'still', 'works')).status, 200);
    await server.stop();
    const { code, stdout } = await runTroupe(['check', server.dataDirectory]);
    assert.equal(code, 1);
    assert.match(stdout, /summaries: meta \["folded"\]: it is \d+; the last event is/);
    rmSync(join(server.dataDirectory, 'summaries'), { recursive: true });
    await server.startAgain();
    assert.deepEqual(
      (await allAgents(api)).map(({ address, state_writes }) => [address, state_writes]),
      [[agent.agent_address, 1]],
    );
  } finally {
    api.close();
    await server.dispose();
  }
});
