// The order of keys and the meaning of a range, as src/runtime/actor.ts states them.

import assert from 'node:assert/strict';
import type { Key, RangeQuery } from '../../src/runtime/actor.js';

/** Whether a range holds the key. */
export function matches(key: Key, { under, prefix, after, reverse }: Omit<RangeQuery, 'limit'>): boolean {
  if (key.length < under.length) return false;
  for (let i = 0; i < under.length; i++) if (key[i] !== under[i]) return false;
  if (prefix !== undefined) {
    const part = key[under.length];
    if (typeof part !== 'string' || !part.startsWith(prefix)) return false;
  }
  if (after === undefined) return true;
  const order = compareKeys(key, after);
  return reverse === true ? order < 0 : order > 0;
}

/** The order of keys, by the tuples themselves: independent of how the store encodes them. */
export function compareKeys(a: Key, b: Key): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareParts(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareParts(a: Key[number], b: Key[number]): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  assert.fail('parts at one place of a table have one type');
}
