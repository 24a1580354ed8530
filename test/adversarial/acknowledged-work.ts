// Acknowledged work
//
// The reference for what a journal and its tables must hold: the records that were acknowledged, in order, and the groups
// that may be durable although nobody was told so. Each source writes rows of its own, so that only the order within a
// source matters.
//
// AW1. After any loss of power the tables are those of the acknowledged records, or those with one more group: the one
//      that was being written, or one that was refused and whose number no other has taken.

import assert from 'node:assert/strict';
import { encodeKey, rangeOf } from '../../src/runtime/storage/keys.js';
import { readMetaNumber } from '../../src/runtime/storage/meta.js';
import type { StoreReader } from '../../src/runtime/storage/store.js';
import { META_EPOCH, readTablesState } from '../../src/runtime/tables.js';
import { readRecords, visitRecord } from '../runtime/read-records.js';
import { latin1, type Op } from '../runtime/record-batches.js';
import { storedEvents } from '../runtime/stored-events.js';

export const COUNTERS = ['bytes', 'rows'];
export const SOURCES = 3;
/** Every record writes its id here: a source's last one is seen. */
const MARK_TABLE = 'mark';
export const ROW_TABLE = 'row';

/** One record, and whose. */
export interface Deed {
  readonly id: number;
  readonly source: number;
  readonly ops: readonly Op[];
}

/** A group that was written and not acknowledged. */
export interface Candidate {
  readonly deeds: readonly Deed[];
  /** The epoch that it begins, when it is a fence. */
  readonly epoch: number | undefined;
}

/** What was so at a moment. */
export interface Point {
  /** How many records had been acknowledged. */
  readonly deeds: number;
  readonly groups: number;
  readonly epoch: number;
  readonly candidates: readonly Candidate[];
}

/** What tables hold. */
interface Content {
  readonly groups: number;
  readonly epoch: number;
  readonly rows: Map<string, string>;
  /** Of each source, in order. */
  readonly events: string[][];
  readonly counters: number[];
}

export function markOf(source: number): Uint8Array {
  return encodeKey([MARK_TABLE, source]);
}

const EMPTY: Content = {
  groups: 0,
  epoch: 0,
  rows: new Map(),
  events: Array.from({ length: SOURCES }, () => []),
  counters: COUNTERS.map(() => 0),
};

export class AcknowledgedWork {
  /** What the tables held when this process began. */
  readonly #base: Content;
  readonly #sent = new Map<number, Deed>();
  readonly #acknowledged: Deed[] = [];
  #candidates: Candidate[] = [];
  #groups: number;
  epoch: number;
  lastId: number;

  constructor(base: Content = EMPTY, lastId = 0) {
    this.#base = base;
    this.#groups = base.groups;
    this.epoch = base.epoch;
    this.lastId = lastId;
  }

  get point(): Point {
    const { epoch } = this;
    return { deeds: this.#acknowledged.length, groups: this.#groups, epoch, candidates: [...this.#candidates] };
  }

  sent(deed: Deed): void {
    this.#sent.set(deed.id, deed);
  }

  acknowledged(deed: Deed): void {
    this.#acknowledged.push(deed);
  }

  /** A group is about to be written. */
  begins(records: readonly Uint8Array[]): void {
    const deeds: Deed[] = [];
    let epoch: number | undefined;
    const marks = new Set(EMPTY.events.map((_, source) => latin1(markOf(source))));
    const epochKey = latin1(encodeKey(['meta', ...META_EPOCH]));
    for (const record of readRecords(Buffer.concat(records))) {
      visitRecord(record, {
        put: (key, value) => {
          const text = latin1(key);
          if (marks.has(text)) deeds.push(this.#sent.get(Number(latin1(value)))!);
          if (text === epochKey) epoch = Number(Buffer.from(value).readBigUInt64BE());
        },
        delete: () => undefined,
        event: () => undefined,
        add: () => undefined,
      });
    }
    this.#candidates.push({ deeds, epoch });
  }

  /** The group with this number is durable: no other one can have it any more. */
  durable(number: number): void {
    this.#groups = number;
    this.#candidates = [];
  }

  /**
   * What these tables hold, which is what may be there of that moment (AW1); fails when it is nothing of that. A process
   * that lives may hold no candidate.
   */
  judge(point: Point, tables: StoreReader): Content {
    const found = contentOf(tables);
    const certain = this.#contentAt(point);
    if (found.groups === certain.groups) {
      assert.deepEqual(found, certain);
      return found;
    }
    const possible = point.candidates.map((candidate) => withGroup(certain, candidate));
    assert.ok(
      found.groups === certain.groups + 1 && possible.length > 0,
      `the tables hold ${found.groups} groups; ${certain.groups} were acknowledged, ${possible.length} were not`,
    );
    const same = possible.some((content) => isSame(found, content));
    if (!same) assert.deepEqual(found, possible.at(-1));
    return found;
  }

  #contentAt({ deeds, groups, epoch }: Point): Content {
    return { ...withDeeds(this.#base, this.#acknowledged.slice(0, deeds)), groups, epoch };
  }
}

function isSame(a: Content, b: Content): boolean {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    // Another one may be.
    return false;
  }
}

function withGroup(content: Content, { deeds, epoch }: Candidate): Content {
  return { ...withDeeds(content, deeds), groups: content.groups + 1, epoch: epoch ?? content.epoch };
}

function withDeeds(before: Content, deeds: readonly Deed[]): Content {
  const rows = new Map(before.rows);
  const events = before.events.map((each) => [...each]);
  const counters = [...before.counters];
  for (const { source, ops } of deeds) {
    for (const op of ops) {
      if (op.kind === 'put') rows.set(latin1(op.key), latin1(op.value));
      else if (op.kind === 'delete') rows.delete(latin1(op.key));
      else if (op.kind === 'event') events[source]!.push(latin1(op.value));
      else if (op.kind === 'add') counters[op.counter]! += op.delta;
    }
  }
  return { ...before, rows, events, counters };
}

/** Fails when the numbers of the events have a gap, or go on after the last. */
function contentOf(tables: StoreReader): Content {
  const { applied, seq, counters } = readTablesState(tables, COUNTERS);
  const rows = new Map<string, string>();
  for (const table of [MARK_TABLE, ROW_TABLE]) {
    for (const { key, value } of tables.range({ ...rangeOf([table]), limit: 100_000 })) {
      rows.set(latin1(key), latin1(value));
    }
  }
  const events: string[][] = EMPTY.events.map(() => []);
  const stored = storedEvents(tables);
  assert.equal(stored.length, seq, 'there are not as many events as the last number says');
  for (const text of stored) events[Number(text[0])]!.push(text);
  return { groups: applied, epoch: readMetaNumber(tables, META_EPOCH) ?? 0, rows, events, counters: [...counters] };
}
