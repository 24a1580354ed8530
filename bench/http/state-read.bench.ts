// Measures: GET /v1/state/{key} of 200 bytes, over 256 keys by 64 agents, at 64 and 512 keep-alive connections; and the
// same requests to a raw listener that answers the same bytes.
//
// Does not measure: keys that are not in memory yet, listings, rate limits (off), hashing of tokens (cheapest
// parameters), or a network: server and load share the machine's cores.
//
// How to read it: `of the floor` is what the way to the actor and back costs. A read leaves nothing to count at the far
// end: that each was answered 200, whole, is the check.

import { runBench } from '../harness/bench.js';
import { loadRequest } from '../harness/load-client.js';
import { ServerUnderTest } from '../harness/server-under-test.js';

const AGENTS = 64;
const AGENTS_QUICK = 8;
const KEYS = 256;
const VALUE = 'v'.repeat(200);

await runBench({
  name: 'http/state-read',
  async open(quick) {
    const server = await ServerUnderTest.open(quick ? AGENTS_QUICK : AGENTS);
    const { agents, api } = server;
    const paths = Array.from({ length: KEYS }, (_, place) => `/v1/state/bench-${place}`);
    const token = agents[0]!.token;
    for (const path of paths) await api.must({ method: 'PUT', path, token, body: { value: VALUE } }, 200);
    const requests = paths.map((path, place) => loadRequest('GET', path, agents[place % agents.length]!.token, null));
    const probe = { method: 'GET', path: paths[0]!, token };
    return { cases: await server.cases({ requests, probe }), close: () => server.close() };
  },
});
