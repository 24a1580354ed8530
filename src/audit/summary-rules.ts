// Summary rules
//
// What every row of the summaries must be (src/summaries/rows.ts), and what the event log and the other rows must say about
// it. A relation is checked from both sides, as in rules.ts.

import type { Key } from '../runtime/actor.js';
import {
  AGENT_ORDER,
  AGENT_SUM,
  type AgentSum,
  decodeExchange,
  EDGE,
  EDGE_RANK,
  edgeKey,
  META_AGENTS,
  META_EDGES,
  META_FOLDED,
  META_FOLDED_AT,
  META_MISSED,
  META_SCHEMA,
  PEER_RANK,
  peerRankKey,
  sumOf,
} from '../summaries/rows.js';
import type { AuditRule } from './audit-rule.js';
import type { Audit } from './findings.js';
import { birthName, type SummaryRecount, SummaryTotals } from './summary-recount.js';

const META_NAMES: ReadonlySet<string> = new Set(
  [META_SCHEMA, META_FOLDED, META_FOLDED_AT, META_MISSED, META_AGENTS, META_EDGES].map((name) => JSON.stringify(name)),
);
const AGENTS = META_AGENTS.join(' ');
const EDGES = META_EDGES.join(' ');

/** A rule for each table of the summaries. */
export function summaryRules(audit: Audit, recount: SummaryRecount): ReadonlyMap<string, AuditRule> {
  const kept = new SummaryTotals();
  return new Map<string, AuditRule>([
    [AGENT_ORDER, orderRule(audit)],
    [AGENT_SUM, sumRule(audit, recount, kept)],
    [EDGE, edgeRule(audit, kept)],
    [EDGE_RANK, edgeRankRule(audit)],
    ['meta', metaRule(audit, recount, kept)],
    [PEER_RANK, peerRankRule(audit)],
  ]);
}

function metaRule(audit: Audit, recount: SummaryRecount, kept: SummaryTotals): AuditRule {
  return {
    isRaw: true,
    row: (key) => {
      const name = key.slice(1).map(String);
      audit.metaNumber(...name);
      if (!META_NAMES.has(JSON.stringify(name))) audit.report(key, 'no such number is known');
    },
    end: () => {
      const folded = audit.metaNumber(...META_FOLDED);
      if (folded > recount.seq) audit.report(['meta', 'folded'], `it is ${folded}; the last event is ${recount.seq}`);
      const missed = audit.metaNumber(...META_MISSED);
      if (missed > 0) audit.report(['meta', 'missed'], `${missed} events were gone before they were summed up`);
      for (const name of [AGENTS, EDGES]) {
        const [counted, recounted] = [audit.metaNumber(...name.split(' ')), audit.recounted(name)];
        if (counted !== recounted)
          audit.report(['meta', ...name.split(' ')], `it is ${counted}; a recount gives ${recounted}`);
      }
      // Of events that are no more, nothing can be recounted.
      if (recount.missing === 0) compare(audit, kept, recount.totals);
    },
  };
}

function compare(audit: Audit, kept: SummaryTotals, logged: SummaryTotals): void {
  for (const name of ['births', 'retirements', 'sent', 'received', 'writes', 'edges'] as const) {
    if (kept[name].equals(logged[name])) continue;
    const [counted, recounted] = [kept[name].total, logged[name].total];
    const which =
      counted === recounted ? 'of others than in the event log' : `a recount of the event log gives ${recounted}`;
    audit.report([name === 'edges' ? EDGE : AGENT_SUM], `${name}: they sum up to ${counted}; ${which}`);
  }
}

function sumRule(audit: Audit, recount: SummaryRecount, kept: SummaryTotals): AuditRule {
  return {
    row: (key, value) => {
      const agent = String(key[1]);
      const sum = sumOf(value);
      keep(kept, agent, sum);
      if (sum.order !== null) {
        audit.count(AGENTS, 1);
        if (audit.lookup([AGENT_ORDER, sum.order]) !== agent) audit.report(key, 'it is not among the agents');
      }
      const active = recount.lastActive(agent);
      if (active !== undefined && active !== sum.lastActive) {
        audit.report(key, `it was last active at ${sum.lastActive}; the event log says ${active}`);
      }
      if (sum.peers > 0 && !audit.hasAnyUnder([PEER_RANK, agent])) {
        audit.report(key, `it has ${sum.peers} peers; a recount gives none`);
      }
    },
  };
}

function keep({ births, retirements, sent, received, writes }: SummaryTotals, agent: string, sum: AgentSum): void {
  if (sum.order !== null) births.add(birthName(agent, sum.order, sum.registeredAt ?? 0));
  if (sum.retiredAt !== null) retirements.add(`${agent} ${sum.retiredAt}`);
  sent.add(agent, sum.sent);
  received.add(agent, sum.received);
  writes.add(agent, sum.writes);
}

function orderRule(audit: Audit): AuditRule {
  return {
    row: (key, agent) => {
      const sum = audit.lookup([AGENT_SUM, String(agent)]);
      if (sum === undefined || sumOf(sum).order !== key[1]) audit.report(key, 'its agent was not registered then');
    },
  };
}

function edgeRule(audit: Audit, kept: SummaryTotals): AuditRule {
  return {
    row: (key, count) => {
      const [, from, to] = key.map(String) as [string, string, string];
      audit.count(EDGES, 1);
      kept.edges.add(`${from} ${to}`, Number(count));
      if (!audit.hasAnyUnder([EDGE_RANK, -Number(count), from, to])) audit.report(key, 'it has no place by its count');
      const back = from === to ? Number(count) : edgeOf(audit, to, from);
      for (const [of, peer] of [[from, to] as const, [to, from] as const]) {
        const rank = peerRankKey(of, Number(count) + back, peer);
        if (!audit.hasAnyUnder(rank)) audit.report(key, `its ends are not peers by their weight: ${of} has no ${peer}`);
      }
    },
  };
}

function edgeRankRule(audit: Audit): AuditRule {
  return {
    isRaw: true,
    row: (key) => {
      if (edgeOf(audit, String(key[2]), String(key[3])) !== -Number(key[1])) {
        audit.report(key, 'its edge has another count');
      }
    },
  };
}

function peerRankRule(audit: Audit): AuditRule {
  let agent: Key[number] = '';
  let peers = 0;
  const close = () => {
    if (peers === 0) return;
    const sum = audit.lookup([AGENT_SUM, agent]);
    const known = sum === undefined ? 0 : sumOf(sum).peers;
    if (known !== peers) audit.report([AGENT_SUM, agent], `it has ${known} peers; a recount gives ${peers}`);
    peers = 0;
  };
  return {
    isRaw: true,
    row: (key, value) => {
      if (key[1] !== agent) {
        close();
        agent = key[1]!;
      }
      peers++;
      const peer = String(key[3]);
      const { sent, received } = decodeExchange(value as Uint8Array);
      const isSum = sent + received === -Number(key[2]);
      if (!isSum || sent !== edgeOf(audit, String(agent), peer) || received !== edgeOf(audit, peer, String(agent))) {
        audit.report(key, 'its edges have other counts');
      }
    },
    end: close,
  };
}

function edgeOf(audit: Audit, from: string, to: string): number {
  const count = audit.lookup(edgeKey(from, to));
  return typeof count === 'number' ? count : 0;
}
