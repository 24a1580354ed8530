// Summary pages
//
// The sums of the event log (src/summaries/) as observers see them: agents in the order of their registration, one agent
// with its peers, and the network of who sends messages to whom.
//
// SP1. A page costs the reads of what is on it, however much there is: `limit` rows, and for the network the two ends of
//      each.
// SP2. Peers and edges come by weight, the heaviest first, and by address where that is equal. A page begins behind the
//      weight and the addresses where the one before ended: what has changed its weight since may be passed over, or come
//      again.

import { timestamp } from '../../clock.js';
import type {
  ObservedAgent,
  ObservedAgents,
  ObservedAgentWithPeers,
  ObservedEdge,
  ObservedNetwork,
  ObservedNode,
  ObservedPeer,
} from '../../contract/observe.js';
import { decodeValue } from '../../runtime/codec.js';
import { afterKey, decodeKey, encodeKey, rangeOf } from '../../runtime/storage/keys.js';
import { readMetaNumber } from '../../runtime/storage/meta.js';
import type { Bytes, StoreReader } from '../../runtime/storage/store.js';
import {
  AGENT_ORDER,
  AGENT_SUM,
  type AgentSum,
  decodeExchange,
  decodeSum,
  EDGE_RANK,
  edgeRankKey,
  META_AGENTS,
  META_EDGES,
  NO_SUM,
  PEER_RANK,
  peerRankKey,
} from '../../summaries/rows.js';
import { cursorOf } from '../kernel/page-cursor.js';
import type { SummaryReading } from './summary-protocol.js';

export type SummaryPage = ObservedAgents | ObservedAgentWithPeers | ObservedNetwork;

/** Undefined where there is no such agent. */
export function readSummary(sums: StoreReader, reading: SummaryReading): SummaryPage | undefined {
  switch (reading.kind) {
    case 'agents':
      return readAgents(sums, reading);
    case 'agent':
      return readAgent(sums, reading);
    case 'network':
      return readNetwork(sums, reading);
    default:
      return reading satisfies never;
  }
}

function readAgents(sums: StoreReader, { after, limit }: SummaryReading & { kind: 'agents' }): ObservedAgents {
  const { start, end } = rangeOf([AGENT_ORDER]);
  const from = after === null ? start : afterKey(encodeKey([AGENT_ORDER, after]));
  const found = sums.range({ start: from, end, limit: limit + 1 });
  const shown = found.slice(0, limit);
  const last = shown.length < found.length ? shown.at(-1) : undefined;
  return {
    agents: shown.map(({ value }) => {
      const address = decodeValue(value) as string;
      return agentOf(address, readSum(sums, address));
    }),
    total: readMetaNumber(sums, META_AGENTS) ?? 0,
    next_cursor: last === undefined ? null : cursorOf(String(decodeKey(last.key)[1])),
  };
}

function readAgent(
  sums: StoreReader,
  { address, after, limit }: SummaryReading & { kind: 'agent' },
): ObservedAgentWithPeers | undefined {
  const sum = readSum(sums, address);
  if (sum.registeredAt === null) return undefined;
  const { start, end } = rangeOf([PEER_RANK, address]);
  const from = after === null ? start : afterKey(encodeKey(peerRankKey(address, after.weight, after.peer)));
  const found = sums.range({ start: from, end, limit: limit + 1 });
  const peers = found.slice(0, limit).map(({ key, value }): ObservedPeer => {
    const { sent, received } = decodeExchange(value);
    return { address: String(decodeKey(key)[3]), messages_sent: sent, messages_received: received };
  });
  const last = peers.length < found.length ? peers.at(-1) : undefined;
  return {
    ...agentOf(address, sum),
    peers,
    peers_total: sum.peers,
    next_cursor: last === undefined ? null : cursorOf(`${last.messages_sent + last.messages_received} ${last.address}`),
  };
}

function readNetwork(sums: StoreReader, { after, limit }: SummaryReading & { kind: 'network' }): ObservedNetwork {
  const { start, end } = rangeOf([EDGE_RANK]);
  const from = after === null ? start : afterKey(encodeKey(edgeRankKey(after.count, after.from, after.to)));
  const found = sums.rangeKeys({ start: from, end, limit: limit + 1 });
  const edges = found.slice(0, limit).map(edgeOf);
  const ends = new Set(edges.flatMap((edge) => [edge.from, edge.to]));
  const last = edges.length < found.length ? edges.at(-1) : undefined;
  return {
    nodes: [...ends].map((address): ObservedNode => {
      const { sent, received } = readSum(sums, address);
      return { address, messages_sent: sent, messages_received: received };
    }),
    edges,
    total: readMetaNumber(sums, META_EDGES) ?? 0,
    next_cursor: last === undefined ? null : cursorOf(`${last.count} ${last.from} ${last.to}`),
  };
}

function readSum(sums: StoreReader, address: string): AgentSum {
  const bytes = sums.get(encodeKey([AGENT_SUM, address]));
  return bytes === undefined ? NO_SUM : decodeSum(bytes);
}

function agentOf(address: string, sum: AgentSum): ObservedAgent {
  const { registeredAt, retiredAt, lastActive, sent, received, writes } = sum;
  return {
    address,
    registered_at: timestamp(registeredAt ?? 0),
    retired_at: retiredAt === null ? null : timestamp(retiredAt),
    messages_sent: sent,
    messages_received: received,
    state_writes: writes,
    last_active: timestamp(lastActive ?? registeredAt ?? 0),
  };
}

function edgeOf(key: Bytes): ObservedEdge {
  const [, weight, from, to] = decodeKey(key);
  return { from: String(from), to: String(to), count: -Number(weight) };
}
