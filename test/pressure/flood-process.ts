// The flooding client, in a process of its own: its work must not hold up the clients that are measured.

import { serveOrders } from '../../bench/harness/child.js';
import { type PacedPlan, type PacedResult, runPaced } from '../../bench/harness/paced-load.js';
import { type HalfOpenPlan, type HalfOpenResult, runHalfOpen } from './half-open.js';

export type FloodOrder =
  | { readonly kind: 'requests'; readonly plan: PacedPlan }
  | { readonly kind: 'half_open'; readonly plan: HalfOpenPlan };

export type FloodResult =
  | { readonly kind: 'requests'; readonly result: PacedResult }
  | { readonly kind: 'half_open'; readonly result: HalfOpenResult };

async function flood(order: FloodOrder): Promise<FloodResult> {
  switch (order.kind) {
    case 'requests':
      return { kind: 'requests', result: await runPaced(order.plan) };
    case 'half_open':
      return { kind: 'half_open', result: await runHalfOpen(order.plan) };
    default:
      return order satisfies never;
  }
}

serveOrders<FloodOrder, FloodResult>(flood);
