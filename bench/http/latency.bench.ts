// Measures: how long one client waits for a durable write, POST /v1/messages and PUT /v1/state of 200 bytes, when 64
// connections ask for half of what the server can do: the peak is found first, in the same run. Beside it one flush of the
// same disk, 4 KiB over bytes that were already written and one fdatasync, before and after each sample; and a raw
// listener, asked at the same pace, that answers the same bytes and writes nothing.
//
// Does not measure: the peak itself (http/messages and http/state-write do), rate limits (off), hashing of tokens (cheapest
// parameters), or a network: server and load share the machine's cores.
//
// How to read it: p50 and p99 are from when a request was due to when its answer was whole, so that a stall counts for
// everyone who had to wait for it. `of the floor` is the p99 in flushes' p99s. The last lines take whole flushes (their
// median) off the p99: what is left is the server's own. What the raw listener shows is not: its wait is the load's own
// pacing, which sends once a millisecond, and the sockets. `verified` counts messages and keys: as many as were answered 2xx.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RawFlush } from '../baseline/raw-flush.js';
import { runBench } from '../harness/bench.js';
import { LatencyRecorder } from '../harness/latency.js';
import type { BenchCase, CaseResult, Subject } from '../harness/measure.js';
import type { Bound } from '../harness/report.js';
import { ServerUnderTest } from '../harness/server-under-test.js';
import { messagesAroundRing, newStateKeys, type VerifiedQuestion } from './durable-writes.js';

const AGENTS = 64;
const CONNECTIONS = 64;
const PART_OF_PEAK = 0.5;
/** A server that has just started is slower: what it is asked first does not count. */
const PEAK_WARM_UP_MS = 1_000;
const PEAK_MS = 2_000;
const QUICK_PEAK_MS = 150;

const REACHES = [
  { flushes: 4, waitMsMax: 5 },
  { flushes: 3, waitMsMax: 2 },
] as const;

function flushes(raw: RawFlush): Subject {
  return {
    name: 'one flush',
    async run(budgetMs) {
      const latency = new LatencyRecorder();
      const startedAt = performance.now();
      let operations = 0;
      let now = startedAt;
      while (now - startedAt < budgetMs) {
        const flushAt = now;
        raw.flush();
        operations++;
        now = performance.now();
        latency.record(now - flushAt);
      }
      return { operations, elapsedMs: now - startedAt, latency: latency.summary() };
    },
  };
}

function boundsOf({ name, results }: CaseResult): Bound[] {
  const [flush, , server] = results;
  return REACHES.map(({ flushes, waitMsMax }) => ({
    what: `${name}: p99 less ${flushes} flushes`,
    measured: server!.p99Ms! - flushes * flush!.p50Ms!,
    unit: 'ms',
    limit: { kind: 'most', value: waitMsMax },
  }));
}

await runBench({
  name: 'http/latency',
  async open(quick) {
    const server = await ServerUnderTest.open(AGENTS);
    const directory = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
    const flush = new RawFlush(join(directory, 'flush'));
    const notes: string[] = [];
    const caseOf = async (name: string, question: VerifiedQuestion): Promise<BenchCase> => {
      await server.peak(question, CONNECTIONS, quick ? QUICK_PEAK_MS : PEAK_WARM_UP_MS);
      const peak = await server.peak(question, CONNECTIONS, quick ? QUICK_PEAK_MS : PEAK_MS);
      notes.push(
        `${name}: ${Math.round(peak).toLocaleString('en-US')} a second at its peak, ${CONNECTIONS} connections`,
      );
      const pace = { connections: CONNECTIONS, perSecond: peak * PART_OF_PEAK };
      const subjects = await server.pacedSubjects(question, pace);
      return { name, compared: 'p99', floor: flushes(flush), subjects: [subjects.raw, subjects.server] };
    };
    const { api, agents } = server;
    return {
      cases: [
        await caseOf('POST /v1/messages', messagesAroundRing(api, agents)),
        await caseOf('PUT /v1/state', newStateKeys(api, agents)),
      ],
      notes: async () => notes,
      bounds: (cases) => cases.flatMap(boundsOf),
      async close() {
        flush.close();
        rmSync(directory, { recursive: true, force: true });
        await server.close();
      },
    };
  },
});
