// Event rules
//
// The event log in the tables and its index: from where it begins no number missing, every event in the index under its type and what it is about, and
// nothing else in the index. The two sides are compared by a sum over (name, number) that does not depend on the order.

import type { Key } from '../runtime/actor.js';
import { decodeValue } from '../runtime/codec.js';
import { eventsOf } from '../runtime/event-blocks.js';
import { EVENT_ABOUT_TABLE, EVENT_TYPE_TABLE, eventHead, isIndexable, seqsOf } from '../runtime/event-index.js';
import type { AuditRule } from './audit-rule.js';
import type { EventFold } from './event-fold.js';
import { FiledSum } from './filed-sum.js';
import type { Audit } from './findings.js';
import { RemovalWatch } from './removal-rules.js';

/** Stores of an older schema have no index: the first start of this program makes it. */
const INDEXED_SINCE = 3;
/**
 * `watch` is told every event; so is `fold`, which is then compared with the tables; undefined: its beginning is not known.
 */
export function eventRules(audit: Audit, watch = new RemovalWatch(audit), fold?: EventFold): [string, AuditRule][] {
  const types = { logged: new FiledSum(), filed: new FiledSum() };
  const abouts = { logged: new FiledSum(), filed: new FiledSum() };
  return [
    ['event', eventRule(audit, watch, types.logged, abouts.logged, fold)],
    [EVENT_ABOUT_TABLE, indexRule(audit, EVENT_ABOUT_TABLE, abouts)],
    [EVENT_TYPE_TABLE, indexRule(audit, EVENT_TYPE_TABLE, types)],
  ];
}

function eventRule(audit: Audit, watch: RemovalWatch, types: FiledSum, abouts: FiledSum, fold?: EventFold): AuditRule {
  // What was taken out of the tables is in the archives, which have an audit of their own (archive/archive-audit.ts).
  let last = audit.metaNumber('trimmed');
  return {
    isRaw: true,
    entriesOf: (row) => eventsOf(0, row as Uint8Array).length,
    row: (key, row) => {
      const events = eventsOf(Number(key[1]), row as Uint8Array);
      const [first] = events;
      if (first?.seq !== last + 1) audit.report(key, `the event before it is ${last}: events are missing`);
      last = Number(key[1]);
      for (const { seq, value } of events) {
        const [at, type, , data] = decodeValue(value) as readonly unknown[];
        const head = eventHead(value);
        if (typeof at !== 'number' || typeof type !== 'string' || head === undefined) {
          audit.report(['event', seq], 'it is no event');
          continue;
        }
        watch.event(seq, at, type, data as Readonly<Record<string, unknown>>);
        fold?.take(head.type, head.about, data as Readonly<Record<string, unknown>>);
        if (isIndexable(head.type)) types.add(head.type, seq);
        if (head.about !== null && isIndexable(head.about)) abouts.add(head.about, seq);
      }
    },
    end: () => {
      const kept = audit.metaNumber('seq');
      if (kept !== last) audit.report(['meta', 'seq'], `it is ${kept}; the last event is ${last}`);
      fold?.compare(audit);
    },
  };
}

function indexRule(
  audit: Audit,
  table: string,
  sums: { readonly logged: FiledSum; readonly filed: FiledSum },
): AuditRule {
  return {
    isRaw: true,
    entriesOf: (row) => seqsOf(row as Uint8Array).length,
    row: (key: Key, row) => {
      const seqs = seqsOf(row as Uint8Array);
      if (seqs.at(-1) !== key[2]) audit.report(key, 'its key does not name its last event');
      for (const seq of seqs) sums.filed.add(String(key[1]), seq);
    },
    end: () => {
      if (audit.metaNumber('schema') < INDEXED_SINCE || sums.logged.equals(sums.filed)) return;
      const { entries } = sums.logged;
      audit.report([table], `it files ${sums.filed.entries} events; of the event log it should file ${entries}`);
    },
  };
}
