// Measures: what watching costs a server under full load: durable POST /v1/messages from 64 agents around a ring, at 64
// connections; to a server that nobody watches, to the same while its page of metrics is scraped every second, to one that
// follows each hundredth message in a trace, and to one that follows as many as it ever does in a second. A collector takes the spans, in a
// process of its own.
//
// Does not measure: the counting of metrics itself, which goes on always (gate/cached-token and actors/* hold it to their
// bounds); the collector's own work, although it shares the machine's cores with all others.
//
// How to read it: `of the floor` is the part of the rate that is left beside the unwatched server in the same round. The
// notes tell the same of the processor time that the server takes for each message, which the load and the collector are
// not in. `verified` counts the messages found in the inboxes.

import { join } from 'node:path';
import { runBench } from '../harness/bench.js';
import { Child } from '../harness/child.js';
import type { CaseResult, Sample, Subject } from '../harness/measure.js';
import { median } from '../harness/median.js';
import { readUsage } from '../harness/process-usage.js';
import type { Bound } from '../harness/report.js';
import { BENCH_SETTINGS, ServerUnderTest } from '../harness/server-under-test.js';
import { messagesAroundRing, type VerifiedQuestion } from '../http/durable-writes.js';

const AGENTS = 64;
const CONNECTIONS = 64;
const SCRAPE_EVERY_MS = 1_000;
const UNWATCHED = 'unwatched';
const SCRAPED = 'scraped';
const SAMPLED = 'traced, 1 %';
const TRACED = 'traced, all';
/** The most of the unwatched server's processor time for each message, and the least of its rate. */
const LIMITS: Readonly<Record<string, { readonly cost: number; readonly rate: number }>> = {
  [SCRAPED]: { cost: 1.02, rate: 0.98 },
  [SAMPLED]: { cost: 1.1, rate: 0.9 },
  [TRACED]: { cost: 1.1, rate: 0.9 },
};

/** Milliseconds of the processor for each message, by subject and round; the first round is the warm-up. */
const costs = new Map<string, number[]>();

function measured(
  name: string,
  server: ServerUnderTest,
  question: VerifiedQuestion,
  around: (run: () => Promise<Sample>) => Promise<Sample> = (run) => run(),
): Subject {
  return {
    name,
    countFarEnd: question.countFarEnd,
    async run(budgetMs) {
      const before = readUsage(server.pid).cpuMs;
      const sample = await around(() => server.sample(question, CONNECTIONS, budgetMs));
      const cost = (readUsage(server.pid).cpuMs - before) / sample.operations;
      costs.set(name, [...(costs.get(name) ?? []), cost]);
      return sample;
    },
  };
}

async function whileScraped(server: ServerUnderTest, run: () => Promise<Sample>): Promise<Sample> {
  const scrape = async (): Promise<void> => {
    await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
  };
  await scrape();
  const timer = setInterval(() => void scrape(), SCRAPE_EVERY_MS);
  try {
    return await run();
  } finally {
    clearInterval(timer);
  }
}

/** To the unwatched server's, of the same round. */
function costRatio(name: string): number {
  const [own, floor] = [costs.get(name)!.slice(1), costs.get(UNWATCHED)!.slice(1)];
  return median(own.map((cost, round) => cost / floor[round]!));
}

function boundsOf([result]: readonly CaseResult[]): Bound[] {
  return Object.entries(LIMITS).flatMap(([name, { cost, rate }]): Bound[] => {
    const { ratio } = result!.results.find(({ subject }) => subject === name)!;
    return [
      {
        what: `${name}: processor time for each message`,
        measured: costRatio(name),
        unit: '',
        limit: { kind: 'most', value: cost },
      },
      { what: `${name}: rate`, measured: ratio.median, unit: '', limit: { kind: 'least', value: rate } },
    ];
  });
}

async function notes(): Promise<string[]> {
  return [...costs].map(
    ([name, [, ...rounds]]) => `${name}: ${(median(rounds) * 1000).toFixed(0)} µs of the processor for each message`,
  );
}

await runBench({
  name: 'metrics/cost',
  async open() {
    const collector = new Child<object, { readonly endpoint: string }>(
      join(import.meta.dirname, 'collector-process.js'),
    );
    const { endpoint } = await collector.ask({});
    const traced = (ratio: string) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: ratio });
    const plain = await ServerUnderTest.open(AGENTS);
    const scraped = await ServerUnderTest.open(AGENTS);
    const some = await ServerUnderTest.open(AGENTS, BENCH_SETTINGS, traced('0.01'));
    const all = await ServerUnderTest.open(AGENTS, BENCH_SETTINGS, traced('1'));
    const ring = (server: ServerUnderTest): VerifiedQuestion => messagesAroundRing(server.api, server.agents);
    const benchCase = {
      name: `${CONNECTIONS} connections`,
      floor: measured(UNWATCHED, plain, ring(plain)),
      subjects: [
        measured(SCRAPED, scraped, ring(scraped), (run) => whileScraped(scraped, run)),
        measured(SAMPLED, some, ring(some)),
        measured(TRACED, all, ring(all)),
      ],
    };
    const close = async (): Promise<void> => {
      await Promise.all([plain.close(), scraped.close(), some.close(), all.close(), collector.close()]);
    };
    return { cases: [benchCase], notes, bounds: boundsOf, close };
  },
});
