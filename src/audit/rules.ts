// Audit rules
//
// What every row of every table must be, and what the others must say about it (docs/decisions/0000-tables.md). A
// relation is checked from both sides: each row looks for those that it needs.

import type { HeadRow, InboxRow, LeaseRow } from '../actors/agent/inbox.js';
import {
  type AdminRow,
  AGENTS,
  type AgentEntry,
  type AgentRow,
  OPERATORS,
  type TokenRow,
} from '../actors/operator/protocol.js';
import type { OperatorRow } from '../actors/operator/state.js';
import { STATE_BYTES, STATE_KEYS } from '../actors/state/protocol.js';
import type { StateRow } from '../actors/state/state.js';
import type { Key } from '../runtime/actor.js';
import type { AuditRule } from './audit-rule.js';
import { COUNTERS } from './counters.js';
import type { EventFold } from './event-fold.js';
import { eventRules } from './event-rules.js';
import type { Audit } from './findings.js';
import { memoryRules } from './memory-rules.js';
import { checkInboxContent, checkStateValue, RemovalWatch, removalRules } from './removal-rules.js';
import { agentWebhookFault, webhookRules } from './webhook-rules.js';

const META_NAMES: ReadonlySet<string> = new Set(
  [['schema'], ['epoch'], ['seq'], ['applied'], ['trimmed'], ...COUNTERS.map((name) => ['counter', name])].map((name) =>
    JSON.stringify(name),
  ),
);

/** A rule for each table that there is. */
export function auditRules(audit: Audit, fold: EventFold | undefined): ReadonlyMap<string, AuditRule> {
  const watch = new RemovalWatch(audit);
  return new Map<string, AuditRule>([
    ['meta', metaRule(audit)],
    ...eventRules(audit, watch, fold),
    ...removalRules(audit, watch),
    ['idem', { row: () => {} }],
    ['operator', operatorRule(audit)],
    ['admin', adminRule(audit)],
    ['challenge', challengeRule(audit)],
    ['owned', listedRule(audit, (key, agent) => agent.operatorId === key[1] && agent.order === key[2])],
    ['registry', listedRule(audit, (key, agent) => agent.order === key[1])],
    ['agent', agentRule(audit)],
    ['token', tokenRule(audit)],
    ['inbox', inboxRule(audit, watch)],
    ['inbox_head', headRule(audit)],
    ['lease', leaseRule(audit)],
    ['state', stateRule(audit, watch)],
    ...memoryRules(audit),
    ...webhookRules(audit),
    ['reminder', reminderRule(audit)],
    ['reminder_due', dueRule(audit)],
  ]);
}

function metaRule(audit: Audit): AuditRule {
  return {
    isRaw: true,
    row: (key) => {
      const name = key.slice(1).map(String);
      audit.metaNumber(...name);
      if (!META_NAMES.has(JSON.stringify(name))) audit.report(key, 'no such number is known');
    },
    end: () => {
      // The first group of a journal raises the epoch, before anything else is written.
      const applied = audit.metaNumber('applied');
      if (applied > 0 && audit.metaNumber('epoch') === 0) {
        audit.report(['meta', 'applied'], `it is ${applied}, and no server was ever started: there is no epoch`);
      }
      for (const counter of COUNTERS) {
        const kept = audit.metaNumber('counter', counter);
        const recounted = audit.recounted(counter);
        if (kept !== recounted)
          audit.report(['meta', 'counter', counter], `it is ${kept}; a recount gives ${recounted}`);
      }
    },
  };
}

function operatorRule(audit: Audit): AuditRule {
  return {
    row: (key, value) => {
      audit.count(OPERATORS, 1);
      const { lookupId } = value as OperatorRow;
      const token = audit.lookup(['token', lookupId]) as TokenRow | undefined;
      if (token?.role !== 'operator' || token.id !== key[1]) audit.report(key, 'it has no token');
    },
  };
}

function adminRule(audit: Audit): AuditRule {
  return {
    row: (key, value) => {
      const { lookupId } = value as AdminRow;
      const token = audit.lookup(['token', lookupId]) as TokenRow | undefined;
      if (token?.role !== 'admin') audit.report(key, 'it has no token');
    },
  };
}

function challengeRule(audit: Audit): AuditRule {
  return {
    row: (key) => {
      if (audit.lookup(['operator', key[1]!]) === undefined) audit.report(key, 'its operator does not exist');
    },
  };
}

function agentRule(audit: Audit): AuditRule {
  return {
    row: (key, value) => {
      const { operatorId, order, lookupId, retiredAt } = value as AgentRow;
      const fault = agentWebhookFault(audit, key[1]!, value as AgentRow);
      if (fault !== undefined) audit.report(key, fault);
      if (audit.lookup(['operator', operatorId]) === undefined) audit.report(key, 'its operator does not exist');
      if (retiredAt !== null) return;
      audit.count(AGENTS, 1);
      const address = key[1];
      const listed = audit.lookup(['registry', order]) as AgentEntry | undefined;
      if (listed?.address !== address) audit.report(key, 'it is not in the registry');
      const owned = audit.lookup(['owned', operatorId, order]) as AgentEntry | undefined;
      if (owned?.address !== address) audit.report(key, 'it is not among the agents of its operator');
      const token = audit.lookup(['token', lookupId]) as TokenRow | undefined;
      if (token?.role !== 'agent' || token.id !== address) audit.report(key, 'it has no token');
    },
  };
}

/** Of a listing: each entry stands for an agent that lives and that agrees. */
function listedRule(audit: Audit, agrees: (key: Key, agent: AgentRow) => boolean): AuditRule {
  return {
    row: (key, value) => {
      const { address, registeredAt } = value as AgentEntry;
      const agent = livingAgent(audit, address);
      if (agent === undefined) audit.report(key, 'it lists an agent that does not live');
      else if (!agrees(key, agent) || agent.registeredAt !== registeredAt) {
        audit.report(key, 'it does not agree with the record of its agent');
      }
    },
  };
}

function tokenRule(audit: Audit): AuditRule {
  return {
    row: (key, value) => {
      const { role, id } = value as TokenRow;
      const owner = tokenOwner(audit, role, id);
      if (owner === undefined) audit.report(key, `it opens the door to an ${role} that is not there`);
      else if (owner.lookupId !== key[1]) audit.report(key, `the ${role} has another token now`);
    },
  };
}

function tokenOwner(audit: Audit, role: TokenRow['role'], id: string): { readonly lookupId: string } | undefined {
  switch (role) {
    case 'agent':
      return livingAgent(audit, id);
    case 'operator':
      return audit.lookup(['operator', id]) as OperatorRow | undefined;
    case 'admin':
      return audit.lookup(['admin', 'token']) as AdminRow | undefined;
    default:
      return role satisfies never;
  }
}

function inboxRule(audit: Audit, watch: RemovalWatch): AuditRule {
  let address: Key[number] = '';
  let agent: AgentRow | undefined;
  let head: HeadRow | undefined;
  let count = 0;
  let bytes = 0;

  const close = () => {
    if (count > 0 && (head?.count !== count || head.bytes !== bytes)) {
      const kept = head === undefined ? 'missing' : `${head.count} messages of ${head.bytes} bytes`;
      audit.report(['inbox_head', address], `it is ${kept}; a recount gives ${count} messages of ${bytes} bytes`);
    }
    count = 0;
    bytes = 0;
  };

  return {
    row: (key, value) => {
      if (key[1] !== address) {
        close();
        address = key[1]!;
        agent = audit.lookup(['agent', address]) as AgentRow | undefined;
        head = audit.lookup(['inbox_head', address]) as HeadRow | undefined;
      }
      if (agent === undefined) return audit.report(key, 'it is for an agent that does not exist');
      // The inbox of a retired agent is emptied in slices, which a stop may interrupt.
      if (agent.retiredAt !== null) return;
      const row = value as InboxRow;
      count++;
      bytes += row.bytes;
      checkInboxContent(audit, watch, key, row);
      if (head !== undefined && Number(key[2]) >= head.nextSeq) audit.report(key, 'it is ahead of the next seq');
    },
    end: close,
  };
}

function headRule(audit: Audit): AuditRule {
  return {
    row: (key, value) => {
      if (livingAgent(audit, key[1]!) === undefined) audit.report(key, 'it is for an agent that does not live');
      const { count, bytes } = value as HeadRow;
      if (audit.hasAnyUnder(['inbox', key[1]!])) return; // Recounted with the rows.
      if (count !== 0 || bytes !== 0) {
        audit.report(key, `it is ${count} messages of ${bytes} bytes; a recount gives none`);
      }
    },
  };
}

function leaseRule(audit: Audit): AuditRule {
  return {
    row: (key, value) => {
      const agent = audit.lookup(['agent', key[1]!]) as AgentRow | undefined;
      if (agent !== undefined && agent.retiredAt !== null) return;
      const { messageId, bytes } = value as LeaseRow;
      const row = audit.lookup(['inbox', key[1]!, key[2]!]) as InboxRow | undefined;
      if (row === undefined) audit.report(key, 'it leases a message that is not in the inbox');
      else if (row.messageId !== messageId || row.bytes !== bytes) audit.report(key, 'it leases another message');
    },
  };
}

/** Each has its time in the other table. */
function reminderRule(audit: Audit): AuditRule {
  return {
    row: (key, value) => {
      const [, kind, actor, name] = key;
      const [at] = value as readonly [number];
      const due = audit.hasAnyUnder(['reminder_due', at, kind!, actor!, name!]);
      if (!due) audit.report(key, 'it is due at no time');
    },
  };
}

function dueRule(audit: Audit): AuditRule {
  return {
    row: (key) => {
      const [, at, kind, actor, name] = key;
      const reminder = audit.lookup(['reminder', kind!, actor!, name!]) as readonly [number] | undefined;
      if (reminder?.[0] !== at) audit.report(key, 'there is no such reminder for that time');
    },
  };
}

function stateRule(audit: Audit, watch: RemovalWatch): AuditRule {
  return {
    row: (key, value) => {
      const bytes = checkStateValue(audit, watch, key, value as StateRow);
      audit.count(STATE_KEYS, 1);
      audit.count(STATE_BYTES, Buffer.byteLength(String(key[1])) + bytes);
    },
  };
}

function livingAgent(audit: Audit, address: Key[number]): AgentRow | undefined {
  const agent = audit.lookup(['agent', address]) as AgentRow | undefined;
  return agent?.retiredAt === null ? agent : undefined;
}
