// Loop delay
//
// How late the event loop of this thread is: a timer of Node's own, in native code, that notes by how much it was missed.

import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { ThreadExplanation } from '../explanation.js';

const RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;

export class LoopDelay {
  readonly #resolutionMs: number;
  readonly #histogram: IntervalHistogram;

  /** The timer is due this often, and wakes the thread as often. */
  constructor(resolutionMs = RESOLUTION_MS) {
    this.#resolutionMs = resolutionMs;
    this.#histogram = monitorEventLoopDelay({ resolution: resolutionMs });
    this.#histogram.enable();
  }

  /** Since it was last taken. */
  take(): ThreadExplanation['loopDelayMs'] {
    const histogram = this.#histogram;
    const over = (ns: number): number => (histogram.count === 0 ? 0 : Math.max(0, ns / NS_PER_MS - this.#resolutionMs));
    const delay = { mean: over(histogram.mean), p99: over(histogram.percentile(99)), max: over(histogram.max) };
    histogram.reset();
    return delay;
  }
}
