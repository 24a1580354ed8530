// Observation
//
// All of observation that the rest of the server knows: who may look, how often, and what is read and followed.
//
// Owns:     putting its parts together.
// Does not: know HTTP or sockets (observe-routes.ts, ws-stream.ts).

import { isLoopback } from '../../config.js';
import type { Config } from '../../config-schema.js';
import { EventStreams } from './event-streams.js';
import { ObserveLimiter } from './observe-limiter.js';
import { Observer, type ObserverParts } from './observer.js';

export type ObserveAccess = 'public' | 'admin' | 'off';

export interface Observation {
  readonly access: ObserveAccess;
  readonly limiter: Pick<ObserveLimiter, 'take'>;
  readonly streams: EventStreams;
  readonly read: Observer['read'];
  /** Ends the thread. */
  readonly stop: () => Promise<void>;
}

export interface ObservationParts extends ObserverParts {
  readonly config: Pick<Config, 'observe' | 'http'>;
  readonly draining: () => boolean;
}

export function openObservation(parts: ObservationParts): Observation {
  const { config, clock, draining } = parts;
  const observer = new Observer(parts);
  return {
    access: observeAccess(config),
    limiter: new ObserveLimiter(config.observe.requestsPerMin, clock),
    streams: new EventStreams({ observer, streamsMax: config.observe.streamsMax, clock, draining }),
    read: (reading) => observer.read(reading),
    stop: () => observer.stop(),
  };
}

/** Where nobody says: whoever reaches a loopback address may look, unless proxies bring others there. */
function observeAccess({ observe, http }: ObservationParts['config']): ObserveAccess {
  if (observe.access !== 'auto') return observe.access;
  return isLoopback(http.host) && http.trustedProxies.length === 0 ? 'public' : 'admin';
}
