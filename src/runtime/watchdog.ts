// Watchdog
//
// Finds handlers that do not return. Such a handler holds up every actor of its thread, and the thread cannot say so
// itself: the watchdog sits in another one, looks at the thread's pulse, and has the thread stopped for a moment to see
// where it is.
//
//     pulse moves ──▶ well ──a tick without a new turn for STUCK_MS──▶ stuck: named once ──handlerMsMax──▶ replaced
//                      ▲                                                 │
//                      └────────────── the pulse moves ◀─────────────────┘
//
// Owns:     how long each worker has been in one turn.
// Does not: replace a worker (supervisor.ts), or take stacks (threads/stack-probe.ts).
//
// W1. A handler that does not return is named within STUCK_MS and two looks, once for each time that it is stuck.
// W2. Time in which the watchdog itself did not run (the machine slept) does not count.

import type { Clock, Timer } from '../clock.js';
import type { Pulse } from './pulse.js';

export const STUCK_MS = 1_000;
/** A handler that blocks its worker for longer is a defect, and the worker is replaced. Where nobody says otherwise. */
export const HANDLER_MS_MAX = 30_000;
const LOOK_EVERY_MS = 250;
/** A look that comes later than this was held up with everything else (W2). */
const LATE_LOOK_MS = 4 * LOOK_EVERY_MS;

/** A worker's life, as it is watched. */
export interface Watched {
  readonly pulse: Pulse;
  /** It has been in one turn for so long. Told once (W1). */
  readonly stuck: (ms: number) => void;
  /** It has been in one turn for longer than it may. Told once. */
  readonly overdue: (ms: number) => void;
}

interface Observation {
  turns: number;
  stuckMs: number;
  wasTold: boolean;
  wasOverdue: boolean;
}

export class Watchdog {
  readonly #clock: Clock;
  readonly #handlerMsMax: number;
  readonly #watched = new Map<Watched, Observation>();
  #timer: Timer | undefined;
  #lookedAt = 0;

  constructor(clock: Clock, handlerMsMax: number) {
    this.#clock = clock;
    this.#handlerMsMax = handlerMsMax;
  }

  watch(watched: Watched): void {
    this.#watched.set(watched, { turns: watched.pulse.turns, stuckMs: 0, wasTold: false, wasOverdue: false });
    if (this.#timer !== undefined) return;
    this.#lookedAt = this.#clock.monotonic();
    this.#timer = this.#clock.after(LOOK_EVERY_MS, this.#look);
  }

  forget(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  readonly #look = (): void => {
    const now = this.#clock.monotonic();
    const elapsedMs = now - this.#lookedAt;
    this.#lookedAt = now;
    this.#timer = this.#clock.after(LOOK_EVERY_MS, this.#look);
    for (const [watched, seen] of this.#watched) this.#lookAt(watched, seen, elapsedMs > LATE_LOOK_MS ? 0 : elapsedMs);
  };

  #lookAt(watched: Watched, seen: Observation, elapsedMs: number): void {
    const { pulse } = watched;
    if (!pulse.isTicking || pulse.turns !== seen.turns) {
      Object.assign(seen, { turns: pulse.turns, stuckMs: 0, wasTold: false, wasOverdue: false });
      return;
    }
    seen.stuckMs += elapsedMs;
    if (seen.stuckMs >= STUCK_MS && !seen.wasTold) {
      seen.wasTold = true;
      watched.stuck(seen.stuckMs);
    }
    if (seen.stuckMs >= this.#handlerMsMax && !seen.wasOverdue) {
      seen.wasOverdue = true;
      watched.overdue(seen.stuckMs);
    }
  }
}
