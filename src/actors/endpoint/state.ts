// Endpoint state
//
// What an endpoint holds in memory: what it was handed, its circuit, and what the last attempts were like. Only the circuit
// is stored: what is owed is in the owner's hands, which hands it over again.

import type { ActivationContext } from '../../runtime/actor.js';
import type { Schedule } from './back-off.js';
import { Circuit, type CircuitBounds } from './circuit.js';
import type { CircuitRow, Standing } from './protocol.js';
import { DeliveryQueue } from './queue.js';

export interface EndpointState {
  readonly queue: DeliveryQueue;
  circuit: Circuit;
  /** The row of the circuit, as it was stored last. */
  stored: CircuitRow | undefined;
  standing: Standing;
  /** When the timer is set to fire, or Infinity. */
  wakeAt: number;
}

export function activateEndpoint(context: ActivationContext, schedule: Schedule, bounds: CircuitBounds): EndpointState {
  const stored = context.store.get(['circuit', context.key]) as CircuitRow | undefined;
  return {
    queue: new DeliveryQueue(schedule),
    circuit: new Circuit(bounds, stored),
    stored,
    standing: stored === undefined ? 'unproven' : 'suspect',
    wakeAt: Number.POSITIVE_INFINITY,
  };
}
