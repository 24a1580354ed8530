// A guarantee of the runtime as a property of any schedule, and how many schedules it is tried under.

import fc from 'fast-check';

export interface Guarantee {
  readonly name: string;
  /** Tries so many schedules. Rejects with the first that breaks it, made small, and the seed to see it again. */
  readonly explore: (schedules: number, seed: number, options?: ExploreOptions) => Promise<void>;
}

export interface ExploreOptions {
  /** Does not make the schedule small that breaks the guarantee. */
  readonly endOnFailure?: boolean;
}

/** `hold` rejects when the guarantee does not hold under this schedule. */
export function guarantee<Schedule>(
  name: string,
  schedules: fc.Arbitrary<Schedule>,
  hold: (schedule: Schedule) => Promise<void>,
): Guarantee {
  return {
    name,
    explore: (numRuns, seed, options) =>
      fc.assert(fc.asyncProperty(schedules, hold), { ...options, numRuns, seed, includeErrorInReport: true }),
  };
}
