// Webhook rules
//
// What stands behind a push: where it goes, what was given up, and who is left alone for a while.

import type { HeadRow } from '../actors/agent/inbox.js';
import { type CircuitRow, OPEN_CIRCUITS, type WebhookRow } from '../actors/endpoint/protocol.js';
import type { AgentRow } from '../actors/operator/protocol.js';
import type { Key } from '../runtime/actor.js';
import type { AuditRule } from './audit-rule.js';
import type { Audit } from './findings.js';

const SECRET = /^whsec_[A-Za-z0-9+/]+=*$/;

export function webhookRules(audit: Audit): [string, AuditRule][] {
  return [
    ['webhook', webhookRule(audit)],
    ['given_up', givenUpRule(audit)],
    ['circuit', circuitRule(audit)],
  ];
}

/** Of an agent: it says that it has a webhook if and only if there is a row. */
export function agentWebhookFault(audit: Audit, address: Key[number], agent: AgentRow): string | undefined {
  const isThere = audit.lookup(['webhook', address]) !== undefined;
  if (isThere === (agent.hasWebhook === true)) return undefined;
  return isThere ? 'it has a webhook and does not know it' : 'it has no webhook and says that it has';
}

function webhookRule(audit: Audit): AuditRule {
  return {
    row: (key, value) => {
      const agent = audit.lookup(['agent', key[1]!]) as AgentRow | undefined;
      if (agent === undefined || agent.retiredAt !== null) audit.report(key, 'it is of an agent that does not live');
      const { url, secret, from } = value as WebhookRow;
      if (!URL.canParse(url)) audit.report(key, 'its URL is none');
      if (!SECRET.test(secret)) audit.report(key, 'its secret is none');
      const head = audit.lookup(['inbox_head', key[1]!]) as HeadRow | undefined;
      if (from < 1 || from > (head?.nextSeq ?? 1)) audit.report(key, 'it begins ahead of the next seq');
    },
  };
}

function givenUpRule(audit: Audit): AuditRule {
  return {
    row: (key) => {
      const agent = audit.lookup(['agent', key[1]!]) as AgentRow | undefined;
      if (agent !== undefined && agent.retiredAt !== null) return;
      if (!audit.hasAnyUnder(['inbox', key[1]!, key[2]!])) {
        audit.report(key, 'it gives up a message that is not in the inbox');
      }
    },
  };
}

function circuitRule(audit: Audit): AuditRule {
  return {
    row: (key, value) => {
      const { failures, openUntil } = value as CircuitRow;
      if (openUntil !== null) audit.count(OPEN_CIRCUITS, 1);
      if (!Number.isInteger(failures) || failures < 1) audit.report(key, 'nothing failed');
    },
  };
}
