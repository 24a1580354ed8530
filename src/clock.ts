// Clock
//
// The only place that reads the time. Everything that waits or stamps takes a Clock,
// so that tests and simulations can hold it in their hand.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall time in milliseconds since the epoch: for stamps that others will read. */
  now(): number;
  /** Milliseconds that never run backwards: for durations. */
  monotonic(): number;
  /** Calls `run` once, after at least `delayMs`. Does not keep the process alive. */
  after(delayMs: number, run: () => void): Timer;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

// Under load the same millisecond is written many times: the text of the last one is kept, for it costs most of a microsecond.
let lastMs = 0;
let lastText = new Date(0).toISOString();

/** RFC 3339 in UTC with milliseconds, from milliseconds since the epoch. */
export function timestamp(epochMs: number): string {
  if (epochMs !== lastMs) {
    lastText = new Date(epochMs).toISOString();
    lastMs = epochMs;
  }
  return lastText;
}
