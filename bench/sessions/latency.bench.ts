// Measures: how long a message of 200 bytes takes from the write of its sender to its receiver, durable before it is pushed,
// when 64 pairs of agents send half of what the server can do: the peak is found first, in the same run. Beside it one
// flush of the same disk, 4 KiB over bytes that were already written and one fdatasync, before and after each sample; and
// a raw uWebSockets.js relay at the same pace, which writes nothing to a disk.
//
// Does not measure: the peak itself (messages.bench.ts does), rate limits (off), or a network: server and load share the
// machine's cores.
//
// How to read it: messages are due at even distances, and nothing that the server does delays one, so that everyone who
// sends into a stall waits for it. The wait begins with the write; how late the load itself wrote is told below the table.
// `of the floor` is the p99 in flushes' p99s. The last lines take the flushes (their median) off the waits: what is left is
// the server's own, and that of the sockets and of the load's reading, which the relay shows. `verified` counts messages
// that were delivered and acknowledged: as many as were sent.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RawFlush } from '../baseline/raw-flush.js';
import { runBench } from '../harness/bench.js';
import { LatencyRecorder } from '../harness/latency.js';
import { type CaseResult, type Subject, spreadOf } from '../harness/measure.js';
import type { Bound } from '../harness/report.js';
import type { LoadOutcome } from './pair-load.js';
import { openPairs } from './pairs-under-test.js';

const PAIRS = 64;
const PART_OF_PEAK = 0.5;
/** Messages of a pair under way that a stall may leave behind. */
const UNDER_WAY_MAX = 1_024;
const PEAK_MS = 2_000;
const QUICK_PEAK_MS = 150;

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

function boundsOf({ results }: CaseResult): Bound[] {
  const [flush, , server] = results;
  const flushMs = flush!.p50Ms!;
  const bound = (what: string, measured: number, value: number): Bound => {
    return { what, measured, unit: 'ms', limit: { kind: 'most', value } };
  };
  return [
    bound('p50 less 1.5 flushes', server!.p50Ms! - 1.5 * flushMs, 1),
    bound('p99 less 4 flushes', server!.p99Ms! - 4 * flushMs, 5),
  ];
}

await runBench({
  name: 'sessions/latency',
  async open(quick) {
    const pairs = await openPairs(PAIRS);
    const { loader } = pairs;
    const directory = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
    const flush = new RawFlush(join(directory, 'flush'));
    const peakMs = quick ? QUICK_PEAK_MS : PEAK_MS;
    const peakOf = async (): Promise<number> => {
      const { done, elapsedMs } = await loader.run(pairs.troupe(PAIRS), { depth: 1, budgetMs: peakMs });
      return (done / elapsedMs) * 1000;
    };
    // A server that has just started is slower: what it is asked first does not count.
    await peakOf();
    const peak = await peakOf();
    const pace = { depth: UNDER_WAY_MAX, perSecond: peak * PART_OF_PEAK };
    const rate = (perSecond: number): string => Math.round(perSecond).toLocaleString('en-US');
    const lateMs: number[] = [];
    const seen = ({ lateness }: LoadOutcome): void => {
      if (lateness !== null) lateMs.push(lateness.p99Ms);
    };
    const relay = loader.subject(`raw relay${pairs.raw.suffix} at the same pace`, pairs.relay(PAIRS), pace);
    const troupe = loader.subject(`troupe at ${rate(pace.perSecond)} a second`, pairs.troupe(PAIRS), pace, seen);
    return {
      cases: [{ name: 'send to push', compared: 'p99', floor: flushes(flush), subjects: [relay, troupe] }],
      notes: async () => [
        `${rate(peak)} a second at its peak, ${PAIRS} pairs with one message each under way`,
        `the load's own lateness, p99: ${spreadOf(lateMs).median.toFixed(2)} ms`,
      ],
      bounds: (cases) => cases.flatMap(boundsOf),
      async close() {
        flush.close();
        rmSync(directory, { recursive: true, force: true });
        await pairs.close();
      },
    };
  },
});
