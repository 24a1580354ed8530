// Discard pace
//
// When the rest of a refused body may be read, to be thrown away: one piece at a time, for all connections together. What
// is read costs the garbage collector as much as if it were kept, so that whoever sends bodies only to have them refused
// would keep it busy for everybody.
//
// Owns:     the waiting line and its timer.
// Does not: read (node-exchange.ts).
//
// DP1. Whoever waits has a turn, in the order in which they began to wait, one every PIECE_EVERY_MS.
// DP2. The timer runs only while somebody waits.

import type { Clock, Timer } from '../../clock.js';

/** A piece is what a socket gives at once, 64 KiB: 16 MB in a second. */
const PIECE_EVERY_MS = 4;

export class DiscardPace {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `run` when its turn has come. Each call waits for one turn. */
  wait(run: () => void): Timer {
    // A function of its own: the same one may wait more than once.
    const turn = (): void => run();
    this.#waiting.add(turn);
    this.#arm();
    return { cancel: () => this.#waiting.delete(turn) };
  }

  #arm(): void {
    this.#timer ??= this.#clock.after(PIECE_EVERY_MS, () => this.#next());
  }

  #next(): void {
    this.#timer = undefined;
    for (const turn of this.#waiting) {
      this.#waiting.delete(turn);
      turn();
      break;
    }
    if (this.#waiting.size > 0) this.#arm();
  }
}
