// Measures: how long a server takes from its spawn to the line that says its address, on a million agents and five million
// events, and on one agent: the floor. The store's pages are in the kernel's cache, as after a crash or an upgrade.
//
// Does not measure: a disk that has to be read first, or a store that has to be migrated.
//
// How to read it: p50 is the wait; the ratio says what history costs, and 1 is nothing. The notes have the processor time
// of one start, of all its threads.

import { type Bench, runBench } from '../harness/bench.js';
import { LatencyRecorder } from '../harness/latency.js';
import type { Sample, Subject } from '../harness/measure.js';
import { AgedServer } from './aged-server.js';
import { SMALL_OPERATOR_AGENTS } from './synthetic-data.js';

const AGED = {
  agents: 1_000_000,
  events: 5_000_000,
  stateKeys: 0,
  messagesPerAgent: 0,
  messageBytes: 0,
  knownTokens: 1,
};
const AGED_QUICK = { ...AGED, agents: 2_000, events: 10_000 };
const YOUNG = { ...AGED, agents: SMALL_OPERATOR_AGENTS + 1, events: SMALL_OPERATOR_AGENTS + 1 };

function starts(name: string, server: AgedServer, notes: Map<string, string>): Subject {
  return {
    name,
    async run(budgetMs): Promise<Sample> {
      const latency = new LatencyRecorder();
      const startedAt = performance.now();
      let operations = 0;
      do {
        latency.record(await server.start());
        operations++;
        const { cpuMs, anonMib, fileMib } = server.usage();
        const memory = `${anonMib.toFixed(0)} MiB of its own and ${fileMib.toFixed(0)} MiB of files resident`;
        notes.set(name, `${name}: ${cpuMs} ms of processor time for the last start, ${memory}`);
        await server.stop();
      } while (performance.now() - startedAt < budgetMs);
      return { operations, elapsedMs: performance.now() - startedAt, latency: latency.summary() };
    },
  };
}

const bench: Bench = {
  name: 'scale/start',
  async open(quick) {
    const plan = quick ? AGED_QUICK : AGED;
    const [young, aged] = [AgedServer.prepare(YOUNG), AgedServer.prepare(plan)];
    const notes = new Map<string, string>();
    const what = `${plan.agents.toLocaleString('en-US')} agents, ${plan.events.toLocaleString('en-US')} events`;
    const floor = starts('no history', young, notes);
    const subjects = [starts(what, aged, notes)];
    return {
      cases: [{ name: 'start', floor, subjects }],
      notes: async () => [...notes.values()],
      close: async () => {
        await Promise.all([young.close(), aged.close()]);
      },
    };
  },
};

await runBench(bench);
