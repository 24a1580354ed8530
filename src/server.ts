// Server
//
// The composition root of the process: config in, a running server out. Only this file and worker.ts know everyone.
//
//     start: data directory ──▶ store, journal, workers ──▶ hash pool ──▶ gate, routes ──▶ listener
//     stop:  refuse new work ──▶ answer what was admitted ──▶ make it durable ──▶ close, in reverse
//
// Owns:     the order of starting and stopping.
// Does not: decide anything else.

import { setTimeout as pause } from 'node:timers/promises';
import { agentProtocol } from './actors/agent/protocol.js';
import { ADMIN, operatorProtocol } from './actors/operator/protocol.js';
import { stateProtocol } from './actors/state/protocol.js';
import { COUNTERS } from './audit/counters.js';
import { systemClock } from './clock.js';
import type { Config } from './config.js';
import { CodedError } from './errors.js';
import type { Log } from './log.js';
import { type DataDirectory, openDataDirectory } from './runtime/storage/data-directory.js';
import { defaultWorkers, System } from './runtime/system.js';
import { createJobPool, type JobPool } from './runtime/threads/job-pool.js';
import { HANDLER_MS_MAX } from './runtime/watchdog.js';
import { Authenticator, type TokenRecord } from './transport/gate/authenticator.js';
import { createClientIp } from './transport/gate/client-ip.js';
import { InFlight } from './transport/gate/in-flight.js';
import { type LimitClass, RateLimiter } from './transport/gate/rate-limiter.js';
import { RegistrationLimiter } from './transport/gate/registration-limiter.js';
import { mintToken } from './transport/gate/token.js';
import type { HashJob, HashResult } from './transport/gate/token-hash.js';
import { createTokenHasher, type TokenHasher, tokenHashUrl } from './transport/gate/token-hasher.js';
import { createFrontDoor } from './transport/http/front-door.js';
import { type HttpContext, httpRules } from './transport/http/http-context.js';
import { routeHandlers } from './transport/http/kernel-routes.js';
import { LongPolls } from './transport/http/long-polls.js';
import type { Listener } from './transport/listener/listener.js';
import { openListener } from './transport/listener/open-listener.js';
import { version } from './version.js';
import type { WorkerSettings } from './worker.js';

/** What all idle actors of the process may keep in memory. */
const RESIDENT_BYTES_MAX = 128 * 1024 * 1024;
/** The part of the time to stop that slow clients may use up; the rest is for the workers and the disk. */
const ANSWERS_SHARE = 0.8;
/** How often a stopping server looks whether everything admitted was answered. */
const DRAIN_LOOK_MS = 5;

export interface Server {
  readonly url: string;
  readonly dataDirectory: string;
  readonly adapter: Listener['adapter'];
  readonly workers: number;
  /** Only at the first start on a data directory, and only when the config names none: it is shown once. */
  readonly adminToken: string | undefined;
  /** Refuses new work, answers and makes durable what was admitted, and closes everything, within the configured time. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly config: Config;
  readonly log: Log;
  /** The process can promise nothing any more, and should end. */
  readonly onFatal: (error: unknown) => void;
}

/** Starts a server. Rejects, with everything closed again, when it cannot: the error says why. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const opened: (() => Promise<void>)[] = [];
  try {
    return await open(options, opened);
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

/** Shard workers of a config: 0 leaves their number to the machine. */
function workerCount(configured: number): number {
  return configured > 0 ? configured : defaultWorkers();
}

async function open({ config, log, onFatal }: ServerOptions, opened: (() => Promise<void>)[]): Promise<Server> {
  const directory = openDataDirectory(config.dataDir);
  opened.push(async () => directory.release());
  const system = await startSystem(config, directory, log, onFatal);
  let stopTimeoutMs = 0;
  opened.push(() => system.stop(stopTimeoutMs));
  const pool = startHashPool(config, log);
  opened.push(() => pool.close());
  const hasher = createTokenHasher(pool, {
    memoryKib: config.auth.argon2MemoryKib,
    passes: config.auth.argon2Passes,
    lanes: config.auth.argon2Lanes,
  });
  const adminToken = config.admin.token === null ? await makeAdmin(system, hasher) : undefined;

  let draining = false;
  const longPolls = new LongPolls();
  const status = async () => ({ ...(await system.status()), hashesQueued: pool.queued });
  const context = httpContext({ config, log, system, hasher, longPolls, status, draining: () => draining });
  const listener = await openListener(
    config.http.listener,
    { ...config.http, onDefect: (error) => log.error({ event: 'handler_failed', error }) },
    createFrontDoor(context, routeHandlers(context)),
    { warn: (line) => log.warn({ event: 'listener_fallback', message: line }) },
  );
  opened.push(async () => listener.close());
  const bound = await listener.listen();

  const host = bound.host.includes(':') ? `[${bound.host}]` : bound.host;
  return {
    url: `http://${host}:${bound.port}`,
    dataDirectory: directory.path,
    adapter: listener.adapter,
    workers: workerCount(config.workers),
    adminToken,
    async stop() {
      const begun = systemClock.monotonic();
      const deadline = begun + config.shutdownTimeoutMs;
      const answersUntil = begun + config.shutdownTimeoutMs * ANSWERS_SHARE;
      draining = true;
      listener.drain();
      longPolls.endAll();
      // A request that no actor was asked about yet has a connection, and an answer that is not sent yet too.
      const isBusy = () => listener.connections > 0 || system.asksWaiting > 0;
      while (isBusy() && systemClock.monotonic() < answersUntil) await pause(DRAIN_LOOK_MS);
      stopTimeoutMs = Math.max(0, deadline - systemClock.monotonic());
      await closeAll(opened);
      log.flush();
    },
  };
}

function startSystem(
  config: Config,
  directory: DataDirectory,
  log: Log,
  onFatal: (error: unknown) => void,
): Promise<System> {
  const workers = workerCount(config.workers);
  const { messaging, state, verification } = config;
  return System.start({
    store: {
      directory: directory.tables,
      journalDirectory: directory.journal,
      backups: directory.backups,
      journal: config.journal,
    },
    workers,
    workerUrl: new URL('./worker.js', import.meta.url),
    settings: { messaging, state, verification } satisfies WorkerSettings,
    protocols: [operatorProtocol, agentProtocol, stateProtocol],
    counters: COUNTERS,
    durability: config.durability,
    residentBytesMaxPerWorker: Math.ceil(RESIDENT_BYTES_MAX / workers),
    forceEncoding: false,
    isExplained: true,
    seed: 0,
    handlerMsMax: HANDLER_MS_MAX,
    onLog: ({ level, ...line }) => log[level]({ event: 'actor', ...line }),
    onEscalation: (address, error) => log.error({ event: 'actor_escalated', address, error }),
    onTrouble: (message, details) => log.warn({ event: 'runtime', message, ...details }),
    onFatal,
  });
}

function startHashPool(config: Config, log: Log): JobPool<HashJob, HashResult> {
  return createJobPool<HashJob, HashResult>({
    what: 'the hash queue',
    workerUrl: tokenHashUrl,
    threads: config.auth.hashThreads,
    queueMax: config.auth.hashQueueMax,
    onDefect: (error) => log.error({ event: 'hash_pool_failed', error }),
  });
}

/** The admin's token, if there has never been one on this data directory. */
async function makeAdmin(system: System, hasher: TokenHasher): Promise<string | undefined> {
  const exists = await system.actors.ask(operatorProtocol, ADMIN, 'hasAdmin', null);
  if (!exists.ok) throw new CodedError(exists.fault.code, exists.fault.params);
  if (exists.value.exists) return undefined;
  const { token, lookupId } = mintToken('admin');
  const credential = { lookupId, tokenHash: await hasher.hashToken(token) };
  const created = await system.actors.ask(operatorProtocol, ADMIN, 'makeAdmin', { credential });
  if (!created.ok) throw new CodedError(created.fault.code, created.fault.params);
  return token;
}

interface ContextParts {
  readonly config: Config;
  readonly log: Log;
  readonly system: System;
  readonly hasher: TokenHasher;
  readonly longPolls: LongPolls;
  readonly status: () => Promise<object>;
  readonly draining: () => boolean;
}

function httpContext({ config, log, system, hasher, longPolls, status, draining }: ContextParts): HttpContext {
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
    hasher,
    storedAnswer: (idempotency) => system.storedAnswer(idempotency),
    counter: (name) => system.counter(name),
    draining,
    status,
    replaceWorker: (index) => system.replaceWorker(index),
  };
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

/** Closes in reverse order; one that fails does not keep the others open. */
async function closeAll(opened: (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (let close = opened.pop(); close !== undefined; close = opened.pop()) {
    await close().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}
