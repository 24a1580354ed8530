// Durable writes
//
// The two calls by which an agent makes something durable, as questions to a server: a message of 200 bytes to the next
// agent around a ring, and 200 bytes of shared state under a key that was not there.

import type { Identity, TroupeApi } from '../../examples/02-conversations/troupe-api.js';
import { COUNTER_PLACE, loadRequest } from '../harness/load-client.js';
import type { HttpQuestion } from '../harness/server-under-test.js';

export type VerifiedQuestion = HttpQuestion & Required<Pick<HttpQuestion, 'countFarEnd'>>;

const TEXT_BYTES = 200;

/** At least two agents, whose inboxes nobody else reads. The far end counts what is in them, and reads one of each. */
export function messagesAroundRing(api: TroupeApi, agents: readonly Identity[]): VerifiedQuestion {
  const bodies = agents.map((_, place) => ({
    to: agents[(place + 1) % agents.length]!.address,
    content: 'm'.repeat(TEXT_BYTES),
  }));
  let consumed = 0;
  return {
    requests: agents.map(({ token }, place) => loadRequest('POST', '/v1/messages', token, bodies[place]!)),
    probe: { method: 'POST', path: '/v1/messages', token: agents[0]!.token, body: bodies[0]! },
    async countFarEnd() {
      let left = 0;
      for (const { token } of agents) {
        const { body } = await api.must({ method: 'GET', path: '/v1/messages?limit=1', token }, 200);
        consumed += (body.messages as unknown[]).length;
        left += Number(body.remaining);
      }
      return consumed + left;
    },
  };
}

/** The far end is the server's count of keys: nobody else may make any. */
export function newStateKeys(api: TroupeApi, agents: readonly Identity[]): VerifiedQuestion {
  const value = 'v'.repeat(TEXT_BYTES);
  const { token } = agents[0]!;
  return {
    requests: agents.map((agent) => loadRequest('PUT', `/v1/state/bench-${COUNTER_PLACE}`, agent.token, { value })),
    probe: { method: 'PUT', path: '/v1/state/probe', token, body: { value } },
    async countFarEnd() {
      const { body } = await api.must({ method: 'GET', path: '/v1/state/_capacity', token }, 200);
      return Number(body.key_count);
    },
  };
}
