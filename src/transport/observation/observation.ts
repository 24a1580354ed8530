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
import { Summaries, type SummariesParts } from './summaries.js';

export type ObserveAccess = 'public' | 'admin' | 'off';

export interface Observation {
  readonly access: ObserveAccess;
  /** Nobody chose it: it is so because of the address. */
  readonly isByDefault: boolean;
  readonly limiter: Pick<ObserveLimiter, 'take'>;
  readonly streams: EventStreams;
  readonly read: Observer['read'];
  readonly look: Observer['look'];
  readonly forget: Observer['forget'];
  readonly summarize: Summaries['read'];
  readonly summed: {
    /** The number of the last event that the summaries have taken in: what is up to it may go. */
    readonly upTo: () => number;
    /** They take in what is there now, without waiting until it is more. */
    readonly hurry: () => void;
  };
  /** Ends the threads. */
  readonly stop: () => Promise<void>;
}

export interface ObservationParts extends ObserverParts {
  readonly config: Pick<Config, 'observe' | 'http'>;
  readonly summaries: Pick<SummariesParts, 'workerUrl' | 'data'>;
  readonly draining: () => boolean;
}

export function openObservation(parts: ObservationParts): Observation {
  const { config, clock, draining } = parts;
  const observer = new Observer(parts);
  const summaries = new Summaries({ ...parts, ...parts.summaries });
  return {
    access: observeAccess(config),
    isByDefault: config.observe.access === 'auto',
    limiter: new ObserveLimiter(config.observe.requestsPerMin, clock),
    streams: new EventStreams({ observer, streamsMax: config.observe.streamsMax, clock, draining }),
    read: (reading) => observer.read(reading),
    look: (kind, asked) => observer.look(kind, asked),
    forget: () => observer.forget(),
    summarize: (reading) => summaries.read(reading),
    summed: { upTo: () => summaries.folded, hurry: () => summaries.hurry() },
    stop: async () => {
      await Promise.all([observer.stop(), summaries.stop()]);
    },
  };
}

/**
 * Who may look with this request: what is public only because the address is a loopback one is not so for what a proxy on
 * this machine brings from elsewhere.
 */
export function accessFor(
  { access, isByDefault }: Pick<Observation, 'access' | 'isByDefault'>,
  forwardedFor: string | undefined,
): ObserveAccess {
  return access === 'public' && isByDefault && forwardedFor !== undefined ? 'admin' : access;
}

/** Where nobody says: whoever reaches a loopback address may look, unless proxies bring others there. */
function observeAccess({ observe, http }: ObservationParts['config']): ObserveAccess {
  if (observe.access !== 'auto') return observe.access;
  return isLoopback(http.host) && http.trustedProxies.length === 0 ? 'public' : 'admin';
}
