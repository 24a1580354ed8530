// Supervision
//
// What a failed turn costs: the actor restarts from the store after a pause that grows, an envelope that fails again
// and again is given up, and an actor that fails again and again is set aside (G9).
//
// SV1. The same envelope failing ATTEMPTS_MAX times is a dead letter.
// SV2. FAILURES_MAX failures within FAILURE_WINDOW_MS put the actor into quarantine.
// SV3. A pause is never longer than BACKOFF_MS_MAX, and falls back to the shortest after a quiet window.

export const ATTEMPTS_MAX = 3;
export const FAILURES_MAX = 10;
export const FAILURE_WINDOW_MS = 60_000;
export const BACKOFF_MS_MIN = 10;
export const BACKOFF_MS_MAX = 5_000;

export type Verdict = { readonly kind: 'restart'; readonly delayMs: number } | { readonly kind: 'quarantine' };

/** The failures of one actor; made at its first one. */
export class FailureRecord {
  #times: number[] = [];

  /** Notes a failure at `nowMs` (monotonic) and says what follows. */
  note(nowMs: number): Verdict {
    this.#times = this.#times.filter((time) => nowMs - time < FAILURE_WINDOW_MS);
    this.#times.push(nowMs);
    if (this.#times.length >= FAILURES_MAX) return { kind: 'quarantine' };
    const delayMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** (this.#times.length - 1));
    return { kind: 'restart', delayMs };
  }

  /** No failure within the window: the actor may be forgotten. */
  isQuiet(nowMs: number): boolean {
    return this.#times.every((time) => nowMs - time >= FAILURE_WINDOW_MS);
  }
}
