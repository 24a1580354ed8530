// Session context
//
// All that the sessions are given of the rest of the server. The composition root puts it together.

import type { Log } from '../../log.js';
import type { StreamingActors } from '../../runtime/ref.js';
import type { Authenticator } from '../gate/authenticator.js';
import type { InFlight } from '../gate/in-flight.js';
import type { RateLimiter } from '../gate/rate-limiter.js';
import type { KernelContext } from '../kernel/kernel-context.js';
import type { FrontMeter } from '../metrics/front-meter.js';
import type { Tracing } from '../tracing/tracing.js';

/** uWebSockets.js counts in such steps, and pings this long before a silent peer's time is over. */
const IDLE_STEP_MS = 4_000;
const PING_MARGIN_MS = 16_000;

/** When a listener that is to ping a silent peer after `heartbeatMs` gives it up. */
export function socketIdleTimeoutMs(heartbeatMs: number): number {
  return Math.floor((heartbeatMs + PING_MARGIN_MS) / IDLE_STEP_MS) * IDLE_STEP_MS;
}

/** Bounds out of the config. */
export interface SessionRules {
  readonly sessionsMax: number;
  /** How often the listener pings, as clients are told. */
  readonly heartbeatMs: number;
}

export interface SessionContext extends KernelContext {
  readonly sessionRules: SessionRules;
  readonly actors: StreamingActors;
  readonly log: Log;
  readonly meter: FrontMeter;
  /** Absent where nothing is traced. */
  readonly tracing?: Tracing;
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly rateLimiter: Pick<RateLimiter, 'take'>;
  readonly inFlight: Pick<InFlight, 'enter'>;
  /** Names the history that seqs count in: another one after the data directory was restored from a backup. */
  readonly historyEpoch: string;
  /** True from the moment that the server began to stop. */
  readonly draining: () => boolean;
}
