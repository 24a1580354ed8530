// Memories
//
// What was learned of a subject, written and changed. A memory that has an end is noted by it, so that whoever takes care
// finds it then without looking at the others.
//
// MM1. An active memory with an end has a `memory_expiry` row at that end, and no other memory has one.
// MM2. The bytes of the subject follow every change of a memory.

import { memoryJson } from './record-json.js';
import type { Memory } from './records.js';
import { type Context, lifeKey, type ShelfRow, type SubjectRow } from './state.js';
import { dropVector } from './vectors.js';

/** Writes a memory that is new; gives the subject's row with it, which is not written. */
export function addMemory(context: Context, row: SubjectRow, memory: Memory): SubjectRow {
  const seq = row.lastMemory + 1;
  const json = memoryJson(memory);
  const { place, recall } = context.state;
  context.store.put(lifeKey('memory', place, row.life, seq), [context.now, json] satisfies ShelfRow);
  noteExpiry(context, row.life, seq, memory);
  if (recall?.isReady === true) recall.addMemory(seq, memory);
  return { ...row, memories: row.memories + 1, bytes: row.bytes + Buffer.byteLength(json), lastMemory: seq };
}

/** Writes another state of a memory that is there. */
export function changeMemory(
  context: Context,
  row: SubjectRow,
  seq: number,
  before: Memory,
  after: Memory,
): SubjectRow {
  const { place } = context.state;
  const json = memoryJson(after);
  context.store.put(lifeKey('memory', place, row.life, seq), [after.createdAt, json] satisfies ShelfRow);
  if (before.status === 'active' && before.validTo !== null) {
    context.store.delete(lifeKey('memory_expiry', place, row.life, before.validTo, seq));
  }
  noteExpiry(context, row.life, seq, after);
  if (after.status !== 'active') {
    context.state.recall?.removeMemory(after.id);
    dropVector(context, row.life, seq);
  }
  return { ...row, bytes: row.bytes + Buffer.byteLength(json) - Buffer.byteLength(memoryJson(before)) };
}

function noteExpiry(context: Context, life: number, seq: number, memory: Memory): void {
  if (memory.status !== 'active' || memory.validTo === null) return;
  context.store.put(lifeKey('memory_expiry', context.state.place, life, memory.validTo, seq), null);
}
