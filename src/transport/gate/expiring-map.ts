// Expiring map
//
// A Map whose entries all live equally long. They expire in the order in which they came, so that a list through them
// is enough to forget old ones a few at a time, without a timer and without a scan.
//
// Owns:     lifetime, order and bound of its entries.
// Does not: read a clock: every call says what time it is, in milliseconds that never run backwards.
//
// X1. get() never gives an entry that is `lifetimeMs` old or older.
// X2. size <= entriesMax: set() of a new key drops the oldest one for it. Who would rather refuse asks `full` first.
// X3. onDrop hears of every entry that leaves, once, for whatever reason.

import { invariant } from '../../invariant.js';

export interface ExpiringMapOptions<V> {
  readonly lifetimeMs: number;
  readonly entriesMax: number;
  readonly onDrop?: (key: string, value: V) => void;
}

interface Link<V> {
  readonly key: string;
  readonly value: V;
  readonly bornMs: number;
  older: Link<V> | undefined;
  newer: Link<V> | undefined;
}

export class ExpiringMap<V> {
  readonly #links = new Map<string, Link<V>>();
  readonly #lifetimeMs: number;
  readonly #entriesMax: number;
  readonly #onDrop: ((key: string, value: V) => void) | undefined;
  #oldest: Link<V> | undefined;
  #newest: Link<V> | undefined;

  constructor(options: ExpiringMapOptions<V>) {
    invariant(options.entriesMax >= 1, 'an expiring map holds at least one entry');
    this.#lifetimeMs = options.lifetimeMs;
    this.#entriesMax = options.entriesMax;
    this.#onDrop = options.onDrop;
  }

  /** Expired entries that were not dropped yet are counted. */
  get size(): number {
    return this.#links.size;
  }

  /** Whether another key would push out the oldest one. */
  get full(): boolean {
    return this.#links.size >= this.#entriesMax;
  }

  get(key: string, nowMs: number): V | undefined {
    const link = this.#links.get(key);
    if (link === undefined) return undefined;
    if (!this.#expired(link, nowMs)) return link.value;
    this.#drop(link);
    return undefined;
  }

  /** Begins a new life, as the newest entry, also for a key that is there. */
  set(key: string, value: V, nowMs: number): void {
    this.delete(key);
    while (this.full && this.#oldest !== undefined) this.#drop(this.#oldest);
    const link: Link<V> = { key, value, bornMs: nowMs, older: this.#newest, newer: undefined };
    if (this.#newest === undefined) this.#oldest = link;
    else this.#newest.newer = link;
    this.#newest = link;
    this.#links.set(key, link);
  }

  delete(key: string): void {
    const link = this.#links.get(key);
    if (link !== undefined) this.#drop(link);
  }

  /** Drops expired entries, oldest first, at most `countMax`. One comparison when there is none. */
  dropExpired(nowMs: number, countMax: number): void {
    for (let left = countMax; left > 0; left--) {
      const link = this.#oldest;
      if (link === undefined || !this.#expired(link, nowMs)) return;
      this.#drop(link);
    }
  }

  #expired(link: Link<V>, nowMs: number): boolean {
    return nowMs - link.bornMs >= this.#lifetimeMs;
  }

  #drop(link: Link<V>): void {
    this.#links.delete(link.key);
    if (link.older === undefined) this.#oldest = link.newer;
    else link.older.newer = link.newer;
    if (link.newer === undefined) this.#newest = link.older;
    else link.newer.older = link.older;
    this.#onDrop?.(link.key, link.value);
  }
}
