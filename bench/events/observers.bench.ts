// Measures: durable POST /v1/messages from 64 agents around a ring at 64 connections, while 100 streams of all events are
// open, half over WebSocket and half as server-sent events; half of each read everything, in a process of their own, and
// half read nothing. Beside the same while nobody looks.
//
// Does not measure: how late the events are for those who read. The process of the readers shares the machine's cores with
// the server and the load: on few cores what it takes is missing there.
//
// How to read it: `of the floor` is the part of the rate that is left to the agents. The notes tell what the readers saw:
// what is too much falls behind, and is cut off before it takes the loop from the agents; and the processor time that the
// server takes for each message. `verified` counts the messages found in the inboxes.

import { join } from 'node:path';
import { runBench } from '../harness/bench.js';
import { Child } from '../harness/child.js';
import type { Sample, Subject } from '../harness/measure.js';
import { median } from '../harness/median.js';
import { readUsage } from '../harness/process-usage.js';
import { BENCH_SETTINGS, ServerUnderTest } from '../harness/server-under-test.js';
import { messagesAroundRing } from '../http/durable-writes.js';
import type { ObserversAnswer, ObserversOrder } from './observers-process.js';

const AGENTS = 64;
const CONNECTIONS = 64;
const OBSERVERS = 100;
const RATE_MIN = 0.97;
const SETTINGS = { ...BENCH_SETTINGS, 'observe.requests_per_min': 0, 'observe.streams_max': OBSERVERS };
const MIB = 1024 * 1024;

await runBench({
  name: 'events/observers',
  async open() {
    const server = await ServerUnderTest.open(2 * AGENTS, SETTINGS);
    const observers = new Child<ObserversOrder, ObserversAnswer>(join(import.meta.dirname, 'observers-process.js'));
    const seen: ObserversAnswer[] = [];
    const costs = new Map<string, number[]>();
    const subject = (name: string, from: number, around: (run: () => Promise<Sample>) => Promise<Sample>): Subject => {
      const question = messagesAroundRing(server.api, server.agents.slice(from, from + AGENTS));
      return {
        name,
        countFarEnd: question.countFarEnd,
        run: (budgetMs) =>
          around(async () => {
            const before = readUsage(server.pid).cpuMs;
            const sample = await server.sample(question, CONNECTIONS, budgetMs);
            const cost = (readUsage(server.pid).cpuMs - before) / sample.operations;
            costs.set(name, [...(costs.get(name) ?? []), cost]);
            return sample;
          }),
      };
    };
    const observed = subject(`${OBSERVERS} observers`, AGENTS, async (run) => {
      const half = OBSERVERS / 2;
      await observers.ask({ kind: 'open', port: server.port, readers: half, mute: half });
      try {
        return await run();
      } finally {
        seen.push(await observers.ask({ kind: 'close' }));
      }
    });
    const floor = subject('nobody looks', 0, (run) => run());
    return {
      cases: [{ name: `${CONNECTIONS} connections`, floor, subjects: [observed] }],
      notes: async () => [
        `readers saw ${(median(seen.map(({ bytes }) => bytes)) / MIB).toFixed(1)} MiB in a round, all together; ${median(seen.map(({ cutOff }) => cutOff))} of ${OBSERVERS / 2} were cut off`,
        ...[...costs].map(
          ([name, [, ...rounds]]) =>
            `${name}: ${(median(rounds) * 1000).toFixed(0)} µs of the processor for each message`,
        ),
      ],
      bounds: ([result]) => [
        {
          what: 'the rate beside 100 observers, of the rate alone',
          measured: result!.results[1]!.ratio.median,
          unit: '',
          limit: { kind: 'least', value: RATE_MIN },
        },
      ],
      close: async () => {
        await Promise.all([server.close(), observers.close()]);
      },
    };
  },
});
