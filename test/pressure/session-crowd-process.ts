// A part of the crowd, in a process of its own: its work must not hold up the clients that are measured, and a process may
// have only so many files open.

import { serveOrders } from '../../bench/harness/child.js';
import { type CrowdResult, SessionCrowd } from './session-crowd.js';

export type CrowdOrder =
  | { readonly kind: 'gather'; readonly tokens: readonly string[]; readonly sources: readonly string[] }
  | { readonly kind: 'enter'; readonly port: number; readonly openingMax: number; readonly timeoutMs: number }
  | { readonly kind: 'lost'; readonly timeoutMs: number }
  | { readonly kind: 'count' };

/** How many are live; `result` is that of `enter`. */
export interface CrowdAnswer {
  readonly live: number;
  readonly result?: CrowdResult;
}

let crowd = new SessionCrowd([], []);

async function obey(order: CrowdOrder): Promise<CrowdAnswer> {
  switch (order.kind) {
    case 'gather':
      crowd = new SessionCrowd(order.tokens, order.sources);
      return { live: 0 };
    case 'enter': {
      const result = await crowd.enter(order.port, order.openingMax, order.timeoutMs);
      return { live: result.live, result };
    }
    case 'lost':
      return { live: await crowd.lost(order.timeoutMs) };
    case 'count':
      return { live: crowd.live };
    default:
      return order satisfies never;
  }
}

serveOrders<CrowdOrder, CrowdAnswer>(obey);
