// Front context
//
// The part of the composition root that wires the gate: who may call, how often, and what a call has at hand.

import { systemClock } from './clock.js';
import type { Config } from './config.js';
import { createLocalEmbedder, isLocalModelInstalled, LOCAL_MODEL } from './embedding/local-embedder.js';
import { CodedError } from './errors.js';
import type { Log } from './log.js';
import type { System } from './runtime/system.js';
import { Authenticator, type TokenRecord } from './transport/gate/authenticator.js';
import { createClientIp } from './transport/gate/client-ip.js';
import { InFlight } from './transport/gate/in-flight.js';
import { type LimitClass, RateLimiter } from './transport/gate/rate-limiter.js';
import { RegistrationLimiter } from './transport/gate/registration-limiter.js';
import type { TokenHasher } from './transport/gate/token-hasher.js';
import { type HttpContext, httpRules } from './transport/http/http-context.js';
import type { LongPolls } from './transport/http/long-polls.js';
import { ASK_TIMEOUT_MS } from './transport/kernel/kernel-context.js';
import { Embeddings } from './transport/memory/embeddings.js';
import type { DocumentReader, MemoryContext } from './transport/memory/memory-context.js';
import { MemoryKeys } from './transport/memory/memory-keys.js';
import { MemoryLimiter } from './transport/memory/memory-limiter.js';
import type { FrontMeter } from './transport/metrics/front-meter.js';
import type { Observation } from './transport/observation/observation.js';
import type { Tracing } from './transport/tracing/tracing.js';
import { createResolver } from './transport/webhook/resolver.js';
import { version } from './version.js';

/** Queries, and a batch of a subject. */
const EMBEDDING_QUEUE_MAX = 100;

export interface ContextParts {
  readonly config: Config;
  readonly log: Log;
  readonly system: System;
  readonly hasher: TokenHasher;
  readonly longPolls: LongPolls;
  readonly observation: Observation;
  readonly meter: FrontMeter;
  readonly tracing: Tracing | undefined;
  readonly reads: HttpContext['reads'];
  readonly metricsText: HttpContext['metricsText'];
  readonly ceilings: HttpContext['ceilings'];
  readonly removals: HttpContext['removals'];
  readonly endSessions: HttpContext['endSessions'];
  readonly status: () => Promise<object>;
  readonly draining: () => boolean;
}

/** Puts together what the calls over HTTP and the sessions work with. */
export function createHttpContext({
  config,
  log,
  system,
  hasher,
  longPolls,
  observation,
  meter,
  tracing,
  reads,
  metricsText,
  ceilings,
  removals,
  endSessions,
  status,
  draining,
}: ContextParts): HttpContext {
  const authenticator = new Authenticator({
    hasher,
    lookup: (lookupId) =>
      system.read(['token', lookupId]) as TokenRecord | undefined | Promise<TokenRecord | undefined>,
    cacheTtlMs: config.auth.cacheTtlMs,
    clock: systemClock,
    ...(config.admin.token === null ? {} : { adminToken: config.admin.token }),
    onDefect: (error) => log.error({ event: 'verification_failed', error }),
  });
  return {
    version,
    rules: httpRules(config),
    clock: systemClock,
    log,
    actors: system.actors,
    authenticator,
    rateLimiter: new RateLimiter({ perMinute: perMinute(config), clock: systemClock }),
    registrationLimiter: new RegistrationLimiter({
      perHour: config.limits.operatorRegistrationPerHour,
      clock: systemClock,
    }),
    clientIp: createClientIp(config.http.trustedProxies),
    inFlight: new InFlight(),
    longPolls,
    observation,
    meter,
    ...(tracing === undefined ? {} : { tracing }),
    reads,
    metricsText,
    ceilings,
    removals,
    endSessions,
    hasher,
    destinations: { allowPrivate: config.webhooks.allowPrivate, resolve: createResolver() },
    storedAnswer: (idempotency) => system.storedAnswer(idempotency),
    counter: (name) => system.counter(name),
    draining,
    status,
    replaceWorker: (index) => system.replaceWorker(index),
  };
}

/** Puts together what the calls of the memory API work with. */
export function createMemoryContext(config: Config, http: HttpContext, documents: DocumentReader): MemoryContext {
  const embeddings = createEmbeddings(config, http);
  const { version, clock, log, meter, actors, authenticator, clientIp, draining } = http;
  return {
    version,
    clock,
    log,
    meter,
    actors,
    authenticator,
    clientIp,
    draining,
    documents,
    embeddings,
    memory: {
      keys: new MemoryKeys(config.memory.apiKeys),
      limiter: new MemoryLimiter(config.memory.rateLimitPerMin, systemClock),
      requireTenant: config.memory.requireTenant,
      tenantHeader: config.memory.tenantHeader,
      bodyBytesMax: config.http.bodyBytesMax,
      durability: config.durability,
      contextTokensDefault: config.memory.contextTokensDefault,
    },
  };
}

/** The model whose vectors are kept; null: there are none. */
export function embeddingModel({ memory }: Config): string | null {
  switch (memory.embeddingsProvider) {
    case 'none':
      return null;
    case 'auto':
      return isLocalModelInstalled() ? LOCAL_MODEL : null;
    case 'local':
      if (!isLocalModelInstalled()) {
        const reason = 'memory.embeddings.provider is local, and the optional packages of its model are not installed';
        throw new CodedError('BAD_REQUEST', { reason });
      }
      return LOCAL_MODEL;
    default:
      return memory.embeddingsProvider satisfies never;
  }
}

function createEmbeddings(config: Config, { actors, clock, log, draining }: HttpContext): Embeddings | null {
  if (embeddingModel(config) === null) return null;
  const onDefect = (error: unknown) => log.error({ event: 'embedding_pool_failed', error });
  const embedder = createLocalEmbedder({ threads: 1, queueMax: EMBEDDING_QUEUE_MAX, onDefect });
  const askOptions = { timeoutMs: ASK_TIMEOUT_MS, durability: config.durability };
  return new Embeddings({ embedder, actors, askOptions, clock, log, draining });
}

function perMinute({ limits }: Config): Record<LimitClass, number> {
  return {
    message_send: limits.messageSendPerMin,
    message_read: limits.messageReadPerMin,
    state_read: limits.stateReadPerMin,
    state_write: limits.stateWritePerMin,
    registry_read: limits.registryReadPerMin,
  };
}
