// Back-off
//
// When a delivery that was not taken is tried again, and when it is given up.

/** Of one kind of deliveries. */
export interface Schedule {
  /** What comes between two attempts; so there is one attempt more than there are of these. */
  readonly delaysMs: readonly number[];
  /** Answers after which no other attempt is made. */
  readonly isFinal: (status: number) => boolean;
}

/** Of each delay, at random, is added or taken: what failed together is not tried together. */
export const JITTER_SHARE = 0.2;

const neverFinal = (): boolean => false;

/** `retries` attempts more, the first after `firstMs`, each other after twice the time of the one before. */
export function doubling(retries: number, firstMs: number): Schedule {
  const delaysMs = Array.from({ length: retries }, (_, index) => firstMs * 2 ** index);
  return { delaysMs, isFinal: neverFinal };
}

/** Milliseconds until the attempt after the `made`th; undefined when there is none. `random` in [0, 1). */
export function delayAfter(schedule: Schedule, made: number, random: number): number | undefined {
  const delayMs = schedule.delaysMs[made - 1];
  return delayMs === undefined ? undefined : delayMs * (1 + JITTER_SHARE * (2 * random - 1));
}
