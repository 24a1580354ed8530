// Measures: one page of 1,000 events over HTTP, by type and by agent, from the beginning and from the middle of the log, asked for
// by one client again and again: on a server with five million events, and on one with fifty thousand, the floor.
//
// Does not measure: many clients at once, filters that let next to nothing through, or pages that have to be read from the disk.
//
// How to read it: the ratio is what the length of the log costs; 1 is nothing, and a page must stay within a quarter of the floor.

import { join } from 'node:path';
import { type Bench, runBench } from '../harness/bench.js';
import { Child } from '../harness/child.js';
import { type LoadPlan, type LoadResult, loadRequest } from '../harness/load-client.js';
import type { BenchCase, CaseResult, Sample, Subject } from '../harness/measure.js';
import type { Bound } from '../harness/report.js';
import { AgedServer } from '../scale/aged-server.js';

const PAGE_EVENTS = 1_000;
const WITHIN = 1.25;
/** As many agents in both logs: the events of one are as near to each other. */
const SMALL = { agents: 20, events: 50_000, stateKeys: 1, messagesPerAgent: 0, messageBytes: 0, knownTokens: 1 };
const LARGE = { ...SMALL, events: 5_000_000 };
const LARGE_QUICK = { ...SMALL, events: 100_000 };

interface Page {
  readonly events: readonly unknown[];
}

type Query = (server: AgedServer, events: number) => string;

const byType = (part: number): Query => {
  return (_server, events) => `type=message_sent&since=${Math.floor(events * part)}`;
};
const byAgent = (part: number): Query => {
  return ({ data }, events) => `agent=${data.agents[0]!.address}&since=${Math.floor(events * part)}`;
};

const QUESTIONS: readonly (readonly [name: string, query: Query])[] = [
  ['by type, first 1,000', byType(0)],
  ['by type, middle 1,000', byType(0.5)],
  ['by agent, first 1,000', byAgent(0)],
  ['by agent, middle 1,000', byAgent(0.5)],
];

function boundsOf(cases: readonly CaseResult[]): Bound[] {
  return cases.map(({ name, results }) => ({
    what: `${name}: pages a second of the short log's, to those of the long one`,
    measured: 1 / results[1]!.ratio.median,
    unit: '',
    limit: { kind: 'most', value: WITHIN },
  }));
}

const bench: Bench = {
  name: 'events/page',
  async open(quick) {
    const largePlan = quick ? LARGE_QUICK : LARGE;
    const [small, large] = [AgedServer.prepare(SMALL), AgedServer.prepare(largePlan)];
    const load = new Child<LoadPlan, LoadResult>(join(import.meta.dirname, '..', 'harness', 'load-process.js'));
    await Promise.all([small.start(), large.start()]);
    const subjectOf = async (name: string, server: AgedServer, query: string): Promise<Subject> => {
      const path = `/observe/events?limit=${PAGE_EVENTS}&${query}`;
      const answer = await fetch(server.url + path);
      const page = (await answer.json()) as Page;
      if (page.events?.length !== PAGE_EVENTS)
        throw new Error(`${path} was answered ${answer.status}, and is no full page`);
      return {
        name,
        async run(budgetMs): Promise<Sample> {
          const requests = [loadRequest('GET', path, '', null)];
          const result = await load.ask({ port: server.port, connections: 1, budgetMs, requests, counterFrom: 0 });
          if (Object.keys(result.refused).length > 0) throw new Error(`${path} was refused`);
          return { operations: result.accepted, elapsedMs: result.elapsedMs, latency: result.latency };
        },
      };
    };
    const cases: BenchCase[] = [];
    for (const [name, query] of QUESTIONS) {
      cases.push({
        name,
        floor: await subjectOf('50 thousand', small, query(small, SMALL.events)),
        subjects: [await subjectOf(quick ? '100 thousand' : '5 million', large, query(large, largePlan.events))],
      });
    }
    const close = async (): Promise<void> => {
      await Promise.all([load.close(), small.close(), large.close()]);
    };
    return { cases, bounds: boundsOf, close };
  },
};

await runBench(bench);
