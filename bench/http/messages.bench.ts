// Measures: durable POST /v1/messages, 200 bytes of content, from 256 agents around a ring to 256 inboxes, at 64 and 512
// keep-alive connections; and the same requests to a raw listener that parses the JSON and answers the same bytes.
//
// Does not measure: registration, hashing of tokens (cheapest parameters), rate limits (off), reading messages, more than
// one request under way on a connection, or a network: server and load share the machine's cores.
//
// How to read it: `of the floor` is the part of the raw listener's rate that is left when every answer is durable. p50
// and p99 are what one client waits. `verified` counts the messages found in the inboxes, as many as were answered 202.

import { runBench } from '../harness/bench.js';
import { ServerUnderTest } from '../harness/server-under-test.js';
import { messagesAroundRing } from './durable-writes.js';

const AGENTS = 256;
const AGENTS_QUICK = 8;

await runBench({
  name: 'http/messages',
  async open(quick) {
    const server = await ServerUnderTest.open(quick ? AGENTS_QUICK : AGENTS);
    return { cases: await server.cases(messagesAroundRing(server.api, server.agents)), close: () => server.close() };
  },
});
