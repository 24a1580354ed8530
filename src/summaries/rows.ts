// Rows of the summaries
//
// What is kept of the event log in sums: a store of its own beside the tables, which can be made again from the log.
//
//   ['agent_sum', address]                 → [order, registeredAt, retiredAt, sent, received, writes, lastActive, peers]
//   ['agent_order', order]                 → address; order: the number of the event of its registration
//   ['edge', from, to]                     → how many messages
//   ['edge_rank', -count, from, to]        → nothing
//   ['peer_rank', address, -weight, peer]  → [sent to the peer, received from it]; the weight is the sum of both
//   ['meta', 'schema' · 'folded' · 'folded_at' · 'missed' · ('counter', 'agents' · 'edges')] → number
//
// SU1. The sums are those of all events up to `folded`, no more and no fewer: it is written in the commit of the sums.
// SU2. Each edge has one place among the edges, and its ends one among each other's peers: that of its count now.

import type { Key } from '../runtime/actor.js';
import { decodeValue, encodeValue } from '../runtime/codec.js';

export const AGENT_SUM = 'agent_sum';
export const AGENT_ORDER = 'agent_order';
export const EDGE = 'edge';
export const EDGE_RANK = 'edge_rank';
export const PEER_RANK = 'peer_rank';

export const SUMS_VERSION = 1;
export const META_SCHEMA = ['schema'];
/** The number of the last event in the sums. */
export const META_FOLDED = ['folded'];
/** When that event happened: what tells this log from another one. */
export const META_FOLDED_AT = ['folded_at'];
/** Events that were not in the log any more when their turn came: none, as long as nothing deletes what is not folded. */
export const META_MISSED = ['missed'];
export const META_AGENTS = ['counter', 'agents'];
export const META_EDGES = ['counter', 'edges'];

export interface AgentSum {
  /** Null for one that was never registered as far as the log tells. */
  readonly order: number | null;
  readonly registeredAt: number | null;
  readonly retiredAt: number | null;
  readonly sent: number;
  readonly received: number;
  readonly writes: number;
  readonly lastActive: number | null;
  /** With how many it has exchanged messages. */
  readonly peers: number;
}

export const NO_SUM: AgentSum = {
  order: null,
  registeredAt: null,
  retiredAt: null,
  sent: 0,
  received: 0,
  writes: 0,
  lastActive: null,
  peers: 0,
};

/** What an agent sent to a peer, and got from it. */
export interface Exchange {
  readonly sent: number;
  readonly received: number;
}

export function encodeSum({ order, registeredAt, retiredAt, sent, received, writes, lastActive, peers }: AgentSum) {
  return encodeValue([order, registeredAt, retiredAt, sent, received, writes, lastActive, peers]);
}

export function decodeSum(bytes: Uint8Array): AgentSum {
  return sumOf(decodeValue(bytes));
}

/** Of a decoded row. */
export function sumOf(row: unknown): AgentSum {
  const [order, registeredAt, retiredAt, sent, received, writes, lastActive, peers] = row as [
    number | null,
    number | null,
    number | null,
    number,
    number,
    number,
    number | null,
    number,
  ];
  return { order, registeredAt, retiredAt, sent, received, writes, lastActive, peers };
}

export function encodeExchange({ sent, received }: Exchange): Uint8Array {
  return encodeValue([sent, received]);
}

export function decodeExchange(bytes: Uint8Array): Exchange {
  const [sent, received] = decodeValue(bytes) as [number, number];
  return { sent, received };
}

export const edgeKey = (from: string, to: string): Key => [EDGE, from, to];
export const edgeRankKey = (count: number, from: string, to: string): Key => [EDGE_RANK, -count, from, to];
export const peerRankKey = (of: string, weight: number, peer: string): Key => [PEER_RANK, of, -weight, peer];
