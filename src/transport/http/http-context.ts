// HTTP context
//
// All that the routes are given of the rest of the server. The composition root puts it together.

import type { Clock } from '../../clock.js';
import type { Config } from '../../config.js';
import type { Log } from '../../log.js';
import type { Actors, Answer, AskOptions, Durability, Idempotency } from '../../runtime/ref.js';
import type { Authenticator } from '../gate/authenticator.js';
import type { ClientIp } from '../gate/client-ip.js';
import type { InFlight } from '../gate/in-flight.js';
import type { RateLimiter } from '../gate/rate-limiter.js';
import type { RegistrationLimiter } from '../gate/registration-limiter.js';
import type { TokenHasher } from '../gate/token-hasher.js';
import type { LongPolls } from './long-polls.js';

/** An actor that says nothing for this long is not waited for; a long poll adds its own wait. */
export const ASK_TIMEOUT_MS = 30_000;

/** Bounds and choices out of the config, as the routes need them. */
export interface HttpRules {
  readonly addressPrefix: string;
  readonly contentBytesMax: number;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  readonly stateCapacityBytes: number;
  readonly bodyBytesMax: number;
  readonly durability: Durability;
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
  };
}

export interface HttpContext {
  readonly version: string;
  readonly rules: HttpRules;
  readonly clock: Clock;
  readonly log: Log;
  readonly actors: Actors;
  readonly authenticator: Pick<Authenticator, 'authenticate' | 'revoke'>;
  readonly rateLimiter: Pick<RateLimiter, 'take'>;
  readonly registrationLimiter: Pick<RegistrationLimiter, 'take'>;
  readonly clientIp: ClientIp;
  readonly inFlight: Pick<InFlight, 'enter'>;
  readonly longPolls: LongPolls;
  readonly hasher: Pick<TokenHasher, 'hashToken'>;
  /**
   * What an earlier ask with this key was answered, read from the store: the answer, marked as replayed; the CONFLICT of
   * another fingerprint; or undefined. Must see every answer that was given before the call.
   */
  readonly storedAnswer: (idempotency: Idempotency) => Promise<Answer<unknown> | undefined>;
  /** The committed value of a counter. */
  readonly counter: (name: string) => number;
  /** True from the moment that the server began to stop. */
  readonly draining: () => boolean;
  /** What the parts of the process tell an admin, beyond what GET /admin/status says by itself. */
  readonly status: () => Promise<object>;
  /** Resolves when another worker runs in the place of this one; false when there is no such worker. */
  readonly replaceWorker: (index: number) => Promise<boolean>;
}

/** The options of an ask from a route: as durable as the config says, once if it has a key. */
export function askOptions(context: HttpContext, idempotency?: Idempotency, waitMs = 0): AskOptions {
  const options = { timeoutMs: ASK_TIMEOUT_MS + waitMs, durability: context.rules.durability };
  return idempotency === undefined ? options : { ...options, idempotency };
}
