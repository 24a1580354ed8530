// Receiver process
//
// The far end of the bench of webhooks: takes every push, keeps the answers back until it is told to give them, and says how
// long a number of different ones took from there.

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveOrders } from '../harness/child.js';

export type ReceiverOrder =
  | { readonly kind: 'listen' }
  | { readonly kind: 'hold' }
  | { readonly kind: 'tell' }
  /** Resolves when so many different ones have come since `hold`. */
  | { readonly kind: 'release'; readonly count: number };

export interface ReceiverAnswer {
  readonly port: number;
  readonly elapsedMs: number;
  /** Different ones, since the start. */
  readonly total: number;
}

const held: ServerResponse[] = [];
let ids = new Set<unknown>();
let total = 0;
let isHolding = false;
let awaited: { readonly count: number; readonly done: () => void } | undefined;

const server = createServer((request, response) => {
  request.resume();
  request.once('end', () => {
    const id = request.headers['webhook-id'];
    if (!ids.has(id)) {
      ids.add(id);
      total++;
    }
    if (isHolding) held.push(response);
    else response.writeHead(204).end();
    if (awaited !== undefined && ids.size >= awaited.count) awaited.done();
  });
});
server.keepAliveTimeout = 60_000;

serveOrders<ReceiverOrder, ReceiverAnswer>(async (order) => {
  let elapsedMs = 0;
  switch (order.kind) {
    case 'listen':
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      break;
    case 'tell':
      break;
    case 'hold':
      isHolding = true;
      ids = new Set();
      break;
    case 'release': {
      const begun = performance.now();
      isHolding = false;
      for (const response of held.splice(0)) response.writeHead(204).end();
      if (ids.size < order.count) {
        await new Promise<void>((done) => {
          awaited = { count: order.count, done };
        });
      }
      awaited = undefined;
      elapsedMs = performance.now() - begun;
      break;
    }
    default:
      order satisfies never;
  }
  return { port: (server.address() as AddressInfo).port, elapsedMs, total };
});
