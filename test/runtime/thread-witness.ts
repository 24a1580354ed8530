// Thread witness
//
// What only somebody outside of all threads can see: memory of the test's, shared with every worker by the settings of
// its system, in which handlers leave marks. It outlives workers that are ended in the middle of a turn.
//
// Owns:     the marks.
// Does not: judge, but for what must never be: that is counted as a violation.
//
// TW1. A thread has a number higher than those of all threads that began before it.
// TW2. A turn that begins while another of its address runs, or ends behind the beginning of another, is a violation,
//      unless that other one's thread was ended in it.
// TW3. A turn of an activation that is not the newest of its address is a violation.

import { workerData } from 'node:worker_threads';
import type { ShardWorkerData } from '../../src/runtime/threads/protocol.js';

/** Books are called b0, b1, …: so many at most. */
const KEYS_MAX = 64;
const ITEMS_MAX = 1_024;
const STALL_MS_MAX = 20_000;

const THREADS = 0;
const VIOLATIONS = 1;
const STALLED = 2;
const FREE = 3;
const RUNNING = 4;
const ACTIVATIONS = RUNNING + KEYS_MAX;
const ATTEMPTS = ACTIVATIONS + KEYS_MAX;
const PLACES = ATTEMPTS + ITEMS_MAX;

export class ThreadWitness {
  readonly memory: SharedArrayBuffer;
  readonly #marks: Int32Array;
  /** TW1. */
  readonly #thread: number;

  constructor(memory = new SharedArrayBuffer(PLACES * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#marks = new Int32Array(memory);
    this.#thread = Atomics.add(this.#marks, THREADS, 1) + 1;
  }

  get violations(): number {
    return Atomics.load(this.#marks, VIOLATIONS);
  }

  violated(): void {
    Atomics.add(this.#marks, VIOLATIONS, 1);
  }

  /** An actor of this key begins a life: the number of it. */
  activated(key: string): number {
    return Atomics.add(this.#marks, ACTIVATIONS + placeOf(key), 1) + 1;
  }

  activations(key: string): number {
    return Atomics.load(this.#marks, ACTIVATIONS + placeOf(key));
  }

  /** A handler begins, of this activation; what it returns is called at its end (TW2, TW3). */
  enter(key: string, activation: number): () => void {
    const running = RUNNING + placeOf(key);
    const before = Atomics.exchange(this.#marks, running, this.#thread);
    // That of an older thread was ended in its turn.
    if (before >= this.#thread) this.violated();
    if (this.activations(key) !== activation) this.violated();
    return () => {
      if (Atomics.compareExchange(this.#marks, running, this.#thread, 0) !== this.#thread) this.violated();
      if (this.activations(key) !== activation) this.violated();
    };
  }

  attempted(item: number): void {
    Atomics.add(this.#marks, ATTEMPTS + item, 1);
  }

  attempts(item: number): number {
    return Atomics.load(this.#marks, ATTEMPTS + item);
  }

  /** Holds up this thread until free(). */
  stall(): void {
    Atomics.store(this.#marks, FREE, 0);
    Atomics.store(this.#marks, STALLED, 1);
    Atomics.wait(this.#marks, FREE, 0, STALL_MS_MAX);
    Atomics.store(this.#marks, STALLED, 0);
  }

  get isStalled(): boolean {
    return Atomics.load(this.#marks, STALLED) === 1;
  }

  free(): void {
    Atomics.store(this.#marks, FREE, 1);
    Atomics.notify(this.#marks, FREE);
  }
}

function placeOf(key: string): number {
  const place = Number(/^b(\d+)$/.exec(key)?.[1]);
  if (!(place < KEYS_MAX)) throw new RangeError(`Books are called b0 to b${KEYS_MAX - 1}, not ${key}.`);
  return place;
}

/** What a system gives its workers as settings, beside its kinds. */
export interface WitnessSettings {
  readonly witness?: SharedArrayBuffer;
}

const settings = (workerData as ShardWorkerData | null)?.settings as WitnessSettings | undefined;

/** This thread's. In a thread that was given no memory it sees itself alone. */
export const witness = new ThreadWitness(settings?.witness);
