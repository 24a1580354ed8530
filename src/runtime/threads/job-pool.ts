// Job pool
//
// A bounded number of threads for work that would block a loop: hashing, embeddings. A job and its result are plain
// data; the worker file's default export is a function from one to the other.
//
// Owns:     its threads, the queue before them and its bound.
// Does not: know what a job means, retry one, or merge equal ones.
//
// J1. At most `threads` jobs run and `queueMax` wait. Past that run() is refused at once with OVERLOADED.
// J2. Every admitted job settles exactly once: with its result, with the error that it threw or that its thread died
//     of, or with DRAINING when the pool closed first.
// J3. A thread that dies is replaced, and the jobs that waited are still run. When none is left and none can be started
//     (the worker file does not load), they are rejected instead, and the next job tries again from the beginning.

import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { systemClock } from '../../clock.js';
import { CodedError } from '../../errors.js';
import { invariant } from '../../invariant.js';
import { JobTimes } from './job-times.js';

export interface JobPoolOptions {
  /** The queue's name in an OVERLOADED error: `the hash queue`. */
  readonly what: string;
  /** A module whose default export takes a job and gives its result, or a promise of it. */
  readonly workerUrl: URL;
  /** All of them start at once and stay. At least 1. */
  readonly threads: number;
  /** Jobs that may wait while every thread is busy. 0 or more. */
  readonly queueMax: number;
  /** Told of a thread that died while it had no job to fail. */
  readonly onDefect: (error: unknown) => void;
  /** How long a job that has ended waited for a thread, and how long it had one. */
  readonly onTimed?: (waitedMs: number, ranMs: number) => void;
}

export interface JobOptions {
  /** Takes a waiting job out of the queue. A running one ends with its thread, which is replaced: dear, but certain. */
  readonly signal?: AbortSignal;
}

export interface JobPool<Job, Result> {
  /** Rejects as J1 and J2 say, or with an AbortError. Costs about 20 to 50 µs besides the job itself. */
  run(job: Job, options?: JobOptions): Promise<Result>;
  /** Jobs admitted that no thread has begun. */
  readonly queued: number;
  /** Ends the threads; what runs or waits is rejected with DRAINING. Later jobs too. */
  close(): Promise<void>;
}

export function createJobPool<Job, Result>(options: JobPoolOptions): JobPool<Job, Result> {
  return new ThreadJobPool<Job, Result>(options);
}

class ThreadJobPool<Job, Result> implements JobPool<Job, Result> {
  readonly #options: JobPoolOptions;
  #pool: Piscina<Job, Result> | undefined;
  readonly #times: JobTimes;
  #admitted = 0;
  #closing: Promise<void> | undefined;

  constructor(options: JobPoolOptions) {
    invariant(options.threads >= 1 && options.queueMax >= 0, 'a job pool has threads and no negative queue');
    this.#options = options;
    this.#times = new JobTimes(options.threads, systemClock, options.onTimed);
    this.#pool = this.#start();
  }

  get queued(): number {
    return Math.max(0, this.#admitted - this.#options.threads);
  }

  async run(job: Job, options: JobOptions = {}): Promise<Result> {
    if (this.#closing !== undefined) throw new CodedError('DRAINING');
    if (this.#admitted >= this.#options.threads + this.#options.queueMax) {
      throw new CodedError('OVERLOADED', { what: this.#options.what });
    }
    this.#pool ??= this.#start();
    this.#admitted++;
    const times = this.#times.admit();
    try {
      return await this.#pool.run(job, options.signal === undefined ? {} : { signal: options.signal });
    } catch (error) {
      if (this.#closing !== undefined) throw new CodedError('DRAINING', {}, { cause: error });
      throw error;
    } finally {
      this.#admitted--;
      this.#times.end(times, options.signal?.aborted === true);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#pool?.destroy() ?? Promise.resolve();
    return this.#closing;
  }

  #start(): Piscina<Job, Result> {
    const pool = new Piscina<Job, Result>({
      filename: fileURLToPath(this.#options.workerUrl),
      minThreads: this.#options.threads,
      maxThreads: this.#options.threads,
      recordTiming: false,
    });
    // An error that no job could be given. Piscina keeps its queue even when it has given up starting threads (J3).
    pool.on('error', (error) => {
      if (pool.threads.length === 0 && pool === this.#pool) this.#abandon(pool);
      this.#options.onDefect(error);
    });
    return pool;
  }

  /** Rejects what waits in a pool without threads. The next job starts a new one. */
  #abandon(pool: Piscina<Job, Result>): void {
    this.#pool = undefined;
    pool.destroy().catch(this.#options.onDefect);
  }
}
