import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { stateKeyAt, writeSyntheticData } from '../../bench/scale/synthetic-data.js';
import { bodyOf } from '../server/expectations.js';
import { ServerProcess } from '../server/server-process.js';
import { TroupeApi } from '../server/troupe-api.js';
import { runTroupe } from '../server/troupe-command.js';

const PLAN = { agents: 300, events: 1_000, stateKeys: 40, messagesPerAgent: 3, messageBytes: 50, knownTokens: 20 };

/** Its events are many and of two types: they do not tell of all that is there, and nothing else is wrong. */
function assertSound({ stdout, stderr }: Awaited<ReturnType<typeof runTroupe>>): void {
  const found = stdout.split('\n').filter((line) => /^[a-z_]+ (\[|file)/.test(line) && !line.includes('by the events'));
  assert.deepEqual([found, stderr], [[], ''], stdout);
}

test('synthetic data is what a server would have written, but for how its events came about: nothing else is wrong with it, and a server goes on with it', async () => {
  const home = mkdtempSync(join(tmpdir(), 'troupe-synthetic-'));
  try {
    const directory = join(home, 'data');
    const data = writeSyntheticData(directory, PLAN);
    const before = await runTroupe(['check', directory]);
    assertSound(before);
    for (const table of [
      'agent 300',
      'event 1000',
      'inbox 900',
      'owned 300',
      'registry 300',
      'state 40',
      'token 302',
    ]) {
      assert.ok(before.stdout.includes(table), `${table} is not in: ${before.stdout}`);
    }
    const server = await ServerProcess.start({ data_dir: directory });
    const api = new TroupeApi(() => server.port);
    try {
      const agent = { agent_address: data.agents[19]!.address, agent_token: data.agents[19]!.token };
      const cursor = Buffer.from(data.orderAt(18)).toString('base64url');
      const page = await api.send({ path: `/v1/registry?limit=1&cursor=${cursor}`, as: agent.agent_token });
      const { agents, total } = bodyOf<{ agents: { address: string }[]; total: number }>(page, 200);
      assert.deepEqual([agents[0]?.address, total], [agent.agent_address, 300]);
      const own = await api.send({ path: '/v1/agents?limit=1', as: data.largeOperatorToken });
      assert.equal(bodyOf<{ total: number }>(own, 200).total, 200);
      assert.equal((await api.get(agent, stateKeyAt(39))).status, 200);
      await api.message(agent, agent, 'one more');
      const { messages } = await api.take(agent);
      assert.deepEqual(
        messages.map(({ content }) => content.trimEnd().slice(0, 8)),
        ['1 mmmmmm', '2 mmmmmm', '3 mmmmmm', 'one more'],
      );
    } finally {
      api.close();
      await server.stop();
      await server.dispose();
    }
    assertSound(await runTroupe(['check', directory]));
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
