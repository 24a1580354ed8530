// Summary recount
//
// What the event log adds up to, counted anew: as sums over (name, count) that do not depend on the order, so that a million
// agents and all their pairs take no memory.

import type { ObservedEvent } from '../contract/observe.js';
import { EVENT_TABLE, eventsOf, type NumberedEvent } from '../runtime/event-blocks.js';
import { EVENT_ABOUT_TABLE, seqsOf } from '../runtime/event-index.js';
import { decodeKey, encodeKey, rangeOf } from '../runtime/storage/keys.js';
import { readMetaNumber } from '../runtime/storage/meta.js';
import type { StoreReader } from '../runtime/storage/store.js';
import { META_SEQ } from '../runtime/tables.js';
import { type Deed, deedIn, deedOf } from '../summaries/deeds.js';

const ROWS_PER_READ = 64;
/** Stores of an older schema have no index: the first start of this program makes it. */
const INDEXED_SINCE = 3;

/** An unordered set of names, each with a count, as far as two of them can be told apart. */
export class CountedNames {
  total = 0;
  #sum = 0n;

  add(name: string, count = 1): void {
    this.total += count;
    this.#sum = BigInt.asUintN(64, this.#sum + hashOf(name) * BigInt(count));
  }

  equals(other: CountedNames): boolean {
    return this.total === other.total && this.#sum === other.#sum;
  }
}

/** Of all agents: what their rows say, or the log. */
export class SummaryTotals {
  readonly births = new CountedNames();
  readonly retirements = new CountedNames();
  readonly sent = new CountedNames();
  readonly received = new CountedNames();
  readonly writes = new CountedNames();
  readonly edges = new CountedNames();
}

/** Events in order, counted: those that are in archives, and then those in the tables. */
export class SummaryTally {
  readonly totals = new SummaryTotals();
  /** Events that were counted. */
  counted = 0;
  /** What is behind it is not counted. */
  readonly until: number;
  #next = 1;
  /** Of agents in archives: when they were last active there. */
  readonly #lastActive = new Map<string, number>();

  constructor(until: number) {
    this.until = until;
  }

  /** An event as archives have it. */
  archived({ seq, ts, type, agent, data }: ObservedEvent): void {
    const deed = deedIn(type, Date.parse(ts), agent, data as Readonly<Record<string, unknown>>);
    if (!this.take(seq, deed) || deed.agent === null || !deed.isActive) return;
    this.#lastActive.set(deed.agent, deed.at);
  }

  /** False for what was counted before: an archive may hold what the tables still do. */
  take(seq: number, deed: Deed): boolean {
    if (seq < this.#next || seq > this.until) return false;
    this.#next = seq + 1;
    this.counted++;
    this.#count(seq, deed);
    return true;
  }

  lastActiveBefore(agent: string): number | null {
    return this.#lastActive.get(agent) ?? null;
  }

  #count(seq: number, { type, at, agent, to }: Deed): void {
    if (agent === null) return;
    const { births, retirements, sent, received, writes, edges } = this.totals;
    switch (type) {
      case 'agent_registered':
        births.add(birthName(agent, seq, at));
        break;
      case 'agent_retired':
        retirements.add(`${agent} ${at}`);
        break;
      case 'state_written':
        writes.add(agent);
        break;
      case 'message_sent':
        if (to === null) break;
        sent.add(agent);
        received.add(to);
        edges.add(`${agent} ${to}`);
        break;
      default:
      // Not counted.
    }
  }
}

export class SummaryRecount {
  /** The number of the last event in the tables. */
  readonly seq: number;
  /** Events up to where the sums are that nobody has any more. */
  readonly missing: number;
  readonly #tables: StoreReader;
  readonly #tally: SummaryTally;

  /** Counts at once: reads the whole log in the tables, behind what `tally` was told of archives. */
  constructor(tables: StoreReader, tally: SummaryTally) {
    this.#tables = tables;
    this.#tally = tally;
    this.seq = readMetaNumber(tables, META_SEQ) ?? 0;
    for (const { seq, value } of eventsFrom(tables)) {
      if (seq > tally.until) break;
      tally.take(seq, deedOf(value));
    }
    this.missing = Math.min(tally.until, this.seq) - tally.counted;
  }

  get totals(): SummaryTotals {
    return this.#tally.totals;
  }

  /** When the log says that an agent was last active: null for never, undefined where the log does not say. */
  lastActive(agent: string): number | null | undefined {
    if ((readMetaNumber(this.#tables, ['schema']) ?? 0) < INDEXED_SINCE || this.missing > 0) return undefined;
    const { start, end: last } = rangeOf([EVENT_ABOUT_TABLE, agent]);
    for (let end = last; ; ) {
      const rows = this.#tables.range({ start, end, limit: ROWS_PER_READ, reverse: true });
      for (const { key, value } of rows) {
        end = key;
        for (const seq of seqsOf(value).reverse()) {
          const deed = seq > this.#tally.until ? undefined : this.#deed(seq);
          if (deed?.isActive) return deed.at;
        }
      }
      if (rows.length < ROWS_PER_READ) return this.#tally.lastActiveBefore(agent);
    }
  }

  #deed(seq: number) {
    const start = encodeKey([EVENT_TABLE, seq]);
    const [row] = this.#tables.range({ start, end: rangeOf([EVENT_TABLE]).end, limit: 1 });
    if (row === undefined) return undefined;
    const found = eventsOf(Number(decodeKey(row.key)[1]), row.value).find((event) => event.seq === seq);
    return found === undefined ? undefined : deedOf(found.value);
  }
}

export function birthName(agent: string, order: number, at: number): string {
  return `${agent} ${order} ${at}`;
}

function* eventsFrom(tables: StoreReader): Generator<NumberedEvent, void> {
  const { start, end } = rangeOf([EVENT_TABLE]);
  for (let from = start; ; ) {
    const rows = tables.range({ start: from, end, limit: ROWS_PER_READ });
    for (const { key, value } of rows) {
      const last = Number(decodeKey(key)[1]);
      yield* eventsOf(last, value);
      from = encodeKey([EVENT_TABLE, last + 1]);
    }
    if (rows.length < ROWS_PER_READ) return;
  }
}

/** FNV-1a twice, from two beginnings. */
function hashOf(name: string): bigint {
  let a = 0x811c9dc5;
  let b = 0x2c1b3c6d;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x01000193);
  }
  return (BigInt((a ^ (a >>> 15)) >>> 0) << 32n) | BigInt(b >>> 0);
}
