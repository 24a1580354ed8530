// Turn reads
//
// What a turn sees of the store.
//
// Owns:     the writes of the turn.
// Does not: put any other effect (turn.ts).
//
// T2. A read sees the turn's own writes, then those of the actor that are not in the tables yet, then the tables.

import { invariant } from '../invariant.js';
import type { Cell } from './cell.js';
import { decodeValue } from './codec.js';
import type { Key, KeyedValue, RangeQuery, StoreReads } from './context.js';
import type { OwnWrites, WriteVisitor } from './merged-range.js';
import { encodeKey } from './storage/keys.js';
import type { TurnSources } from './turn-sources.js';
import { hashOf, WriteSet } from './write-set.js';

export class TurnReads implements StoreReads, OwnWrites {
  readonly #sources: TurnSources;
  #cell: Cell | undefined;
  readonly writes = new WriteSet();

  constructor(sources: TurnSources) {
    this.#sources = sources;
  }

  /** Makes it the turn of this actor; undefined: of none. */
  attach(cell: Cell | undefined): void {
    this.#cell = cell;
  }

  /** The actor whose turn it is. Throws a Defect between two turns. */
  get current(): Cell {
    invariant(this.#cell !== undefined, 'a turn was used after it had ended');
    return this.#cell;
  }

  get(key: Key): unknown {
    return this.getEncoded(encodeKey(key));
  }

  /** What get() gives, by the key's bytes. */
  getEncoded(key: Uint8Array): unknown {
    let value = this.#ownValue(key);
    if (value === undefined) value = this.#sources.view.getBytes(key);
    return value === undefined || value === null ? undefined : decodeValue(value);
  }

  /** What get() decodes, as bytes that stay as they are: what the actor wrote lies in memory that is used again. */
  storedBytes(key: Key): Uint8Array | undefined {
    const bytes = encodeKey(key);
    const own = this.#ownValue(bytes);
    if (own === undefined) return this.#sources.view.getBytes(bytes);
    return own === null ? undefined : Uint8Array.from(own);
  }

  range(query: RangeQuery): KeyedValue[] {
    return this.#sources.view.range(query, this.#own());
  }

  rangeKeys(query: RangeQuery): Key[] {
    return this.#sources.view.rangeKeys(query, this.#own());
  }

  count(query: Omit<RangeQuery, 'limit' | 'reverse'>): number {
    return this.#sources.view.count(query, this.#own());
  }

  eachOwnWriteIn(start: Uint8Array, end: Uint8Array, visit: WriteVisitor): void {
    for (const { key, value } of this.writes.list) {
      if (Buffer.compare(key, start) >= 0 && Buffer.compare(key, end) < 0) visit(key, value);
    }
    this.#sources.overlay.eachIn(this.current, start, end, visit);
  }

  counter(name: string): number {
    return this.#sources.counters.committed(this.#sources.counters.index(name));
  }

  /** What this actor wrote under a key, and the tables may not hold yet; null when it deleted it. */
  #ownValue(key: Uint8Array): Uint8Array | null | undefined {
    const cell = this.current;
    if (cell.unapplied === 0 && this.writes.size === 0) return undefined;
    const hash = hashOf(key);
    const own = this.writes.get(key, hash);
    return own === undefined ? this.#sources.overlay.get(cell, key, hash) : own.value;
  }

  /** Nothing, when no write of this actor can be missing in the tables. */
  #own(): OwnWrites | undefined {
    return this.current.unapplied === 0 && this.writes.size === 0 ? undefined : this;
  }
}
