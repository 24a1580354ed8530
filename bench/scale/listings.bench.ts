// Measures: one page of each listing, asked for by one client again and again: the registry (100 and 1,000 entries; its
// beginning, middle and end), an operator's own agents, and the keys of the shared state, on a server with a million
// agents and a million keys; and the same page on a server with a thousand: the floor.
//
// Does not measure: many clients at once, or pages that the kernel has to read from the disk.
//
// How to read it: the ratio is what size costs; 1 is nothing. A page must stay within a quarter of the floor. A `total` of
// an operator's agents, or of a prefix, is counted by a walk: that is what the last cases show.

import { join } from 'node:path';
import { type Bench, runBench } from '../harness/bench.js';
import { Child } from '../harness/child.js';
import { type LoadPlan, type LoadResult, loadRequest } from '../harness/load-client.js';
import type { BenchCase, Sample, Subject } from '../harness/measure.js';
import { AgedServer } from './aged-server.js';
import { stateKeyAt } from './synthetic-data.js';

const SMALL = { agents: 1_100, events: 1_100, stateKeys: 1_000, messagesPerAgent: 0, messageBytes: 0, knownTokens: 1 };
const LARGE = { ...SMALL, agents: 1_000_000, events: 1_000_000, stateKeys: 1_000_000 };
const LARGE_QUICK = { ...SMALL, agents: 5_000, events: 5_000, stateKeys: 5_000 };

/** As long as every page of the floor: what is compared must be of one size. */
const FULL_PAGE = 1_000;

type Path = (server: AgedServer, plan: typeof SMALL) => { readonly path: string; readonly token: string };

const cursor = (place: string) => Buffer.from(place).toString('base64url');

function registry(limit: number, placeOf: (agents: number) => number): Path {
  return ({ data }, { agents }) => {
    const place = placeOf(agents);
    const after = place === 0 ? '' : `&cursor=${cursor(data.orderAt(place - 1))}`;
    return { path: `/v1/registry?limit=${limit}${after}`, token: data.agents[0]!.token };
  };
}

const own: Path = ({ data }) => ({ path: '/v1/agents?limit=100', token: data.largeOperatorToken });

function keys(query: string, placeOf: (stateKeys: number) => number): Path {
  return ({ data }, { stateKeys }) => {
    const place = placeOf(stateKeys);
    const after = place === 0 ? '' : `&cursor=${cursor(stateKeyAt(place - 1))}`;
    return { path: `/v1/state?${query}${after}`, token: data.agents[0]!.token };
  };
}

const QUESTIONS: readonly (readonly [name: string, path: Path])[] = [
  ['registry, first 100', registry(100, () => 0)],
  ['registry, middle 100', registry(100, (agents) => agents / 2)],
  ['registry, last 100', registry(100, (agents) => agents - 100)],
  ['registry, first 1000', registry(1_000, () => 0)],
  ['registry, last 1000', registry(1_000, (agents) => agents - FULL_PAGE)],
  ['state keys, middle 100', keys('limit=100', (stateKeys) => stateKeys / 2)],
  ['state keys of ten, by prefix', keys('limit=100&prefix=item/00000010', () => 0)],
  ["an operator's agents, 100", own],
  ['state keys, 100 of a prefix of all', keys('limit=100&prefix=item/', () => 0)],
];

const bench: Bench = {
  name: 'scale/listings',
  async open(quick) {
    const largePlan = quick ? LARGE_QUICK : LARGE;
    const [small, large] = [AgedServer.prepare(SMALL), AgedServer.prepare(largePlan)];
    const load = new Child<LoadPlan, LoadResult>(join(import.meta.dirname, '..', 'harness', 'load-process.js'));
    await Promise.all([small.start(), large.start()]);
    const ask = (name: string, server: AgedServer, { path, token }: ReturnType<Path>): Subject => ({
      name,
      async run(budgetMs): Promise<Sample> {
        const requests = [loadRequest('GET', path, token, null)];
        const result = await load.ask({ port: server.port, connections: 1, budgetMs, requests, counterFrom: 0 });
        if (Object.keys(result.refused).length > 0) throw new Error(`${path} was refused`);
        return { operations: result.accepted, elapsedMs: result.elapsedMs, latency: result.latency };
      },
    });
    const cases = QUESTIONS.map(
      ([name, path]): BenchCase => ({
        name,
        floor: ask('a thousand', small, path(small, SMALL)),
        subjects: [ask(quick ? 'five thousand' : 'a million', large, path(large, largePlan))],
      }),
    );
    const close = async (): Promise<void> => {
      await Promise.all([load.close(), small.close(), large.close()]);
    };
    return { cases, close };
  },
};

await runBench(bench);
