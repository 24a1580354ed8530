// Write set
//
// What one turn wrote, each key once, the newest write of it.

import { randomInt } from 'node:crypto';
import { keyText } from './merged-range.js';

/** From this many on, keys are found by a map; fewer are looked through. */
const INDEX_AT = 16;

/** Callers choose keys: nobody outside may know which of them share a bucket. */
const SEED = randomInt(2 ** 32) | 0;

export interface Write {
  readonly key: Uint8Array;
  /** hashOf(key). */
  readonly hash: number;
  /** null: deleted. */
  readonly value: Uint8Array | null;
}

export class WriteSet {
  #list: Write[] = [];
  #index: Map<string, number> | undefined;

  get size(): number {
    return this.#list.length;
  }

  /** In the order in which the keys were first written. */
  get list(): readonly Write[] {
    return this.#list;
  }

  get(key: Uint8Array, hash: number): Write | undefined {
    const place = this.#place(key, hash);
    return place === -1 ? undefined : this.#list[place];
  }

  set(key: Uint8Array, value: Uint8Array | null): void {
    const hash = hashOf(key);
    const place = this.#place(key, hash);
    if (place !== -1) {
      this.#list[place] = { key, hash, value };
      return;
    }
    this.#list.push({ key, hash, value });
    this.#index?.set(keyText(key), this.#list.length - 1);
  }

  clear(): void {
    if (this.#list.length === 0) return;
    this.#list = [];
    this.#index = undefined;
  }

  #place(key: Uint8Array, hash: number): number {
    const list = this.#list;
    if (list.length >= INDEX_AT) {
      this.#index ??= new Map(list.map((write, place) => [keyText(write.key), place]));
      return this.#index.get(keyText(key)) ?? -1;
    }
    for (let place = 0; place < list.length; place++) {
      const write = list[place]!;
      if (write.hash === hash && isSame(write.key, key)) return place;
    }
    return -1;
  }
}

/** FNV-1a of a key, which lies in `bytes` at [from, to), folded, in 32 bits: good for the life of this thread only. */
export function hashOf(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let hash = SEED;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash ^ (hash >>> 15);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
