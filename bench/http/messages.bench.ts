// Measures: durable POST /v1/messages, 200 bytes of content, from 256 agents around a ring to 256 inboxes, at 64 and 512
// keep-alive connections; and the same requests to a raw listener that parses the JSON and answers the same bytes.
//
// Does not measure: registration, hashing of tokens (cheapest parameters), rate limits (off), reading messages, more than
// one request under way on a connection, or a network: server and load share the machine's cores.
//
// How to read it: `of the floor` is the part of the raw listener's rate that is left when every answer is durable. p50
// and p99 are what one client waits. `verified` counts the messages found in the inboxes, as many as were answered 202.

import { runBench } from '../harness/bench.js';
import { loadRequest } from '../harness/load-client.js';
import { ServerUnderTest } from '../harness/server-under-test.js';

const AGENTS = 256;
const AGENTS_QUICK = 8;
const CONTENT = 'm'.repeat(200);

await runBench({
  name: 'http/messages',
  async open(quick) {
    const server = await ServerUnderTest.open(quick ? AGENTS_QUICK : AGENTS);
    const { agents, api } = server;
    const requests = agents.map(({ token }, place) =>
      loadRequest('POST', '/v1/messages', token, {
        to: agents[(place + 1) % agents.length]!.address,
        content: CONTENT,
      }),
    );
    let consumed = 0;
    /** Reads one message of each inbox, which also says how many are left. */
    const countFarEnd = async (): Promise<number> => {
      let left = 0;
      for (const { token } of agents) {
        const { body } = await api.must({ method: 'GET', path: '/v1/messages?limit=1', token }, 200);
        consumed += (body.messages as unknown[]).length;
        left += Number(body.remaining);
      }
      return consumed + left;
    };
    const [first, second] = [agents[0]!, agents[1]!];
    const body = { to: second.address, content: CONTENT };
    const probe = { method: 'POST', path: '/v1/messages', token: first.token, body };
    return { cases: await server.cases({ requests, probe, countFarEnd }), close: () => server.close() };
  },
});
