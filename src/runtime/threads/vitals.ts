// Vitals
//
// What a thread notes of itself every few seconds, in its meter: its memory, and how late its event loop was.
//
// VI1. It does not keep the thread alive, and has something to show from the beginning.

import type { Meter } from '../../metrics.js';
import {
  ARRAY_BUFFERS,
  EXTERNAL,
  HEAP_TOTAL,
  HEAP_USED,
  LOOP_DELAY_MAX,
  LOOP_DELAY_MEAN,
  LOOP_DELAY_P99,
} from '../meters.js';
import { LoopDelay } from './loop-delay.js';

export const VITALS_MS = 5_000;
/** Seldom enough that an idle thread stays nearly idle; a loop that is held up for so long is always noticed. */
const LOOP_LOOK_MS = 100;

/** Notes them from now on; the function that is returned ends it. */
export function keepVitals(meter: Meter): () => void {
  const loopDelay = new LoopDelay(LOOP_LOOK_MS);
  const note = (): void => {
    // All but `rss` is of this thread; that is of the process, whoever asks.
    const { heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
    meter.set(HEAP_USED, heapUsed);
    meter.set(HEAP_TOTAL, heapTotal);
    meter.set(EXTERNAL, external);
    meter.set(ARRAY_BUFFERS, arrayBuffers);
    const { mean, p99, max } = loopDelay.take();
    meter.set(LOOP_DELAY_MEAN, mean);
    meter.set(LOOP_DELAY_P99, p99);
    meter.set(LOOP_DELAY_MAX, max);
  };
  note();
  const timer = setInterval(note, VITALS_MS);
  timer.unref();
  return () => clearInterval(timer);
}
