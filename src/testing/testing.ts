// Testing
//
// The whole actor system in one thread, in the hands of a test: time moves when the test moves it, the disk fails and the
// process dies when the test says so, and what happens in which order is chosen by a seed.
//
//     const system = createTestSystem({ kinds: [account] });
//     assert.equal(await system.until(system.ref(account, 'a').ask('deposit', 5)), 5);
//     system.crash();
//     assert.equal(await system.until(system.ref(account, 'a').ask('balance')), 5);
//
// Owns:     the disk, the clock and the dice: what lasts longer than a process.
// Does not: wait for what actors wait for outside of the system (sockets, timers of Node): inside, nothing else is slow.
//
// TS1. The same kinds, seed and calls give the same steps.
// TS2. After crash(), what was durable is there and nothing else.

import type { AnyKind } from '../runtime/actor.js';
import { ActorRef } from '../runtime/actor-ref.js';
import type { Key } from '../runtime/context.js';
import type { DeadLetter } from '../runtime/dead-letter.js';
import type { AnyProtocol, Messages, Protocol } from '../runtime/protocol.js';
import type { Quarantined } from '../runtime/quarantine.js';
import type { TurnFailure } from '../runtime/recovery.js';
import type { LogLine } from '../runtime/shard.js';
import { Scheduler } from './scheduler.js';
import { TestDisk } from './test-disk.js';
import { TestHost } from './test-host.js';
import { TestProcess } from './test-process.js';
import { VirtualClock } from './virtual-clock.js';

const WORKERS = 2;
const RESIDENT_BYTES_MAX = 64 * 1024 * 1024;
const SEED = 1;
/** Actors that still have something to do after so many steps, or after working for so long, never come to rest. */
export const STEPS_MAX = 100_000;
export const WORK_MS_MAX = 5_000;
const RESTLESS = `The actors have not come to rest after ${STEPS_MAX} steps, or ${WORK_MS_MAX} ms of work.`;
/** How far until() moves the time at most. */
export const UNTIL_MS_MAX = 3_600_000;
/** Turns of Node's loop without a step after which there is nothing to do. */
const QUIET_TURNS = 3;

/** A kind made by actor(). */
export interface TestKind {
  readonly protocol: AnyProtocol;
  readonly handlers: object;
  readonly tables: readonly string[];
}

export interface TestSystemOptions {
  readonly kinds: readonly TestKind[];
  /** Of the order of steps and of context.random(). Default 1. */
  readonly seed?: number;
  /** Workers that share the actors. Default 2: actors of the same system that are not neighbours. */
  readonly workers?: number;
  /** Actors that may be passivated are, when all of one worker hold more than this. Default 64 MiB. */
  readonly residentBytesMax?: number;
  /** Told each step before it is taken: to see what led to a failure. */
  readonly onStep?: (step: string) => void;
}

/** Numbers of a system, all workers together. */
export interface TestStatus {
  readonly residentActors: number;
  readonly residentBytes: number;
  readonly turns: number;
  readonly deadLetters: number;
  readonly quarantined: number;
  readonly asksWaiting: number;
}

export class TestSystem {
  readonly seed: number;
  /** Stands still; `advance(ms)` makes things due, which then happen in the next steps. */
  readonly clock = new VirtualClock();
  /** Turns that threw, in order. */
  readonly failures: TurnFailure[] = [];
  /** What actors said to the log. */
  readonly log: LogLine[] = [];
  readonly #disk = new TestDisk();
  readonly #scheduler: Scheduler;
  readonly #host: TestHost;
  readonly #start: () => TestProcess;
  #process: TestProcess;

  constructor(options: TestSystemOptions) {
    const { seed = SEED, workers = WORKERS, residentBytesMax = RESIDENT_BYTES_MAX, onStep } = options;
    if (!Number.isInteger(workers) || workers < 1) {
      throw new RangeError(`workers is a whole number from 1, not ${workers}.`);
    }
    // Sound because only the runtime calls their functions, each with what the kind itself made.
    const kinds = options.kinds.map((kind) => kind as unknown as AnyKind);
    this.seed = seed;
    this.#scheduler = new Scheduler(seed, onStep);
    this.#start = () =>
      new TestProcess({
        kinds,
        workers,
        residentBytesMax,
        seed: seed | 0,
        disk: this.#disk,
        clock: this.clock,
        onFailure: (failure) => this.failures.push(failure),
        onLog: (line) => this.log.push(line),
      });
    this.#process = this.#start();
    this.#host = new TestHost(() => this.#process.entrance);
  }

  /** An actor, as of a system on threads. */
  ref<M extends Messages>(to: Protocol<M>, key: string): ActorRef<M> {
    return new ActorRef<M>(this.#host, to, key);
  }

  /** Lets one thing happen. False: there is nothing to do before time passes. */
  async step(): Promise<boolean> {
    for (let turns = 0; turns < QUIET_TURNS; turns++) {
      // Handlers that are async go on as far as they can.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const steps = this.#process.steps();
      if (steps.length === 0) continue;
      this.#scheduler.take(steps);
      return true;
    }
    return false;
  }

  /** At most so many things. */
  async steps(count: number): Promise<void> {
    for (let taken = 0; taken < count; taken++) if (!(await this.step())) return;
  }

  /** Until there is nothing to do before time passes. Rejects when that does not come (STEPS_MAX, WORK_MS_MAX). */
  async run(): Promise<void> {
    await this.#runUntil(() => false);
  }

  /** Lets this much time pass, and everything happen in it at its time. */
  async pass(ms: number): Promise<void> {
    const until = this.clock.monotonic() + ms;
    await this.run();
    for (let next = this.#process.nextTimerAt; next <= until; next = this.#process.nextTimerAt) {
      this.clock.advance(Math.max(0, next - this.clock.monotonic()));
      await this.run();
    }
    this.clock.advance(Math.max(0, until - this.clock.monotonic()));
  }

  /**
   * Until this promise is settled, and then as it is. Lets time pass when there is nothing else to do. Rejects when there is
   * nothing left that could settle it, after UNTIL_MS_MAX, and as run() does.
   */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    const limit = this.clock.monotonic() + UNTIL_MS_MAX;
    for (;;) {
      await this.#runUntil(() => isSettled);
      if (isSettled) return promise;
      const next = this.#process.nextTimerAt;
      if (next > limit) throw new Error('Nothing that is left to happen settles what is waited for.');
      this.clock.advance(Math.max(0, next - this.clock.monotonic()));
    }
  }

  /**
   * The process dies now, and another is started from what was durable. Whoever waits for an answer is told WORKER_LOST:
   * nobody knows what became of what was asked.
   */
  crash(): void {
    this.#process.end();
    this.#disk.failuresLeft = 0;
    this.#process = this.#start();
  }

  /** The next writes of the journal fail, this many: nothing of these groups is kept, and their asks are COMMIT_FAILED. */
  failNextCommit(times = 1): void {
    this.#disk.failuresLeft = times;
  }

  /**
   * A worker is lost, and replaced in one of the next steps. Its former life goes on for a while, and tries to write.
   * False when there is none, or it is being replaced already.
   */
  loseWorker(worker: number): boolean {
    return this.#process.lose(worker);
  }

  /** What is durable under a key. */
  stored(key: Key): unknown {
    return this.#disk.stored(key);
  }

  /** The committed value of a counter. */
  counter(name: string): number {
    const { counters } = this.#process;
    return counters.committed(counters.index(name));
  }

  get deadLetters(): DeadLetter[] {
    return this.#process.lives.flatMap(({ shard }) => shard.deadLetters.recent());
  }

  get quarantined(): Quarantined[] {
    return this.#process.lives.flatMap(({ shard }) => shard.quarantine.list());
  }

  /** Puts a quarantined actor back to work, `skip` without what it failed at; false when there is none of this address. */
  resume(address: string, skip = false): boolean {
    return this.#process.lives.some(({ shard }) => shard.resume(address, skip));
  }

  get status(): TestStatus {
    const all = this.#process.lives.map(({ shard }) => shard.stats);
    const sum = (of: (stats: (typeof all)[number]) => number): number =>
      all.reduce((total, stats) => total + of(stats), 0);
    return {
      residentActors: sum(({ residentActors }) => residentActors),
      residentBytes: sum(({ residentBytes }) => residentBytes),
      turns: sum(({ turns }) => turns),
      deadLetters: sum(({ deadLetters }) => deadLetters),
      quarantined: sum(({ quarantined }) => quarantined),
      asksWaiting: this.#process.asks.size,
    };
  }

  async #runUntil(isEnough: () => boolean): Promise<void> {
    const since = this.clock.monotonic();
    for (let taken = 0; !isEnough(); taken++) {
      if (taken > STEPS_MAX || this.clock.monotonic() - since > WORK_MS_MAX) throw new Error(RESTLESS);
      if (!(await this.step())) return;
    }
  }
}

/** A system of these kinds, that does nothing but what its test lets it do. It holds no thread and no file. */
export function createTestSystem(options: TestSystemOptions): TestSystem {
  return new TestSystem(options);
}
