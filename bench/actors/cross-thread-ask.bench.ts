// Measures: how long an ask takes from outside of all actors to an actor in a worker and back, when nothing else is asked:
// the next one is sent when the last is answered. The system keeps nothing and the answer is volatile, so that no disk is
// in it.
//
// Does not measure: asks under load, durable answers, or asks between actors.
//
// How to read it: the floor is the same number sent to a bare thread and back by postMessage. The line below the table
// compares the p50s of each round, to the microsecond and less; the table's own ratio is of the asks in a second, and holds
// the slow ones too. `verified` is what the actor, or the thread, has counted.

import { createSystem } from '../../src/index.js';
import { COUNT, RawEcho } from '../baseline/raw-echo.js';
import { runBench } from '../harness/bench.js';
import { LatencyRecorder } from '../harness/latency.js';
import { type Sample, spreadOf } from '../harness/measure.js';
import { echo } from './echo-kinds.js';

const REACH = 1.3;

/** Asks one at a time, and keeps the p50 of every sample, finer than a histogram's. */
class IdleAsks {
  readonly #ask: (value: number) => Promise<number>;
  /** The first is the warm-up's. */
  readonly #p50sMs: number[] = [];

  constructor(ask: (value: number) => Promise<number>) {
    this.#ask = ask;
  }

  /** Of each round. */
  get p50sMs(): readonly number[] {
    return this.#p50sMs.slice(1);
  }

  async run(budgetMs: number): Promise<Sample> {
    const latency = new LatencyRecorder();
    const waitsMs: number[] = [];
    const startedAt = performance.now();
    let operations = 0;
    let now = startedAt;
    while (now - startedAt < budgetMs) {
      const askedAt = now;
      const answer = await this.#ask(operations);
      if (answer !== operations) throw new Error(`${operations} was asked, and ${answer} answered`);
      operations++;
      now = performance.now();
      latency.record(now - askedAt);
      waitsMs.push(now - askedAt);
    }
    this.#p50sMs.push(spreadOf(waitsMs).median);
    return { operations, elapsedMs: now - startedAt, latency: latency.summary() };
  }
}

function microseconds(valuesMs: readonly number[]): string {
  return `${(spreadOf(valuesMs).median * 1000).toFixed(1)} µs`;
}

await runBench({
  name: 'actors/cross-thread-ask',
  async open() {
    const raw = await RawEcho.open();
    const system = await createSystem({
      kinds: [new URL('./echo-kinds.js', import.meta.url)],
      workers: 1,
      durability: 'volatile',
    });
    const echoes = system.ref(echo, 'echo');
    const posts = new IdleAsks((value) => raw.ask(value));
    const asks = new IdleAsks((value) => echoes.ask('echo', value));
    const floor = {
      name: 'postMessage',
      run: (budgetMs: number) => posts.run(budgetMs),
      countFarEnd: () => raw.ask(COUNT),
    };
    const subject = {
      name: 'ask',
      run: (budgetMs: number) => asks.run(budgetMs),
      countFarEnd: () => echoes.ask('count'),
    };
    return {
      cases: [{ name: 'one at a time', floor, subjects: [subject] }],
      notes: async () => [`p50: ask ${microseconds(asks.p50sMs)}, postMessage ${microseconds(posts.p50sMs)}`],
      bounds: () => [
        {
          what: 'p50 of an ask, in p50s of the floor',
          measured: spreadOf(asks.p50sMs.map((p50Ms, round) => p50Ms / posts.p50sMs[round]!)).median,
          unit: '',
          limit: { kind: 'most', value: REACH },
        },
      ],
      close: async () => {
        await system.stop();
        await raw.close();
      },
    };
  },
});
