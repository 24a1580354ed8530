// Measures: 1,000 agents that come at the same instant, each on a connection of its own, with tokens that the server has
// not seen since it started: how many are verified in a second; and what other agents, whose tokens are cached, wait
// meanwhile for a durable message. Hashes cost what they cost by default.
//
// Does not measure: what a route does for them afterwards (the lightest one answers), tokens that nobody has (refused
// without a hash), more at once than the hash queue takes, or a network: server and load share the machine's cores.
//
// How to read it: the floor of the first case verifies hashes of the same cost in as many threads, and nothing else. The
// hash threads run at a lower priority (nice 10), here and there: they take the processor's idle time and give way to
// everything else, so what else the machine does lowers both, and serving 1,000 requests takes from the hashes, not the
// other way round. The second case compares p99s: the others' from the first cold token to the last, to the others' when
// nothing else happens. `verified`: each token, asked again after its burst, named its agent; each message is in its inbox.

import type { Identity } from '../../examples/02-conversations/troupe-api.js';
import { type Argon2Cost, RawArgon2 } from '../baseline/raw-argon2.js';
import { runBench } from '../harness/bench.js';
import { Burst, type BurstRequest } from '../harness/burst-load.js';
import { loadRequest } from '../harness/load-client.js';
import type { BenchCase, CaseResult, Subject } from '../harness/measure.js';
import type { Bound } from '../harness/report.js';
import { BENCH_SETTINGS, type Pace, ServerUnderTest } from '../harness/server-under-test.js';
import { messagesAroundRing, type VerifiedQuestion } from '../http/durable-writes.js';

const COLD_AGENTS = 1_000;
const COLD_AGENTS_QUICK = 40;
/** Who registers agents at the same time, so that the hashes of their tokens keep all threads busy. */
const OPERATORS = 8;
const OTHERS = 8;
const HASH_THREADS = 2;
const COST: Argon2Cost = { memoryKib: 19_456, passes: 2 };
const SETTINGS = {
  ...BENCH_SETTINGS,
  'auth.argon2_memory_kib': COST.memoryKib,
  'auth.argon2_passes': COST.passes,
  'auth.hash_threads': HASH_THREADS,
};
/** Some percent of what the server can do. */
const OTHERS_PACE: Pace = { connections: 16, perSecond: 500 };
/** Of the others, after each start: their tokens are cached then, and what they call was called before. */
const SETTLE_MS = 300;
const ROUNDS_MAX = 3;

const RATE_MIN = 0.9;
const WAIT_RATIO_MAX = 2;

function rawHashes(raw: RawArgon2): Subject {
  return {
    name: `argon2, ${HASH_THREADS} threads`,
    async run(budgetMs) {
      const startedAt = performance.now();
      const operations = await raw.verify(budgetMs);
      return { operations, elapsedMs: performance.now() - startedAt, latency: null };
    },
  };
}

class ColdTokens {
  readonly #server: ServerUnderTest;
  readonly #agents: readonly Identity[];
  readonly #requests: readonly BurstRequest[];
  #recognized = 0;
  #burstMs = 0;

  private constructor(server: ServerUnderTest, agents: readonly Identity[]) {
    this.#server = server;
    this.#agents = agents;
    const path = '/v1/state/_capacity';
    this.#requests = agents.map(({ token }) => ({
      ...loadRequest('GET', path, token, null),
      expected: 'total_bytes',
    }));
  }

  static async open(server: ServerUnderTest, count: number): Promise<ColdTokens> {
    const lots = Array.from({ length: OPERATORS }, () => server.api.register(count / OPERATORS));
    return new ColdTokens(server, (await Promise.all(lots)).flat());
  }

  /** All of them at once, on a server that was just started. */
  get alone(): Subject {
    const countText = this.#requests.length.toLocaleString('en-US');
    return {
      name: `${countText} cold tokens at once`,
      run: async () => {
        await this.#server.restart();
        const burst = await Burst.open(this.#server.port, this.#requests);
        this.#burstMs = await burst.send();
        return { operations: this.#requests.length, elapsedMs: this.#burstMs, latency: null };
      },
      countFarEnd: () => this.#countRecognized(),
    };
  }

  /** Asks for each token who it is: warm now, so it takes a moment. Throws unless it is the right agent's. */
  async #countRecognized(): Promise<number> {
    if (this.#burstMs === 0) return 0;
    const requests = this.#agents.map(({ address, token }) => ({
      ...loadRequest('GET', '/v1/agents/me', token, null),
      expected: address,
    }));
    await (await Burst.open(this.#server.port, requests)).send();
    this.#recognized += requests.length;
    return this.#recognized;
  }

  /** The others' messages, while all of them come or while nobody does. Each needs inboxes of its own to be counted. */
  others(name: string, question: VerifiedQuestion, withBurst: boolean): Subject {
    let settling = 0;
    return {
      name,
      run: async (budgetMs) => {
        await this.#server.restart();
        settling += (await this.#server.pace(question, OTHERS_PACE, SETTLE_MS)).operations;
        const burst = withBurst ? await Burst.open(this.#server.port, this.#requests) : undefined;
        // As long as the bursts took that came alone.
        const durationMs = withBurst ? Math.max(budgetMs, this.#burstMs) : budgetMs;
        const [sample] = await Promise.all([this.#server.pace(question, OTHERS_PACE, durationMs), burst?.send()]);
        return sample;
      },
      countFarEnd: async () => (await question.countFarEnd()) - settling,
    };
  }
}

function boundsOf([hashes, others]: readonly CaseResult[]): Bound[] {
  return [
    {
      what: 'cold tokens verified, of the raw rate',
      measured: hashes!.results[1]!.ratio.median,
      unit: '',
      limit: { kind: 'least', value: RATE_MIN },
    },
    {
      what: "the others' p99 meanwhile, of their p99 alone",
      measured: others!.results[1]!.ratio.median,
      unit: '',
      limit: { kind: 'most', value: WAIT_RATIO_MAX },
    },
  ];
}

await runBench({
  name: 'gate/cold-tokens',
  async open(quick) {
    const server = await ServerUnderTest.open(2 * OTHERS, SETTINGS);
    const raw = await RawArgon2.open(HASH_THREADS, COST);
    const cold = await ColdTokens.open(server, quick ? COLD_AGENTS_QUICK : COLD_AGENTS);
    const [some, more] = [server.agents.slice(0, OTHERS), server.agents.slice(OTHERS)];
    const cases: BenchCase[] = [
      { name: 'verified', floor: rawHashes(raw), subjects: [cold.alone] },
      {
        name: 'others meanwhile',
        compared: 'p99',
        floor: cold.others('nothing else', messagesAroundRing(server.api, some), false),
        subjects: [cold.others('during the burst', messagesAroundRing(server.api, more), true)],
      },
    ];
    const close = async (): Promise<void> => {
      await Promise.all([raw.close(), server.close()]);
    };
    return { cases, roundsMax: ROUNDS_MAX, bounds: boundsOf, close };
  },
});
