// Idempotency
//
// An ask that carries a key happens at most once. Its answer is written in the same commit as its effects, under the
// day of the writing, so that forgetting old answers is deleting whole days, which nobody writes to any more.
//
// I1. A repeat within IDEMPOTENCY_MS finds the first answer; with another fingerprint it is a conflict.
// I2. Only answers are remembered, never refusals: a refused ask may be tried again.
// I3. No answer is deleted before it is at least IDEMPOTENCY_MS old.

import type { Key } from './actor.js';
import type { Idempotency } from './ref.js';

const DAY_MS = 24 * 60 * 60 * 1000;
export const IDEMPOTENCY_MS = DAY_MS;
export const IDEMPOTENCY_TABLE = 'idem';

export type Remembered = { readonly kind: 'answer'; readonly payload: Uint8Array } | { readonly kind: 'conflict' };

/** Where the answer of an earlier ask lies, if it is remembered: the first of these that is there and not too old. */
export function answerKeys({ scope, key }: Idempotency, nowMs: number): readonly [Key, Key] {
  const today = Math.floor(nowMs / DAY_MS);
  return [
    [IDEMPOTENCY_TABLE, today, scope, key],
    [IDEMPOTENCY_TABLE, today - 1, scope, key],
  ];
}

/** Looks for the answer of an earlier ask. `get` reads a stored value. */
export function findAnswer(
  get: (key: Key) => unknown,
  idempotency: Idempotency,
  nowMs: number,
): Remembered | undefined {
  for (const place of answerKeys(idempotency, nowMs)) {
    const stored = get(place);
    if (stored === undefined) continue;
    const [fingerprint, at, payload] = stored as [string, number, Uint8Array];
    if (nowMs - at >= IDEMPOTENCY_MS) continue;
    return fingerprint === idempotency.fingerprint ? { kind: 'answer', payload } : { kind: 'conflict' };
  }
  return undefined;
}

/** The key and value under which an answer (encoded) is remembered. */
export function answerEntry(
  idempotency: Idempotency,
  nowMs: number,
  payload: Uint8Array,
): { key: Key; value: unknown } {
  return {
    key: answerKeys(idempotency, nowMs)[0],
    value: [idempotency.fingerprint, nowMs, payload],
  };
}

/** Every remembered answer before this key (exclusive) is old enough to be forgotten (I3). */
export function forgettableBefore(nowMs: number): Key {
  return [IDEMPOTENCY_TABLE, Math.floor(nowMs / DAY_MS) - 1];
}
