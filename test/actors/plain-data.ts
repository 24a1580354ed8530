// Plain data: what messages and rows are made of.

import assert from 'node:assert/strict';

/** A copy, as it would come out of the codec. Fails on what does not survive one. */
export function plain<T>(value: T): T {
  assertPlain(value);
  return structuredClone(value);
}

function assertPlain(value: unknown): void {
  assert.notEqual(typeof value, 'undefined', 'plain data has no undefined');
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  assert.ok(Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype, 'plain data has no classes');
  for (const member of Object.values(value)) assertPlain(member);
}
