// Measures: a small key of the shared state (32 bytes) asked for in a session, `state.get`: a turn of an actor that writes
// nothing, so that no gate and no disk is behind the answer. 64 sessions with one question each under way, and with 16;
// and the same frames to a raw uWebSockets.js server that sends them back.
//
// Does not measure: writes, large values, opening sessions, rate limits (off), or a network: server and load share the
// machine's cores.
//
// How to read it: `of the floor` is what is left of the echo's rate behind a JSON parser, the gate, two threads and an
// actor. An answer of the server is a few times as long as the frame that is echoed. Both have the same client, which on
// two cores takes more of the machine than the echo does: the floor is what such a client can ask. A read leaves nothing
// to count at the far end: that each was answered, in order and with its id, is the check.

import { join } from 'node:path';
import { runBench } from '../harness/bench.js';
import { Child } from '../harness/child.js';
import type { BenchCase, CaseResult, Sample } from '../harness/measure.js';
import type { Bound } from '../harness/report.js';
import { ServerUnderTest } from '../harness/server-under-test.js';
import type { EchoOrder, EchoOutcome } from './echo-load.js';
import { openRawSockets } from './pairs-under-test.js';

const SESSIONS = 64;
const DEPTHS = [1, 16] as const;
const VALUE = 'v'.repeat(32);
const REACH = 0.5;

function boundOf({ name, results }: CaseResult): Bound {
  return { what: name, measured: results[1]!.ratio.median, unit: '', limit: { kind: 'least', value: REACH } };
}

await runBench({
  name: 'sessions/volatile-echo',
  async open() {
    const raw = await openRawSockets();
    const server = await ServerUnderTest.open(SESSIONS);
    const { agents, api } = server;
    const keys = agents.map((_, place) => `bench-${String(place).padStart(4, '0')}`);
    const { token } = agents[0]!;
    for (const key of keys) {
      await api.must({ method: 'PUT', path: `/v1/state/${key}`, token, body: { value: VALUE } }, 200);
    }
    const load = new Child<EchoOrder, EchoOutcome>(join(import.meta.dirname, 'echo-load.js'));
    const ask = async (order: EchoOrder): Promise<Sample> => {
      const { answered, elapsedMs, latency } = await load.ask(order);
      return { operations: answered, elapsedMs, latency };
    };
    const cases = DEPTHS.map((depth): BenchCase => {
      const order = { connections: SESSIONS, depth, keys };
      return {
        name: `${SESSIONS} sessions, ${depth} under way in each`,
        floor: { name: `raw echo${raw.suffix}`, run: (budgetMs) => ask({ ...order, port: raw.port, budgetMs }) },
        subjects: [
          { name: 'troupe', run: (budgetMs) => ask({ ...order, port: server.port, budgetMs, parties: agents }) },
        ],
      };
    });
    return {
      cases,
      bounds: (results) => results.map(boundOf),
      close: async () => {
        await Promise.all([load.close(), raw.close(), server.close()]);
      },
    };
  },
});
