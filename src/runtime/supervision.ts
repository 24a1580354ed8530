// Supervision
//
// What a failed turn costs: the actor restarts from the store after a pause that grows, an envelope that fails again
// and again is given up, and an actor that fails again and again is set aside (G9). A kind may choose otherwise.
//
// SV1. The same envelope failing `attemptsMax` times is a dead letter.
// SV2. `failuresMax` failures within `failureWindowMs` put the actor into quarantine.
// SV3. A pause is never longer than `backoffMsMax`, and falls back to the shortest after a quiet window.

/** How an actor of a kind is dealt with when its handler throws. */
export interface Supervision {
  /**
   * restart: its life ends; a new one begins after a pause, and tries the message again.
   * resume: it goes on with its state as the handler left it; the message is a dead letter.
   * stop: its life ends, and what is stored stays; the message is a dead letter.
   * escalate: it is set aside at once, and the system's `onEscalation` is called.
   */
  readonly strategy: 'restart' | 'resume' | 'stop' | 'escalate';
  readonly attemptsMax: number;
  readonly failuresMax: number;
  readonly failureWindowMs: number;
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
}

export const ATTEMPTS_MAX = 3;
export const FAILURES_MAX = 10;
export const FAILURE_WINDOW_MS = 60_000;
export const BACKOFF_MS_MIN = 10;
export const BACKOFF_MS_MAX = 5_000;

export const SUPERVISION_DEFAULT: Supervision = {
  strategy: 'restart',
  attemptsMax: ATTEMPTS_MAX,
  failuresMax: FAILURES_MAX,
  failureWindowMs: FAILURE_WINDOW_MS,
  backoffMsMin: BACKOFF_MS_MIN,
  backoffMsMax: BACKOFF_MS_MAX,
};

export type Verdict = { readonly kind: 'restart'; readonly delayMs: number } | { readonly kind: 'quarantine' };

/** The failures of one actor; made at its first one. */
export class FailureRecord {
  readonly #bounds: Supervision;
  #times: number[] = [];

  constructor(bounds: Supervision = SUPERVISION_DEFAULT) {
    this.#bounds = bounds;
  }

  /** Notes a failure at `nowMs` (monotonic) and says what follows. */
  note(nowMs: number): Verdict {
    const { failuresMax, failureWindowMs, backoffMsMin, backoffMsMax } = this.#bounds;
    this.#times = this.#times.filter((time) => nowMs - time < failureWindowMs);
    this.#times.push(nowMs);
    if (this.#times.length >= failuresMax) return { kind: 'quarantine' };
    return { kind: 'restart', delayMs: Math.min(backoffMsMax, backoffMsMin * 2 ** (this.#times.length - 1)) };
  }

  /** No failure within the window: the actor may be forgotten. */
  isQuiet(nowMs: number): boolean {
    return this.#times.every((time) => nowMs - time >= this.#bounds.failureWindowMs);
  }
}
