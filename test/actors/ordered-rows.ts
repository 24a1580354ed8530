// Rows in the order of their keys, each key once.

import type { Key, KeyedValue } from '../../src/runtime/actor.js';
import { compareKeys } from './key-order.js';

export class OrderedRows {
  readonly all: KeyedValue[] = [];

  get(key: Key): unknown {
    const at = this.#place(key);
    return this.#isAt(at, key) ? this.all[at]!.value : undefined;
  }

  put(key: Key, value: unknown): void {
    const at = this.#place(key);
    this.all.splice(at, this.#isAt(at, key) ? 1 : 0, { key, value });
  }

  delete(key: Key): void {
    const at = this.#place(key);
    if (this.#isAt(at, key)) this.all.splice(at, 1);
  }

  #isAt(at: number, key: Key): boolean {
    const row = this.all[at];
    return row !== undefined && compareKeys(row.key, key) === 0;
  }

  #place(key: Key): number {
    let low = 0;
    let high = this.all.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(this.all[middle]!.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
