// Actor system
//
// The runtime as a library: actors of one's own kinds on every core, in one call.
//
//     const system = await createSystem({ kinds: [new URL('./counter.js', import.meta.url)] });
//     await system.ref(counter, 'a').ask('add', 1);
//
// AS1. A start that fails leaves nothing running and the directory unlocked.
// AS2. stop() finishes what was admitted, makes it durable, and leaves no thread.

import { randomInt } from 'node:crypto';
import { APPLY_AFTER_MS, SEGMENT_BYTES, UNAPPLIED_BYTES_MAX } from '../journal-defaults.js';
import { createLog, type Log } from '../log.js';
import { ActorRef } from './actor-ref.js';
import type { DeadLetter } from './dead-letter.js';
import type { Explanation } from './explanation.js';
import type { StorePlace } from './journal-keeper.js';
import { loadKinds } from './kind-modules.js';
import type { AnyProtocol, Messages, Protocol } from './protocol.js';
import type { Quarantined } from './quarantine.js';
import type { Durability } from './ref.js';
import { openDataDirectory } from './storage/data-directory.js';
import { defaultWorkers, System, type SystemStatus } from './system.js';
import type { KindSettings } from './threads/kinds-worker.js';
import { HANDLER_MS_MAX } from './watchdog.js';

const STOP_TIMEOUT_MS = 10_000;
const RESIDENT_BYTES_MAX = 1024 * 1024 * 1024;
const SEED_MAX = 2 ** 32;

export interface SystemOptions {
  /** Modules that export kinds made by actor(). Each thread loads them. */
  readonly kinds: readonly (URL | string)[];
  /**
   * Where everything is kept, and nobody else writes. Made when it is not there. Without it nothing outlives the process,
   * and a turn that writes fails; kinds of another persistence than `none` are refused.
   */
  readonly directory?: string;
  /** Threads that run actors. Default: the machine's cores but one, and at least one. */
  readonly workers?: number;
  /** What asks get that name no durability of their own. Default `durable`. */
  readonly durability?: Durability;
  /** Actors that may be passivated are, when all of them hold more than this. Default 1 GiB. */
  readonly residentBytesMax?: number;
  /** Of context.random(). Default: a new one, told by `system.seed`. */
  readonly seed?: number;
  /** Keeps account for explain(), which costs a few percent of the shortest turns. Default true. */
  readonly explain?: boolean;
  /** A handler that holds up its thread for longer has the thread replaced. Default 30,000; Infinity: never. */
  readonly handlerMsMax?: number;
  /** Encodes messages within a thread too, so that nothing that does not survive it hides. For tests. */
  readonly forceEncoding?: boolean;
  /** Where actors and the runtime write. Default: warnings, on stderr. */
  readonly log?: Log;
  /** An actor failed whose kind's strategy is `escalate`. Default: an error in the log. */
  readonly onEscalation?: (address: string, error: string) => void;
  /** Nothing can be made durable any more. Default: the error is thrown where nobody catches it, and ends the process. */
  readonly onFatal?: (error: unknown) => void;
}

/** What could not be delivered, or was given up: the newest of each worker. */
export interface DeadLetterBox {
  list(): Promise<DeadLetter[]>;
  /** Says it again, as a tell. False when it is not kept any more. */
  replay(id: string): Promise<boolean>;
}

/**
 * Actors that failed too often. Whoever asks them is told so. Tells that waited for them wait on; those that come
 * meanwhile are dead letters.
 */
export interface QuarantineWard {
  list(): Promise<Quarantined[]>;
  inspect(address: string): Promise<Quarantined | undefined>;
  /** Back to work, with what it failed at first. False when it is not here. */
  resume(address: string): Promise<boolean>;
  /** Back to work, without what it failed at, which becomes a dead letter. */
  skip(address: string): Promise<boolean>;
}

export class ActorSystem {
  readonly seed: number;
  readonly #system: System;
  readonly #release: () => void;
  readonly deadLetters: DeadLetterBox;
  readonly quarantined: QuarantineWard;

  constructor(system: System, seed: number, release: () => void) {
    this.#system = system;
    this.#release = release;
    this.seed = seed;
    this.deadLetters = { list: () => system.deadLetters(), replay: (id) => system.replay(id) };
    this.quarantined = {
      list: () => system.quarantined(),
      inspect: async (address) => (await system.quarantined()).find((each) => each.address === address),
      resume: (address) => system.resume(address),
      skip: (address) => system.resume(address, true),
    };
  }

  /** An actor, which need not have been talked to before. `to`: its kind, or the protocol of it. */
  ref<M extends Messages>(to: Protocol<M>, key: string): ActorRef<M> {
    return new ActorRef<M>(this.#system.actors, to, key);
  }

  /**
   * Where the time, the memory and the waiting are: the first `top` actors by each measure, with their heaviest senders, and
   * each thread. Estimated from samples of the last minutes; costs the threads some milliseconds.
   */
  explain({ top = 10 }: { readonly top?: number } = {}): Promise<Explanation> {
    return this.#system.explain(top);
  }

  status(): Promise<SystemStatus> {
    return this.#system.status();
  }

  /** Finishes what was admitted, makes it durable, and ends all threads. */
  async stop({ timeoutMs = STOP_TIMEOUT_MS }: { readonly timeoutMs?: number } = {}): Promise<void> {
    await this.#system.stop(timeoutMs);
    this.#release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Starts the threads of a system. Rejects, with nothing left running, when it cannot. */
export async function createSystem(options: SystemOptions): Promise<ActorSystem> {
  const { workers = defaultWorkers(), seed = randomInt(SEED_MAX) } = options;
  if (!Number.isInteger(workers) || workers < 1)
    throw new RangeError(`workers is a whole number from 1, not ${workers}.`);
  const log = options.log ?? createLog({ level: 'warn' });
  const urls = options.kinds.map((url) => new URL(url).href);
  const kinds = await loadKinds(urls);
  const { directory } = options;
  const keeping = kinds.find(({ persistence = 'keys' }) => persistence !== 'none');
  if (directory === undefined && keeping !== undefined) {
    throw new TypeError(`The actor kind ${keeping.protocol.kind} is to be kept: the system needs a directory.`);
  }
  const data = directory === undefined ? undefined : openDataDirectory(directory);
  const store: StorePlace | undefined = data && {
    directory: data.tables,
    journalDirectory: data.journal,
    backups: data.backups,
    journal: { segmentBytes: SEGMENT_BYTES, unappliedBytesMax: UNAPPLIED_BYTES_MAX, applyAfterMs: APPLY_AFTER_MS },
  };
  const release = (): void => data?.release();
  try {
    const system = await System.start({
      store,
      workers,
      workerUrl: new URL('./threads/kinds-worker.js', import.meta.url),
      settings: { kinds: urls } satisfies KindSettings,
      protocols: kinds.map(({ protocol }): AnyProtocol => protocol),
      counters: [...new Set(kinds.flatMap(({ counters = [] }) => counters))],
      durability: options.durability ?? 'durable',
      residentBytesMaxPerWorker: Math.ceil((options.residentBytesMax ?? RESIDENT_BYTES_MAX) / workers),
      forceEncoding: options.forceEncoding ?? false,
      isExplained: options.explain ?? true,
      seed: seed | 0,
      handlerMsMax: options.handlerMsMax ?? HANDLER_MS_MAX,
      onLog: ({ level, ...line }) => log[level]({ event: 'actor', ...line }),
      onEscalation:
        options.onEscalation ?? ((address, error) => log.error({ event: 'actor_escalated', address, error })),
      onTrouble: (message, details) => log.warn({ event: 'runtime', message, ...details }),
      onFatal: options.onFatal ?? throwLater,
    });
    return new ActorSystem(system, seed, release);
  } catch (error) {
    release();
    throw error;
  }
}

function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
