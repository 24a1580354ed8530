// Measures: what a request with a cached token pays at the gate: everything that the front door does before and after the
// route because there is one. Finding the route, the token and its role, the limit and its three headers, the content type,
// the Idempotency-Key, and the turn of one request at a time with the same key. Of 10,000 agents in turn, in one thread.
//
// Does not measure: sockets and parsing (http/* do), a token that is not in the cache (gate/cold-tokens does), or what a
// route then does with the request: here it answers at once.
//
// How to read it: the floor makes the same request and hands it to the same route by hand; the difference is the gate.
// `verified` counts the requests that reached the route as the agent whose token they carried; the floor has none.

import { runBench } from '../harness/bench.js';
import type { BenchCase, CaseResult, Sample } from '../harness/measure.js';
import { PlayedDoor, type PlayedRequest } from './played-door.js';

const AGENTS = 10_000;
const AGENTS_QUICK = 100;
/** Then the loop turns, as it does in a server: what waits for its turn behind a request is done with. */
const REQUESTS_PER_TURN = 64;
const GATE_US_MAX = 5;

const REQUESTS: readonly (readonly [name: string, request: PlayedRequest])[] = [
  ['GET /v1/state/{key}', { name: 'getState', path: '/v1/state/bench/a-key', hasBody: false, hasKey: false }],
  ['POST /v1/messages', { name: 'sendMessage', path: '/v1/messages', hasBody: true, hasKey: false }],
  ['the same with a key', { name: 'sendMessage', path: '/v1/messages', hasBody: true, hasKey: true }],
];

async function sample(budgetMs: number, request: () => boolean): Promise<Sample> {
  const startedAt = performance.now();
  let operations = 0;
  let elapsedMs = 0;
  while (elapsedMs < budgetMs) {
    for (let i = 0; i < REQUESTS_PER_TURN; i++) if (request()) operations++;
    await new Promise((resume) => setImmediate(resume));
    elapsedMs = performance.now() - startedAt;
  }
  return { operations, elapsedMs, latency: null };
}

function caseOf(door: PlayedDoor, name: string, request: PlayedRequest): BenchCase {
  let recognized = 0;
  return {
    name,
    floor: { name: 'the route alone', run: (budgetMs) => sample(budgetMs, () => door.bypass(request)) },
    subjects: [
      {
        name: 'behind the gate',
        async run(budgetMs) {
          const before = door.recognized;
          const result = await sample(budgetMs, () => door.receive(request));
          recognized += door.recognized - before;
          return result;
        },
        countFarEnd: async () => recognized,
      },
    ],
  };
}

function gateUs({ results }: CaseResult): { readonly alone: number; readonly behind: number; readonly gate: number } {
  const [alone, behind] = results.map(({ perSecond }) => 1e6 / perSecond.median);
  return { alone: alone!, behind: behind!, gate: behind! - alone! };
}

await runBench({
  name: 'gate/cached-token',
  async open(quick) {
    const door = await PlayedDoor.open(quick ? AGENTS_QUICK : AGENTS);
    return {
      cases: REQUESTS.map(([name, request]) => caseOf(door, name, request)),
      bounds: (cases) =>
        cases.map((result) => {
          const { alone, behind, gate } = gateUs(result);
          return {
            what: `${result.name}: ${behind.toFixed(2)} µs behind the gate, ${alone.toFixed(2)} µs without; the gate`,
            measured: gate,
            unit: 'µs',
            limit: { kind: 'most', value: GATE_US_MAX },
          };
        }),
      close: async () => undefined,
    };
  },
});
