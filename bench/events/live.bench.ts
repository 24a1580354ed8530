// Measures: how long behind its acknowledgement an event is at an observer: eight agents send messages over HTTP, each a few
// milliseconds after its last was answered, and an observer follows the log over WebSocket. The sender and the observer
// are this process: both times are of one clock.
//
// Does not measure: a server at its peak, a crowd of observers, or observers elsewhere.
//
// How to read it: the floor is from the sending of a message to its 202; the subject, from the sending to the event at the observer.
// The note and the bound are of what lies between: the event's arrival behind the answer, 0 where it came first.

import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { runBench } from '../harness/bench.js';
import { LatencyRecorder, type LatencySummary } from '../harness/latency.js';
import type { Sample } from '../harness/measure.js';
import { median } from '../harness/median.js';
import { ServerUnderTest } from '../harness/server-under-test.js';

const SENDERS = 8;
const PAUSE_MS = 4;
const BEHIND_MS_MOST = 5;
/** Longer than any event takes: one that is missing ends the bench. */
const MISSING_AFTER_MS = 10_000;

class Observed {
  readonly #socket: WebSocket;
  readonly #seenAt = new Map<string, number>();
  readonly #waiting = new Map<string, () => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const now = performance.now();
      const { data: { message_id: id } = {} } = JSON.parse(data.toString('utf8')) as { data?: { message_id?: string } };
      if (id === undefined) return;
      this.#seenAt.set(id, now);
      this.#waiting.get(id)?.();
    });
  }

  static async open(port: number): Promise<Observed> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/observe/events/stream?type=message_sent`);
    await once(socket, 'open');
    return new Observed(socket);
  }

  /** When it came; rejects when it does not. */
  async seenAt(id: string): Promise<number> {
    if (!this.#seenAt.has(id)) {
      const late = new AbortController();
      const came = new Promise<void>((resolve) => this.#waiting.set(id, resolve));
      const missing = pause(MISSING_AFTER_MS, undefined, { signal: late.signal }).then(() => {
        throw new Error(`the event of message ${id} did not come`);
      });
      await Promise.race([came, missing]);
      late.abort();
      missing.catch(() => undefined);
    }
    const at = this.#seenAt.get(id)!;
    this.#seenAt.delete(id);
    this.#waiting.delete(id);
    return at;
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** What one message took. */
interface Passage {
  readonly answeredMs: number;
  readonly observedMs: number;
}

async function send(server: ServerUnderTest, observed: Observed, sender: number): Promise<Passage> {
  const [from, to] = [server.agents[sender]!, server.agents[(sender + 1) % SENDERS]!];
  const sentAt = performance.now();
  const response = await fetch(`http://127.0.0.1:${server.port}/v1/messages`, {
    method: 'POST',
    headers: { authorization: `Bearer ${from.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ to: to.address, content: 'm'.repeat(200) }),
  });
  const answeredAt = performance.now();
  const { message_id: id } = (await response.json()) as { message_id?: string };
  if (response.status !== 202 || id === undefined) throw new Error(`a message was answered ${response.status}`);
  return { answeredMs: answeredAt - sentAt, observedMs: (await observed.seenAt(id)) - sentAt };
}

await runBench({
  name: 'events/live',
  async open() {
    const server = await ServerUnderTest.open(SENDERS);
    const observed = await Observed.open(server.port);
    const runs: LatencySummary[] = [];
    const run = async (budgetMs: number, of: (passage: Passage) => number): Promise<Sample> => {
      const latency = new LatencyRecorder();
      const behind = new LatencyRecorder();
      const startedAt = performance.now();
      let operations = 0;
      const senders = Array.from({ length: SENDERS }, async (_, sender) => {
        while (performance.now() - startedAt < budgetMs) {
          const passage = await send(server, observed, sender);
          latency.record(of(passage));
          behind.record(Math.max(0, passage.observedMs - passage.answeredMs));
          operations++;
          await pause(PAUSE_MS);
        }
      });
      await Promise.all(senders);
      runs.push(behind.summary());
      return { operations, elapsedMs: performance.now() - startedAt, latency: latency.summary() };
    };
    /** Without the two warm-ups. */
    const measured = (): LatencySummary[] => runs.slice(2);
    return {
      cases: [
        {
          name: 'one observer',
          compared: 'p99',
          floor: { name: 'sent to answered', run: (budgetMs) => run(budgetMs, ({ answeredMs }) => answeredMs) },
          subjects: [{ name: 'sent to observed', run: (budgetMs) => run(budgetMs, ({ observedMs }) => observedMs) }],
        },
      ],
      notes: async () => {
        const text = (of: (run: LatencySummary) => number): string => median(measured().map(of)).toFixed(2);
        const behind = `p50 ${text(({ p50Ms }) => p50Ms)} ms, p99 ${text(({ p99Ms }) => p99Ms)} ms`;
        return [`observed behind the answer, medians of ${measured().length} samples: ${behind}`];
      },
      bounds: () => [
        {
          what: 'observed behind the answer, p99',
          measured: median(measured().map(({ p99Ms }) => p99Ms)),
          unit: 'ms',
          limit: { kind: 'most', value: BEHIND_MS_MOST },
        },
      ],
      async close() {
        observed.close();
        await server.close();
      },
    };
  },
});
