// Where an actor lives is decided by its address: these are keys that live on a worker one wants.

import { type AnyProtocol, slotFor } from '../../src/runtime/protocol.js';
import { slotsOf } from '../../src/runtime/shard-map.js';

/** A key of this kind on worker `worker` of `workers`, as a system deals its slots when it starts. */
export function keyOn(worker: number, workers: number, of: AnyProtocol): string {
  const slots = new Set(slotsOf(worker, workers));
  for (let place = 0; ; place++) {
    const key = `${of.kind}-${place}`;
    if (slots.has(slotFor(of, key))) return key;
  }
}
