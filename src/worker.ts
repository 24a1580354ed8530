// Worker
//
// The composition root of a shard's thread: the actor kinds of the kernel, configured.

import { agentKind } from './actors/agent/agent.js';
import { courierKind } from './actors/courier/courier.js';
import { doubling } from './actors/endpoint/back-off.js';
import { endpointKind } from './actors/endpoint/endpoint.js';
import { operatorKind } from './actors/operator/operator.js';
import { readsKind } from './actors/reads/reads.js';
import { removalKind } from './actors/removal/removal.js';
import { stateKind } from './actors/state/state.js';
import type { SubjectRules } from './actors/subject/state.js';
import { subjectKind } from './actors/subject/subject.js';
import { tenantKind } from './actors/tenant/tenant.js';
import type { Config } from './config.js';
import { anyKind } from './runtime/actor.js';
import { runShardWorker } from './runtime/threads/shard-worker.js';

/** What a worker is told of the config: never a secret. */
export type WorkerSettings = Pick<Config, 'messaging' | 'state' | 'verification' | 'webhooks'> & {
  readonly subject: SubjectRules;
  /** Couriers of the system. */
  readonly couriers: number;
};

runShardWorker((settings) => {
  const { messaging, state, verification, webhooks, couriers, subject } = settings as WorkerSettings;
  // In the order of `protocols` in server.ts: an envelope names a kind by its place.
  return [
    anyKind(
      operatorKind({
        gate: { type: verification.gate, difficultyBits: verification.difficultyBits },
        challengeExpiryMs: verification.expiryMs,
      }),
    ),
    anyKind(
      agentKind({
        inbox: {
          messagesMax: messaging.inboxMessagesMax,
          bytesMax: messaging.inboxBytesMax,
          overflow: messaging.overflow,
        },
      }),
    ),
    anyKind(stateKind({ capacityBytes: state.capacityBytes })),
    anyKind(removalKind()),
    anyKind(subjectKind(subject)),
    anyKind(tenantKind()),
    anyKind(
      endpointKind({
        schedule: doubling(webhooks.retries, webhooks.retryAfterMs),
        circuit: { failuresMax: webhooks.circuitFailures, openMs: webhooks.circuitOpenMs },
        inFlightMax: webhooks.inFlightPerEndpoint,
        couriers,
      }),
    ),
    anyKind(courierKind),
    anyKind(readsKind()),
  ];
});
