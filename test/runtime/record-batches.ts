// Batches of commit records as a shard would send them, and the whole of a store to compare.

import { Batch } from '../../src/runtime/batch.js';
import { RecordWriter } from '../../src/runtime/commit-record.js';

export type Op =
  | { readonly kind: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: Uint8Array }
  | { readonly kind: 'event'; readonly value: Uint8Array }
  | { readonly kind: 'rewrite'; readonly seq: number; readonly value: Uint8Array }
  | { readonly kind: 'add'; readonly counter: number; readonly delta: number; readonly reserved: boolean };

export interface RecordPlan {
  readonly slot: number;
  readonly epoch: number;
  readonly ops: readonly Op[];
}

/** One record of each plan, in a buffer of its own. */
export function batchOf(plans: readonly RecordPlan[]): ArrayBuffer {
  const batch = new Batch();
  const writer = new RecordWriter(batch);
  for (const plan of plans) {
    writer.begin();
    for (const op of plan.ops) {
      if (op.kind === 'put') writer.put(op.key, op.value);
      else if (op.kind === 'delete') writer.delete(op.key);
      else if (op.kind === 'event') writer.event(op.value);
      else if (op.kind === 'rewrite') writer.rewrite(op.seq, op.value);
      else writer.add(op.counter, op.delta, op.reserved);
    }
    writer.end(plan);
  }
  return batch.take();
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
