// Fold
//
// Adds some events to the sums: they are added up in memory first, so that a row that many of them concern is read and
// written once.
//
// Owns:     what the events taken in add up to, and the rows that this changes.
// Does not: read the log (folding.ts), or keep anything after applyTo().
//
// FD1. Folding events in any number of slices gives the same rows as folding them at once.
// FD2. Memory is in the number of events taken in: nothing is kept of their contents.

import { decodeValue, encodeValue } from '../runtime/codec.js';
import { encodeKey } from '../runtime/storage/keys.js';
import { readMetaNumber, writeMetaNumber } from '../runtime/storage/meta.js';
import type { StoreReader, WriteBatch } from '../runtime/storage/store.js';
import { deedOf } from './deeds.js';
import {
  AGENT_ORDER,
  AGENT_SUM,
  type AgentSum,
  decodeSum,
  type Exchange,
  edgeKey,
  edgeRankKey,
  encodeExchange,
  encodeSum,
  META_AGENTS,
  META_EDGES,
  META_FOLDED_AT,
  NO_SUM,
  peerRankKey,
} from './rows.js';

/** What is added to an agent's row. */
interface Gain {
  birth: { readonly order: number; readonly at: number } | undefined;
  retiredAt: number | undefined;
  lastActive: number | undefined;
  sent: number;
  received: number;
  writes: number;
  peers: number;
}

const NOTHING = new Uint8Array(0);

export class Fold {
  readonly #gains = new Map<string, Gain>();
  /** From, to, messages. */
  readonly #edges = new Map<string, Map<string, number>>();
  #last = 0;
  #lastAt = 0;
  #events = 0;

  /** Events taken in. */
  get events(): number {
    return this.#events;
  }

  /** The number of the last of them. */
  get last(): number {
    return this.#last;
  }

  /** In the order of their numbers. */
  take(seq: number, event: Uint8Array): void {
    const { type, at, agent, to, isActive } = deedOf(event);
    this.#events++;
    this.#last = seq;
    this.#lastAt = at;
    if (agent === null) return;
    const gain = this.#gainOf(agent);
    if (isActive) gain.lastActive = at;
    switch (type) {
      case 'agent_registered':
        gain.birth ??= { order: seq, at };
        break;
      case 'agent_retired':
        gain.retiredAt = at;
        break;
      case 'state_written':
        gain.writes++;
        break;
      case 'message_sent':
        if (to === null) break;
        gain.sent++;
        this.#gainOf(to).received++;
        this.#addEdge(agent, to);
        break;
      default:
      // Activity, and nothing that is counted.
    }
  }

  #gainOf(agent: string): Gain {
    let gain = this.#gains.get(agent);
    if (gain === undefined) {
      gain = {
        birth: undefined,
        retiredAt: undefined,
        lastActive: undefined,
        sent: 0,
        received: 0,
        writes: 0,
        peers: 0,
      };
      this.#gains.set(agent, gain);
    }
    return gain;
  }

  #addEdge(from: string, to: string): void {
    let ends = this.#edges.get(from);
    if (ends === undefined) {
      ends = new Map();
      this.#edges.set(from, ends);
    }
    ends.set(to, (ends.get(to) ?? 0) + 1);
  }

  /** Writes what they make of `sums`, which must stand at the event before the first; not that they do not any more. */
  applyTo(sums: StoreReader, batch: WriteBatch): void {
    let edges = readMetaNumber(sums, META_EDGES) ?? 0;
    for (const [from, ends] of this.#edges) {
      for (const [to, count] of ends) edges += this.#writePair(sums, batch, from, to, count);
    }
    let agents = readMetaNumber(sums, META_AGENTS) ?? 0;
    for (const [agent, gain] of this.#gains) agents += writeSum(sums, batch, agent, gain);
    writeMetaNumber(batch, META_EDGES, edges);
    writeMetaNumber(batch, META_AGENTS, agents);
    writeMetaNumber(batch, META_FOLDED_AT, this.#lastAt);
  }

  /** An edge and, with it, the one back: they share a weight. Gives how many edges are new. */
  #writePair(sums: StoreReader, batch: WriteBatch, from: string, to: string, count: number): number {
    const back = from === to ? undefined : this.#edges.get(to);
    const backCount = back?.get(from) ?? 0;
    // The pair is written with the first of its two edges that has something to add.
    if (backCount > 0 && to < from) return 0;
    const there = countOf(sums, from, to);
    let created = writeEdge(batch, from, to, there, count);
    if (from === to) {
      this.#rank(batch, from, to, { sent: there, received: there }, { sent: there + count, received: there + count });
      return created;
    }
    const here = countOf(sums, to, from);
    if (backCount > 0) created += writeEdge(batch, to, from, here, backCount);
    const [before, after] = [
      { sent: there, received: here },
      { sent: there + count, received: here + backCount },
    ];
    this.#rank(batch, from, to, before, after);
    this.#rank(batch, to, from, flipped(before), flipped(after));
    return created;
  }

  #rank(batch: WriteBatch, of: string, peer: string, before: Exchange, after: Exchange): void {
    const weight = before.sent + before.received;
    if (weight > 0) batch.delete(encodeKey(peerRankKey(of, weight, peer)));
    else this.#gainOf(of).peers++;
    batch.put(encodeKey(peerRankKey(of, after.sent + after.received, peer)), encodeExchange(after));
  }
}

function flipped({ sent, received }: Exchange): Exchange {
  return { sent: received, received: sent };
}

function countOf(sums: StoreReader, from: string, to: string): number {
  const bytes = sums.get(encodeKey(edgeKey(from, to)));
  return bytes === undefined ? 0 : (decodeValue(bytes) as number);
}

/** Gives 1 when the edge is new. */
function writeEdge(batch: WriteBatch, from: string, to: string, before: number, more: number): number {
  batch.put(encodeKey(edgeKey(from, to)), encodeValue(before + more));
  if (before > 0) batch.delete(encodeKey(edgeRankKey(before, from, to)));
  batch.put(encodeKey(edgeRankKey(before + more, from, to)), NOTHING);
  return before === 0 ? 1 : 0;
}

/** Gives 1 when the agent was born in it. */
function writeSum(sums: StoreReader, batch: WriteBatch, agent: string, gain: Gain): number {
  const key = encodeKey([AGENT_SUM, agent]);
  const bytes = sums.get(key);
  const before: AgentSum = bytes === undefined ? NO_SUM : decodeSum(bytes);
  const birth = before.order === null ? gain.birth : undefined;
  batch.put(
    key,
    encodeSum({
      order: before.order ?? birth?.order ?? null,
      registeredAt: before.registeredAt ?? birth?.at ?? null,
      retiredAt: gain.retiredAt ?? before.retiredAt,
      sent: before.sent + gain.sent,
      received: before.received + gain.received,
      writes: before.writes + gain.writes,
      lastActive: gain.lastActive ?? before.lastActive,
      peers: before.peers + gain.peers,
    }),
  );
  if (birth === undefined) return 0;
  batch.put(encodeKey([AGENT_ORDER, birth.order]), encodeValue(agent));
  return 1;
}
