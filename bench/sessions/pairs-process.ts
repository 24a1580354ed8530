// The process of a load of pairs: runs each order that it is sent, and counts the far end.

import { serveOrders } from '../harness/child.js';
import { NatsCourier } from '../peers/nats-courier.js';
import { type Connections, RedisCourier } from '../peers/redis-courier.js';
import { type Courier, type LoadOrder, type LoadOutcome, PairLoad } from './pair-load.js';
import { type Pair, SessionCourier } from './session-courier.js';

/** What carries the messages. */
export type Carrier =
  | { readonly kind: 'session'; readonly port: number; readonly pairs: readonly Pair[] }
  | {
      readonly kind: 'redis' | 'nats';
      readonly port: number;
      readonly pairs: number;
      readonly connections: Connections;
    };

export interface PairsOrder {
  readonly carrier: Carrier;
  /** Counts the far end when absent. */
  readonly load?: Omit<LoadOrder, 'pairs'>;
}

export type PairsAnswer =
  | { readonly kind: 'outcome'; readonly outcome: LoadOutcome }
  | { readonly kind: 'count'; readonly count: number };

function courierOf(carrier: Carrier): Courier {
  switch (carrier.kind) {
    case 'session':
      return new SessionCourier(carrier.port, carrier.pairs);
    case 'redis':
      return new RedisCourier(carrier.port, carrier.pairs, carrier.connections);
    case 'nats':
      return new NatsCourier(carrier.port, carrier.pairs, carrier.connections);
    default:
      return carrier satisfies never;
  }
}

serveOrders<PairsOrder, PairsAnswer>(async ({ carrier, load }) => {
  const courier = courierOf(carrier);
  if (load === undefined) return { kind: 'count', count: await courier.countFarEnd() };
  const pairs = typeof carrier.pairs === 'number' ? carrier.pairs : carrier.pairs.length;
  return { kind: 'outcome', outcome: await new PairLoad({ ...load, pairs }, courier).run() };
});
