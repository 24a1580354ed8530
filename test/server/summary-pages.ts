// Pages of the summaries, and all of them one behind the other.

import assert from 'node:assert/strict';
import type { TroupeApi } from './troupe-api.js';

export interface SeenAgent {
  readonly address: string;
  readonly registered_at: string;
  readonly retired_at: string | null;
  readonly messages_sent: number;
  readonly messages_received: number;
  readonly state_writes: number;
  readonly last_active: string;
}
export interface AgentPage {
  readonly agents: readonly SeenAgent[];
  readonly total: number;
  readonly next_cursor: string | null;
}
export interface Peer {
  readonly address: string;
  readonly messages_sent: number;
  readonly messages_received: number;
}
export interface WithPeers extends SeenAgent {
  readonly peers: readonly Peer[];
  readonly peers_total: number;
  readonly next_cursor: string | null;
}
export interface Network {
  readonly nodes: readonly Peer[];
  readonly edges: readonly { readonly from: string; readonly to: string; readonly count: number }[];
  readonly total: number;
  readonly next_cursor: string | null;
}

interface Page {
  readonly next_cursor: string | null;
}

async function* pages<T extends Page>(api: TroupeApi, path: string, limit: number): AsyncGenerator<T> {
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: T = await api.must<T>(200, { path: `${path}?limit=${limit}&cursor=${cursor}` });
    yield page;
    cursor = page.next_cursor;
  }
}

export async function allAgents(api: TroupeApi, limit = 1000): Promise<SeenAgent[]> {
  const all: SeenAgent[] = [];
  let total = 0;
  for await (const page of pages<AgentPage>(api, '/observe/agents', limit)) {
    assert.ok(page.agents.length <= limit);
    all.push(...page.agents);
    total = page.total;
  }
  assert.equal(all.length, total);
  return all;
}

export async function allPeers(api: TroupeApi, address: string, limit = 1000): Promise<Peer[]> {
  const all: Peer[] = [];
  let total = 0;
  for await (const page of pages<WithPeers>(api, `/observe/agents/${address}`, limit)) {
    assert.ok(page.peers.length <= limit);
    all.push(...page.peers);
    total = page.peers_total;
  }
  assert.equal(all.length, total);
  return all;
}

/** All edges, and each of their ends once. */
export async function allEdges(api: TroupeApi, limit = 1000): Promise<Pick<Network, 'nodes' | 'edges'>> {
  const edges: Network['edges'][number][] = [];
  const nodes = new Map<string, Peer>();
  let total = 0;
  for await (const page of pages<Network>(api, '/observe/network', limit)) {
    assert.ok(page.edges.length <= limit);
    edges.push(...page.edges);
    for (const node of page.nodes) nodes.set(node.address, node);
    total = page.total;
  }
  assert.equal(edges.length, total);
  return { edges, nodes: [...nodes.values()] };
}
