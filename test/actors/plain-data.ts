// Plain data: what messages and rows are made of.

import assert from 'node:assert/strict';

/** A copy, as it would come out of the codec. Fails on what does not survive one. Strings, however long, are shared. */
export function plain<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  const type = typeof value;
  assert.ok(type !== 'undefined' && type !== 'function' && type !== 'symbol', `plain data has no ${type}`);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.map(copy);
  assert.equal(Object.getPrototypeOf(value), Object.prototype, 'plain data has no classes');
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copy(member)]));
}
