// Latency
//
// A histogram of waits with a bounded error: microseconds, two significant digits, up to a minute.

import { build, type Histogram } from 'hdr-histogram-js';

export interface LatencySummary {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const WAIT_US_MAX = 60_000_000;

export class LatencyRecorder {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: WAIT_US_MAX,
    numberOfSignificantValueDigits: 2,
    useWebAssembly: false,
  });

  record(waitMs: number): void {
    this.#histogram.recordValue(Math.min(WAIT_US_MAX, Math.max(1, Math.round(waitMs * 1000))));
  }

  summary(): LatencySummary {
    return {
      p50Ms: this.#histogram.getValueAtPercentile(50) / 1000,
      p99Ms: this.#histogram.getValueAtPercentile(99) / 1000,
      maxMs: this.#histogram.maxValue / 1000,
    };
  }
}
