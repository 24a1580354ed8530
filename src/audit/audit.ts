// Audit
//
// What `troupe check` finds in a data directory: one walk over every key in order, each row held to what the others
// say. It only reads, keeps one page of keys, a few totals, and what the events say of agents and keys (event-fold.ts) in memory, and
// costs a few point reads per row.
//
// Owns:     the walk.
// Does not: know what a table must hold (rules.ts), keep what was found (findings.ts), or repair anything.
//
// U1. Every key is looked at, also one that cannot be decoded or belongs to no table.
// U2. What is wrong with one row is a finding, never an exception.

import { decodeValue } from '../runtime/codec.js';
import { afterKey, decodeKey, KEY_BYTES_MAX, type KeyRange, rangeOf } from '../runtime/storage/keys.js';
import { readMetaNumber } from '../runtime/storage/meta.js';
import type { Bytes, StoreReader } from '../runtime/storage/store.js';
import { META_FOLDED } from '../summaries/rows.js';
import type { AuditRule } from './audit-rule.js';
import { EventFold } from './event-fold.js';
import { eventRules } from './event-rules.js';
import { Audit, attempt, type Finding } from './findings.js';
import { auditRules } from './rules.js';
import { SummaryRecount, SummaryTally } from './summary-recount.js';
import { summaryRules } from './summary-rules.js';

/** Keys read at a time. Values are read one by one, because they may be large. */
const PAGE_KEYS = 1000;
const FIRST_KEY = Uint8Array.of(0);
const PAST_LAST_KEY = new Uint8Array(KEY_BYTES_MAX + 1).fill(0xff);

export interface AuditReport {
  /** The first FINDINGS_MAX, in the order of the keys; what concerns the whole comes last. */
  readonly findings: readonly Finding[];
  readonly findingsTotal: number;
  /** Entries looked at, by table: rows, or the events in them. */
  readonly rows: Readonly<Record<string, number>>;
}

export interface SummaryReport extends AuditReport {
  /** The number of the last event in the sums. */
  readonly folded: number;
  /** Events in them that are not in the log any more: while there are such, counts are not held to it. */
  readonly notRecounted: number;
}

/**
 * Looks at all of a store that nobody writes to. Blocks its thread for the time it takes. `archived` was told the events that
 * are not in the tables any more; where it is missing and there are such, effects are not held to events.
 */
export function auditTables(reader: StoreReader, archived?: EventFold): AuditReport {
  const audit = new Audit(reader);
  const fold = archived ?? (audit.metaNumber('trimmed') === 0 ? new EventFold() : undefined);
  return walk(reader, audit, auditRules(audit, fold), [{ start: FIRST_KEY, end: PAST_LAST_KEY }]);
}

/** Looks at the event log and its index alone. */
export function auditEvents(reader: StoreReader): AuditReport {
  const audit = new Audit(reader);
  const rules = new Map(eventRules(audit));
  return walk(
    reader,
    audit,
    rules,
    [...rules.keys()].map((table) => rangeOf([table])),
  );
}

/**
 * Holds the sums of the event log to a recount of it. `sums` were read before `tables`; `tally` was told the events that the
 * tables do not hold any more, and is gone on with.
 */
export function auditSummaries(tables: StoreReader, sums: StoreReader, tally = tallyFor(sums)): SummaryReport {
  const audit = new Audit(sums);
  const folded = tally.until;
  const recount = new SummaryRecount(tables, tally);
  const report = walk(sums, audit, summaryRules(audit, recount), [{ start: FIRST_KEY, end: PAST_LAST_KEY }]);
  return { ...report, folded, notRecounted: Math.max(0, recount.missing) };
}

/** Of what these sums hold. */
export function tallyFor(sums: StoreReader): SummaryTally {
  return new SummaryTally(readMetaNumber(sums, META_FOLDED) ?? 0);
}

function walk(
  reader: StoreReader,
  audit: Audit,
  rules: ReadonlyMap<string, AuditRule>,
  ranges: readonly KeyRange[],
): AuditReport {
  const rows: Record<string, number> = {};
  for (const { start: first, end } of ranges) {
    for (let start: Bytes = first; ; ) {
      const keys = reader.rangeKeys({ start, end, limit: PAGE_KEYS });
      for (const bytes of keys) {
        const { table, entries } = auditRow(audit, reader, rules, bytes);
        rows[table] = (rows[table] ?? 0) + entries;
      }
      const last = keys.at(-1);
      if (last === undefined || keys.length < PAGE_KEYS) break;
      start = afterKey(last);
    }
  }
  for (const [table, rule] of rules) {
    const ended = attempt(() => rule.end?.());
    if (!ended.ok) audit.report([table], `the table could not be checked to its end: ${ended.reason}`);
  }
  return { findings: audit.findings, findingsTotal: audit.findingsTotal, rows };
}

interface Audited {
  readonly table: string;
  readonly entries: number;
}

/** Holds one row to its table's rule. */
function auditRow(audit: Audit, reader: StoreReader, rules: ReadonlyMap<string, AuditRule>, bytes: Bytes): Audited {
  const key = attempt(() => decodeKey(bytes));
  if (!key.ok) {
    audit.reportText('', Buffer.from(bytes).toString('hex'), `the key cannot be decoded: ${key.reason}`);
    return { table: '', entries: 1 };
  }
  const table = key.value[0];
  const rule = rules.get(table);
  if (rule === undefined) {
    audit.report(key.value, 'no such table is known');
    return { table, entries: 1 };
  }
  const held = attempt(() => {
    const stored = reader.get(bytes);
    const value = rule.isRaw === true ? stored : decodeValue(stored ?? new Uint8Array());
    rule.row(key.value, value);
    return rule.entriesOf?.(value) ?? 1;
  });
  if (!held.ok) audit.report(key.value, `the value is not what this table holds: ${held.reason}`);
  return { table, entries: held.ok ? held.value : 1 };
}
