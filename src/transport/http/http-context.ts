// HTTP context
//
// All that the routes are given of the rest of the server. The composition root puts it together.

import type { Config } from '../../config.js';
import type { Ceiling } from '../../contract/server.js';
import type { Log } from '../../log.js';
import type { Answer, Idempotency } from '../../runtime/ref.js';
import type { Authenticator } from '../gate/authenticator.js';
import type { ClientIp } from '../gate/client-ip.js';
import type { InFlight } from '../gate/in-flight.js';
import type { RateLimiter } from '../gate/rate-limiter.js';
import type { RegistrationLimiter } from '../gate/registration-limiter.js';
import type { TokenHasher } from '../gate/token-hasher.js';
import type { KernelContext, KernelRules } from '../kernel/kernel-context.js';
import type { FrontMeter } from '../metrics/front-meter.js';
import type { Observation } from '../observation/observation.js';
import type { Removals } from '../removal/removals.js';
import type { Tracing } from '../tracing/tracing.js';
import type { DestinationRules } from '../webhook/destination.js';
import type { LongPolls } from './long-polls.js';

/** Bounds and choices out of the config, as the routes need them. */
export interface HttpRules extends KernelRules {
  readonly addressPrefix: string;
  readonly bodyBytesMax: number;
  readonly metricsAccess: Config['metrics']['access'];
}

export function httpRules(config: Config): HttpRules {
  return {
    addressPrefix: config.address.prefix,
    contentBytesMax: config.messaging.contentBytesMax,
    keyBytesMax: config.state.keyBytesMax,
    valueBytesMax: config.state.valueBytesMax,
    stateCapacityBytes: config.state.capacityBytes,
    bodyBytesMax: config.http.bodyBytesMax,
    durability: config.durability,
    metricsAccess: config.metrics.access,
  };
}

export interface HttpContext extends KernelContext {
  readonly version: string;
  readonly rules: HttpRules;
  readonly log: Log;
  readonly meter: FrontMeter;
  /** Absent where nothing is traced. */
  readonly tracing?: Tracing;
  readonly authenticator: Pick<Authenticator, 'authenticate' | 'revoke'>;
  readonly rateLimiter: Pick<RateLimiter, 'take'>;
  readonly registrationLimiter: Pick<RegistrationLimiter, 'take'>;
  readonly clientIp: ClientIp;
  readonly inFlight: Pick<InFlight, 'enter'>;
  readonly longPolls: LongPolls;
  readonly observation: Pick<Observation, 'access' | 'isByDefault' | 'limiter' | 'read' | 'summarize' | 'streams'>;
  readonly removals: Pick<Removals, 'remove'>;
  /** The token of this lookup id is no longer good, or its agent is no more: what it opened is closed. */
  readonly endSessions: (lookupId: string, reason: 'unauthorized' | 'retired') => void;
  readonly hasher: Pick<TokenHasher, 'hashToken'>;
  /** Where webhooks may be. */
  readonly destinations: DestinationRules;
  /**
   * What an earlier ask with this key was answered, read from the store: the answer, marked as replayed; the CONFLICT of
   * another fingerprint; or undefined. Must see every answer that was given before the call.
   */
  readonly storedAnswer: (idempotency: Idempotency) => Promise<Answer<unknown> | undefined>;
  /** True from the moment that the server began to stop. */
  readonly draining: () => boolean;
  /** What the parts of the process tell an admin, beyond what GET /admin/status says by itself. */
  readonly status: () => Promise<object>;
  /** The page of GET /metrics, and the rows of GET /admin/ceilings. */
  readonly metricsText: () => Promise<string>;
  readonly ceilings: () => Promise<readonly Ceiling[]>;
  /** Resolves when another worker runs in the place of this one; false when there is no such worker. */
  readonly replaceWorker: (index: number) => Promise<boolean>;
}
