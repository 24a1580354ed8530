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
import { OPEN_CIRCUITS } from './actors/endpoint/protocol.js';
import { ADMIN, operatorProtocol } from './actors/operator/protocol.js';
import { systemClock } from './clock.js';
import type { Config } from './config.js';
import { STREAM_PATH } from './contract/observe.js';
import { CodedError } from './errors.js';
import { createHttpContext, createMemoryContext } from './front-context.js';
import type { Log } from './log.js';
import { archiveDirectory, openDataDirectory } from './runtime/storage/data-directory.js';
import { openHistory } from './runtime/storage/history.js';
import type { System } from './runtime/system.js';
import {
  metricsSource,
  startDocumentPool,
  startHashPool,
  startReadLog,
  startRetention,
  startSystem,
  workerCount,
} from './server-parts.js';
import { mintToken } from './transport/gate/token.js';
import { createTokenHasher, type TokenHasher } from './transport/gate/token-hasher.js';
import { createFrontDoor } from './transport/http/front-door.js';
import { routeHandlers } from './transport/http/kernel-routes.js';
import { LongPolls } from './transport/http/long-polls.js';
import type { Listener } from './transport/listener/listener.js';
import { openListener } from './transport/listener/open-listener.js';
import { MemoryDoor } from './transport/memory/memory-door.js';
import { memoryHandlers } from './transport/memory/memory-handlers.js';
import { CeilingWatch } from './transport/metrics/ceiling-watch.js';
import { Exposition } from './transport/metrics/exposition.js';
import { FrontMeter } from './transport/metrics/front-meter.js';
import { openObservation } from './transport/observation/observation.js';
import { upgradeToStream } from './transport/observation/ws-stream.js';
import { Removals } from './transport/removal/removals.js';
import { socketIdleTimeoutMs } from './transport/session/session-context.js';
import { Sessions } from './transport/session/sessions.js';
import { openTracing } from './transport/tracing/tracing.js';
import { openOutlet } from './transport/webhook/open-outlet.js';

/** The part of the time to stop that slow clients may use up; the rest is for the workers and the disk. */
const ANSWERS_SHARE = 0.8;
/** How often a stopping server looks whether everything admitted was answered. */
const DRAIN_LOOK_MS = 5;
/** A session counts no more when its close is on its way: what lies before it in the socket is let out for so long. */
const SOCKETS_LINGER_MS = 200;

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

async function open({ config, log, onFatal }: ServerOptions, opened: (() => Promise<void>)[]): Promise<Server> {
  const directory = openDataDirectory(config.dataDir);
  opened.push(async () => directory.release());
  const tracing = await openTracing(process.env, systemClock);
  if (tracing !== undefined) opened.push(() => tracing.close());
  const system = await startSystem(config, directory, log, tracing, onFatal);
  let stopTimeoutMs = 0;
  opened.push(() => system.stop(stopTimeoutMs));
  const meter = new FrontMeter();
  const pool = startHashPool(config, log, meter);
  opened.push(() => pool.close());
  const hasher = createTokenHasher(pool, {
    memoryKib: config.auth.argon2MemoryKib,
    passes: config.auth.argon2Passes,
    lanes: config.auth.argon2Lanes,
  });
  const adminToken = config.admin.token === null ? await makeAdmin(system, hasher) : undefined;

  let draining = false;
  const observation = openObservation({
    config,
    workerUrl: new URL('./observer.js', import.meta.url),
    data: { directory: directory.tables, archives: archiveDirectory(directory.path, config.eventLog.archiveDir) },
    summaries: {
      workerUrl: new URL('./summarizer.js', import.meta.url),
      data: { tables: directory.tables, summaries: directory.summaries },
    },
    system,
    clock: systemClock,
    log,
    draining: () => draining,
  });
  opened.push(() => observation.stop());
  const webhooks = openOutlet({
    config,
    actors: system.actors,
    read: (endpoint) => system.read(['webhook', endpoint]),
    couriers: workerCount(config.workers),
    workerUrl: new URL('./webhooks.js', import.meta.url),
    clock: systemClock,
    log,
  });
  opened.push(() => webhooks.stop());
  const retention = startRetention(config, directory, system, observation.summed, log);
  opened.push(() => retention.stop());
  const reads = startReadLog(config, system, meter, log);
  opened.push(async () => reads?.stop());
  const longPolls = new LongPolls();
  const status = async (isBrief = false) => ({
    ...(await system.status(isBrief)),
    hashesQueued: pool.queued,
    sessions: sessions.count,
    streams: observation.streams.count,
    retention: retention.latest ?? null,
    eventsSummedUp: observation.summed.upTo(),
  });
  const pushes = () => ({ ...webhooks.figures(), openCircuits: system.counter(OPEN_CIRCUITS) });
  const source = metricsSource(system, status, pushes, opened);
  const exposition = new Exposition(source, meter, tracing);
  const onDefect = (error: unknown) => log.error({ event: 'ceilings_failed', error });
  const ceilings = new CeilingWatch({ source, meter, clock: systemClock, onDefect });
  const removals = new Removals({
    actors: system.actors,
    observation,
    settled: () => system.settled(),
    scrubbed: () => system.scrubbed(),
    pauseArchives: () => retention.pause(),
    redactSessions: (agent, messageId) => sessions.redact(agent, messageId),
    clock: systemClock,
    log,
  });
  const context = createHttpContext({
    config,
    log,
    system,
    hasher,
    longPolls,
    observation,
    meter,
    tracing,
    reads,
    metricsText: () => exposition.text(),
    ceilings: () => ceilings.rows(),
    removals,
    endSessions: (lookupId, reason) => sessions.endOfToken(lookupId, reason),
    status,
    draining: () => draining,
  });
  const documents = startDocumentPool(log, opened);
  const memory = createMemoryContext(config, context, documents);
  opened.push(async () => memory.embeddings?.close());
  const sessions = new Sessions({
    ...context,
    actors: system.actors,
    sessionRules: { sessionsMax: config.sessions.max, heartbeatMs: config.sessions.heartbeatMs },
    historyEpoch: openHistory(directory.path),
  });
  const listener = await openListener(
    config.http.listener,
    {
      ...config.http,
      tenantHeader: config.memory.tenantHeader.toLowerCase(),
      connectionsMax: config.http.connectionsMax + config.sessions.max + config.observe.streamsMax,
      socketIdleTimeoutMs: socketIdleTimeoutMs(config.sessions.heartbeatMs),
      onUpgrade: (exchange) => {
        if (exchange.head.path === STREAM_PATH) upgradeToStream({ ...context, observation }, exchange);
        else sessions.upgrade(exchange);
      },
      onDefect: (error) => log.error({ event: 'handler_failed', error }),
    },
    createFrontDoor(context, routeHandlers(context), new MemoryDoor(memory, memoryHandlers(memory))),
    { warn: (line) => log.warn({ event: 'listener_fallback', message: line }) },
  );
  opened.push(async () => listener.close());
  const bound = await listener.listen();
  opened.push(async () => ceilings.stop());
  // It asks the journal, whose disk may be slow just now.
  void ceilings.start();
  opened.push(() => removals.stop());
  removals.resume();

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
      const hadSessions = sessions.count > 0;
      sessions.drain();
      observation.streams.drain();
      webhooks.drain();
      // A request that no actor was asked about yet has a connection, and an answer that is not sent yet too.
      const isBusy = () =>
        listener.connections > 0 || sessions.count > 0 || webhooks.inFlight > 0 || system.asksWaiting > 0;
      while (isBusy() && systemClock.monotonic() < answersUntil) await pause(DRAIN_LOOK_MS);
      if (hadSessions) await pause(Math.min(SOCKETS_LINGER_MS, Math.max(0, answersUntil - systemClock.monotonic())));
      stopTimeoutMs = Math.max(0, deadline - systemClock.monotonic());
      await closeAll(opened);
      log.flush();
    },
  };
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

/** Closes in reverse order; one that fails does not keep the others open. */
async function closeAll(opened: (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (let close = opened.pop(); close !== undefined; close = opened.pop()) {
    await close().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}
