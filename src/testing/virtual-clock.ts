// Virtual clock
//
// Time that stands still until it is moved. What has become due is not called by moving it: each call is a step of its own,
// which the scheduler takes when it likes, as a loop that is late does.
//
// Owns:     the time, and who waits for it.
// Does not: call anybody before it is asked to (VC2).
//
// VC1. Timers of one owner are called in the order of their times, and of being set where these are the same.
// VC2. A timer is called by fire() alone, and never before its time.
// VC3. After end(), no timer of that owner is called any more.
// VC4. It moves by itself only while a worker has more to do than fits into a turn of its loop: otherwise that one would
//      never end, and the others would have none.

import type { Clock, Timer } from '../clock.js';
import { TICK_MS } from '../runtime/dispatcher.js';

const WALL_START_MS = 1_700_000_000_000;
/** Not from 0, which is what nobody has set. */
const MONOTONIC_START_MS = 1_000;
/** Looks at the time in one turn of a loop after which that much time has passed (VC4): some hundreds of turns of actors. */
const LOOKS_PER_TICK = 64;

interface Waiting {
  readonly at: number;
  readonly run: () => void;
}

/** The clock as one owner sees it: one life of a thread. */
export class OwnedClock implements Clock {
  readonly #time: VirtualClock;
  /** Sorted (VC1). */
  #waiting: Waiting[] = [];
  #hasEnded = false;
  /** Since the loop's turn began; undefined outside of one. */
  #looks: number | undefined;

  constructor(time: VirtualClock) {
    this.#time = time;
  }

  now(): number {
    return this.#time.now();
  }

  monotonic(): number {
    if (this.#looks !== undefined && ++this.#looks > LOOKS_PER_TICK) {
      this.#looks = 0;
      this.#time.advance(TICK_MS);
    }
    return this.#time.monotonic();
  }

  /** A turn of the owner's loop. */
  tick(run: () => void): void {
    this.#looks = 0;
    run();
    this.#looks = undefined;
  }

  after(delayMs: number, run: () => void): Timer {
    const waiting: Waiting = { at: this.monotonic() + Math.max(0, delayMs), run };
    if (this.#hasEnded) return { cancel: () => undefined };
    const place = this.#waiting.findIndex(({ at }) => at > waiting.at);
    this.#waiting.splice(place < 0 ? this.#waiting.length : place, 0, waiting);
    return {
      cancel: () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting);
      },
    };
  }

  /** When the next timer is due, on the clock that never goes back. */
  get nextAt(): number {
    return this.#waiting[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  get isDue(): boolean {
    return this.nextAt <= this.monotonic();
  }

  /** Calls the timer that is due first (VC2). */
  fire(): void {
    if (this.isDue) this.#waiting.shift()?.run();
  }

  end(): void {
    this.#hasEnded = true;
    this.#waiting = [];
  }
}

export class VirtualClock {
  #passedMs = 0;

  /** Milliseconds since the epoch. */
  now(): number {
    return WALL_START_MS + this.#passedMs;
  }

  /** Milliseconds that never run backwards. */
  monotonic(): number {
    return MONOTONIC_START_MS + this.#passedMs;
  }

  /** Lets time pass. What has become due then is called in the next steps. */
  advance(ms: number): void {
    if (!(ms >= 0) || ms === Number.POSITIVE_INFINITY) throw new RangeError(`Time cannot be moved by ${ms} ms.`);
    this.#passedMs += ms;
  }
}
