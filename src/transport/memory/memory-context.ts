// Memory context
//
// All that the calls of the memory API are given of the rest of the server.

import type { Clock } from '../../clock.js';
import type { Log } from '../../log.js';
import type { Actors, AskOptions, Durability } from '../../runtime/ref.js';
import type { Authenticator } from '../gate/authenticator.js';
import type { ClientIp } from '../gate/client-ip.js';
import { ASK_TIMEOUT_MS } from '../kernel/kernel-context.js';
import type { FrontMeter } from '../metrics/front-meter.js';
import type { DocumentJob, DocumentResult } from './document-worker.js';
import type { Embeddings } from './embeddings.js';
import type { MemoryKeys } from './memory-keys.js';
import type { MemoryLimiter } from './memory-limiter.js';

export interface MemoryContext {
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: FrontMeter;
  readonly actors: Actors;
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly clientIp: ClientIp;
  /** True from the moment that the server began to stop. */
  readonly draining: () => boolean;
  readonly documents: DocumentReader;
  /** Null: things are found by words alone. */
  readonly embeddings: Embeddings | null;
  readonly memory: MemoryRules;
}

/** Reads documents in a thread of its own. */
export interface DocumentReader {
  /** Rejects with OVERLOADED when too many wait. */
  run(job: DocumentJob): Promise<DocumentResult>;
}

export interface MemoryRules {
  readonly keys: MemoryKeys;
  readonly limiter: MemoryLimiter;
  readonly requireTenant: boolean;
  /** In lower case. */
  readonly tenantHeader: string;
  readonly bodyBytesMax: number;
  readonly durability: Durability;
  readonly contextTokensDefault: number;
}

/** The options of an ask: as durable as the config says. */
export function askOptions({ memory }: MemoryContext): AskOptions {
  return { timeoutMs: ASK_TIMEOUT_MS, durability: memory.durability };
}
