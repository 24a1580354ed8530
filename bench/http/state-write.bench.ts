// Measures: durable PUT /v1/state/{key} of 200 bytes, every time to a key that was not there, by 64 agents, at 64 and 512
// keep-alive connections; and the same requests to a raw listener that parses the JSON and answers the same bytes.
//
// Does not measure: overwriting, compare-and-set, large values, rate limits (off), hashing of tokens (cheapest
// parameters), or a network: server and load share the machine's cores.
//
// How to read it: `of the floor` is the part of the raw listener's rate that is left when every answer is durable.
// `verified` is the growth of key_count: as many as were answered 200.

import { runBench } from '../harness/bench.js';
import { ServerUnderTest } from '../harness/server-under-test.js';
import { newStateKeys } from './durable-writes.js';

const AGENTS = 64;
const AGENTS_QUICK = 8;

await runBench({
  name: 'http/state-write',
  async open(quick) {
    const server = await ServerUnderTest.open(quick ? AGENTS_QUICK : AGENTS);
    return { cases: await server.cases(newStateKeys(server.api, server.agents)), close: () => server.close() };
  },
});
