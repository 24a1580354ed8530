// Audit findings
//
// What an audit knows while it runs: the store it reads, what it found wrong, and what it recounted so far.
//
// U3. At most FINDINGS_MAX findings are kept; all are counted.

import type { Key } from '../runtime/actor.js';
import { decodeValue } from '../runtime/codec.js';
import { decodeKey, encodeKey, rangeOf } from '../runtime/storage/keys.js';
import { readMetaNumber } from '../runtime/storage/meta.js';
import type { StoreReader } from '../runtime/storage/store.js';

export const FINDINGS_MAX = 1000;

export interface Finding {
  readonly table: string;
  /** The parts after the table as JSON, or the bytes in hex where they could not be decoded. */
  readonly key: string;
  readonly problem: string;
}

/** What a rule may do: look at other rows, keep totals, report. */
export class Audit {
  readonly findings: Finding[] = [];
  findingsTotal = 0;
  readonly #reader: StoreReader;
  /** What the counters of the store must be, as recounted so far. */
  readonly #totals = new Map<string, number>();

  constructor(reader: StoreReader) {
    this.#reader = reader;
  }

  report(key: Key, problem: string): void {
    this.reportText(key[0], JSON.stringify(key.slice(1)), problem);
  }

  reportText(table: string, key: string, problem: string): void {
    this.findingsTotal++;
    if (this.findings.length < FINDINGS_MAX) this.findings.push({ table, key, problem });
  }

  /** Another row, or undefined when there is none or it cannot be read; the latter is reported when its turn comes. */
  lookup(key: Key): unknown {
    const bytes = this.#reader.get(encodeKey(key));
    if (bytes === undefined) return undefined;
    const decoded = attempt(() => decodeValue(bytes));
    return decoded.ok ? decoded.value : undefined;
  }

  hasAnyUnder(key: Key): boolean {
    return this.#reader.rangeKeys({ ...rangeOf(key), limit: 1 }).length > 0;
  }

  /** The first keys that begin with these parts. */
  keysUnder(key: Key, limit: number): Key[] {
    return this.#reader.rangeKeys({ ...rangeOf(key), limit }).map(decodeKey);
  }

  /** A number under `meta`, 0 when it was never written. */
  metaNumber(...name: string[]): number {
    return readMetaNumber(this.#reader, name) ?? 0;
  }

  count(counter: string, by: number): void {
    this.#totals.set(counter, (this.#totals.get(counter) ?? 0) + by);
  }

  recounted(counter: string): number {
    return this.#totals.get(counter) ?? 0;
  }
}

export type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** Damaged data throws in many ways (U2); each of them becomes a reason. */
export function attempt<T>(read: () => T): Attempt<T> {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
