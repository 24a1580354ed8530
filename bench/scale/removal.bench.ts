// Measures: removals, one behind the other: of a message that was just sent, and of a key that was just written, on a server
// whose log has five million events; the same on one with a thousand, the floor. And what somebody who reads the shared
// state waits for meanwhile; beside the same without removals, the floor.
//
// Does not measure: a log that the kernel has to read from the disk, or a key with many events of its own.
//
// How to read it: a message is found by the time in its id: its ratio must be near 1. A key is looked for in all of the log:
// its rate is that of looking through so many events. The p99 of the reader must stay within some milliseconds.

import { join } from 'node:path';
import { type Bench, runBench } from '../harness/bench.js';
import { Child } from '../harness/child.js';
import { type LoadPlan, type LoadResult, loadRequest } from '../harness/load-client.js';
import type { Sample, Subject } from '../harness/measure.js';
import { AgedServer } from './aged-server.js';

const SMALL = { agents: 1_100, events: 1_100, stateKeys: 1_000, messagesPerAgent: 0, messageBytes: 0, knownTokens: 2 };
const LARGE = { ...SMALL, events: 5_000_000 };
const LARGE_QUICK = { ...SMALL, events: 20_000 };
const ADMIN_TOKEN = `ad_live_${'0'.repeat(64)}`;
const SETTINGS = { 'admin.token': ADMIN_TOKEN };

async function call(server: AgedServer, method: string, path: string, token: string, body?: object): Promise<unknown> {
  const response = await fetch(server.url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${await response.text()}`);
  return response.json();
}

let keys = 0;

async function removeKey(server: AgedServer): Promise<void> {
  const key = `removed-${++keys}`;
  await call(server, 'PUT', `/v1/state/${key}`, server.data.agents[0]!.token, { value: 'to be removed' });
  await call(server, 'POST', '/admin/removals', ADMIN_TOKEN, { key, reason: 'bench' });
}

async function removeMessage(server: AgedServer): Promise<void> {
  const [from, to] = server.data.agents;
  const body = { to: to!.address, content: 'to be removed' };
  const sent = (await call(server, 'POST', '/v1/messages', from!.token, body)) as { message_id: string };
  await call(server, 'POST', '/admin/removals', ADMIN_TOKEN, { message_id: sent.message_id, reason: 'bench' });
}

async function removed(server: AgedServer): Promise<number> {
  const { total } = (await call(server, 'GET', '/observe/transparency?limit=1', ADMIN_TOKEN)) as { total: number };
  return total;
}

const bench: Bench = {
  name: 'scale/removal',
  async open(quick) {
    const [small, large] = [
      AgedServer.prepare(SMALL, SETTINGS),
      AgedServer.prepare(quick ? LARGE_QUICK : LARGE, SETTINGS),
    ];
    const load = new Child<LoadPlan, LoadResult>(join(import.meta.dirname, '..', 'harness', 'load-process.js'));
    await Promise.all([small.start(), large.start()]);
    const removing = (name: string, server: AgedServer, remove: (server: AgedServer) => Promise<void>): Subject => ({
      name,
      async run(budgetMs): Promise<Sample> {
        const before = await removed(server);
        const begun = performance.now();
        let operations = 0;
        // One of them may take longer than all that there is time for.
        do {
          await remove(server);
          operations++;
        } while (performance.now() - begun < budgetMs);
        const elapsedMs = performance.now() - begun;
        if ((await removed(server)) !== before + operations) throw new Error('a removal is not recorded');
        return { operations, elapsedMs, latency: null };
      },
    });
    const reading = (name: string, isRemoving: boolean): Subject => ({
      name,
      async run(budgetMs): Promise<Sample> {
        const requests = [loadRequest('GET', '/v1/state/_capacity', large.data.agents[0]!.token, null)];
        let isOver = false;
        const removals = (async () => {
          while (isRemoving && !isOver) await removeKey(large);
        })();
        const result = await load.ask({ port: large.port, connections: 1, budgetMs, requests, counterFrom: 0 });
        isOver = true;
        await removals;
        return { operations: result.accepted, elapsedMs: result.elapsedMs, latency: result.latency };
      },
    });
    const [few, many] = ['a thousand events', quick ? 'twenty thousand' : 'five million'];
    const cases = [
      {
        name: 'remove a message',
        floor: removing(few!, small, removeMessage),
        subjects: [removing(many!, large, removeMessage)],
      },
      { name: 'remove a key', floor: removing(few!, small, removeKey), subjects: [removing(many!, large, removeKey)] },
      {
        name: 'GET /v1/state meanwhile',
        compared: 'p99' as const,
        floor: reading('nobody removes', false),
        subjects: [reading('keys are removed', true)],
      },
    ];
    const close = async (): Promise<void> => {
      await Promise.all([load.close(), small.close(), large.close()]);
    };
    return { cases, close };
  },
};

await runBench(bench);
