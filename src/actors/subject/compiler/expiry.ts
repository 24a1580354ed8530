// Expiry
//
// How long memories of a kind are kept, as `memory.kind_ttl_days` says it.

import type { Memory, MemoryKind } from '../records.js';

export type KindTtlDays = { readonly [kind in MemoryKind]?: number };

const DAY_MS = 86_400_000;

/** When a memory written at `writtenAtMs` ends; null: never. Counted from the writing, since what is told may be long past. */
export function expiryOf(kind: MemoryKind, writtenAtMs: number, ttlDays: KindTtlDays): number | null {
  const days = ttlDays[kind];
  return days === undefined ? null : writtenAtMs + days * DAY_MS;
}

/** `memory` with its end stamped: the earlier of its own and its kind's. */
export function withExpiry(memory: Memory, writtenAtMs: number, ttlDays: KindTtlDays): Memory {
  const expiry = expiryOf(memory.kind, writtenAtMs, ttlDays);
  if (expiry === null || (memory.validTo !== null && memory.validTo <= expiry)) return memory;
  return { ...memory, validTo: expiry };
}

/** Whether a memory is of no more use at `nowMs`: from that instant on nobody sees it. */
export function isExpired(memory: Pick<Memory, 'validTo'>, nowMs: number): boolean {
  return memory.validTo !== null && memory.validTo <= nowMs;
}
