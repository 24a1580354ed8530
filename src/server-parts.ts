// Parts of a server
//
// What the composition root starts of a config, one function for each: the actors' system, the pools of threads, what looks after
// the event log, and where the numbers come from.
//
// Owns:     which settings each part is given.
// Does not: know the order in which they start and stop (server.ts), or keep any of them.

import { agentProtocol } from './actors/agent/protocol.js';
import { courierProtocol } from './actors/courier/protocol.js';
import { endpointProtocol } from './actors/endpoint/protocol.js';
import { operatorProtocol } from './actors/operator/protocol.js';
import { readsProtocol } from './actors/reads/protocol.js';
import { removalProtocol } from './actors/removal/protocol.js';
import { stateProtocol } from './actors/state/protocol.js';
import { subjectProtocol } from './actors/subject/protocol.js';
import { tenantProtocol } from './actors/tenant/protocol.js';
import { type EventFloor, Retention } from './archive/retention.js';
import { COUNTERS } from './audit/counters.js';
import { systemClock } from './clock.js';
import type { Config } from './config.js';
import { embeddingModel } from './front-context.js';
import type { Log } from './log.js';
import { Meter, meterMemory } from './metrics.js';
import { vitalsOf } from './runtime/meters.js';
import { archiveDirectory, type DataDirectory } from './runtime/storage/data-directory.js';
import { defaultWorkers, System, type SystemStatus } from './runtime/system.js';
import { createJobPool, type JobPool } from './runtime/threads/job-pool.js';
import { keepVitals } from './runtime/threads/vitals.js';
import { HANDLER_MS_MAX } from './runtime/watchdog.js';
import type { HashJob, HashResult } from './transport/gate/token-hash.js';
import { tokenHashUrl } from './transport/gate/token-hasher.js';
import { ReadLog } from './transport/kernel/read-log.js';
import type { DocumentJob, DocumentResult } from './transport/memory/document-worker.js';
import type { DocumentReader } from './transport/memory/memory-context.js';
import { documentWorkerUrl } from './transport/memory/portable-routes.js';
import type { FrontMeter } from './transport/metrics/front-meter.js';
import type { MetricsSource } from './transport/metrics/metrics-source.js';
import { processFigures } from './transport/metrics/process-figures.js';
import { standingFigures } from './transport/metrics/standing-figures.js';
import type { Tracing } from './transport/tracing/tracing.js';
import { version } from './version.js';
import type { WorkerSettings } from './worker.js';

/** What all idle actors of the process may keep in memory. */
const RESIDENT_BYTES_MAX = 128 * 1024 * 1024;
const HOUR_MS = 3_600_000;

/** Shard workers of a config: 0 leaves their number to the machine. */
export function workerCount(configured: number): number {
  return configured > 0 ? configured : defaultWorkers();
}

export function startSystem(
  config: Config,
  directory: DataDirectory,
  log: Log,
  tracing: Tracing | undefined,
  onFatal: (error: unknown) => void,
): Promise<System> {
  const workers = workerCount(config.workers);
  const { messaging, state, verification, webhooks, memory } = config;
  const subject = {
    kindTtlDays: memory.kindTtlDays,
    jobRetentionMs: memory.jobRetentionHours * HOUR_MS,
    embeddingModel: embeddingModel(config),
  };
  return System.start({
    store: {
      directory: directory.tables,
      journalDirectory: directory.journal,
      backups: directory.backups,
      journal: config.journal,
    },
    workers,
    workerUrl: new URL('./worker.js', import.meta.url),
    settings: { messaging, state, verification, webhooks, couriers: workers, subject } satisfies WorkerSettings,
    protocols: [
      operatorProtocol,
      agentProtocol,
      stateProtocol,
      removalProtocol,
      subjectProtocol,
      tenantProtocol,
      endpointProtocol,
      courierProtocol,
      readsProtocol,
    ],
    counters: COUNTERS,
    durability: config.durability,
    residentBytesMaxPerWorker: Math.ceil((RESIDENT_BYTES_MAX + config.memory.indexBytesMax) / workers),
    forceEncoding: false,
    isExplained: true,
    seed: 0,
    handlerMsMax: HANDLER_MS_MAX,
    onLog: ({ level, ...line }) => log[level]({ event: 'actor', ...line }),
    onEscalation: (address, error) => log.error({ event: 'actor_escalated', address, error }),
    onTrouble: (message, details) => log.warn({ event: 'runtime', message, ...details }),
    traces: tracing,
    onFatal,
  });
}

export function startReadLog(config: Config, system: System, meter: FrontMeter, log: Log): ReadLog | undefined {
  return config.eventLog.reads ? new ReadLog({ actors: system.actors, clock: systemClock, log, meter }) : undefined;
}

/** Old events go into archives, as the config says, when the summaries have taken them in. */
export function startRetention(
  config: Config,
  directory: DataDirectory,
  system: System,
  summaries: EventFloor,
  log: Log,
): Retention {
  const { archiveDir, retentionDays, retentionBytes } = config.eventLog;
  const retention = new Retention({
    workerUrl: new URL('./archivist.js', import.meta.url),
    directory: directory.tables,
    archiveDirectory: archiveDirectory(directory.path, archiveDir),
    policy: { days: retentionDays, bytes: retentionBytes },
    system,
    floors: [summaries],
    clock: systemClock,
    log,
  });
  retention.start();
  return retention;
}

export function startHashPool(config: Config, log: Log, meter: FrontMeter): JobPool<HashJob, HashResult> {
  return createJobPool<HashJob, HashResult>({
    what: 'the hash queue',
    workerUrl: tokenHashUrl,
    threads: config.auth.hashThreads,
    queueMax: config.auth.hashQueueMax,
    onDefect: (error) => log.error({ event: 'hash_pool_failed', error }),
    onTimed(waitedMs, ranMs) {
      meter.hashWaits.observe(waitedMs);
      meter.hashes.observe(ranMs);
    },
  });
}

/** Documents that wait to be read, each of up to 50 MiB. */
const DOCUMENTS_WAITING_MAX = 2;

/** Its thread is started with the first document. */
export function startDocumentPool(log: Log, opened: (() => Promise<void>)[]): DocumentReader {
  let pool: JobPool<DocumentJob, DocumentResult> | undefined;
  opened.push(() => pool?.close() ?? Promise.resolve());
  return {
    run(job) {
      pool ??= createJobPool<DocumentJob, DocumentResult>({
        what: 'the documents to be read',
        workerUrl: documentWorkerUrl,
        threads: 1,
        queueMax: DOCUMENTS_WAITING_MAX,
        onDefect: (error) => log.error({ event: 'document_pool_failed', error }),
      });
      return pool.run(job);
    },
  };
}

type Status = SystemStatus & { readonly hashesQueued: number; readonly sessions: number };

/** The numbers of all threads, this one among them until everything is closed. */
export function metricsSource(
  system: System,
  status: (isBrief: boolean) => Promise<Status>,
  webhooks: MetricsSource['webhooks'],
  opened: (() => Promise<void>)[],
): MetricsSource {
  const meter = new Meter(meterMemory(0));
  const endVitals = keepVitals(meter);
  opened.push(async () => endVitals());
  return {
    version,
    counted() {
      const counted = system.readMeters();
      return { ...counted, threads: [vitalsOf('main', meter), ...counted.threads] };
    },
    webhooks,
    standing: async () => standingFigures(await status(true)),
    process: processFigures,
  };
}
