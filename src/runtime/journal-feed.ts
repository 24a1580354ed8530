// Journal feed
//
// A shard's end of the way to the journal: commit records written into a batch, sent at the end of each tick.
//
// Owns:     the outbound batch, the bytes not yet settled, and the generation.
// Does not: number records or hold what waits for them (gate.ts).
//
// JF1. Records reach the journal in the order in which they were appended.
// JF2. After fail(), records carry a new generation; the journal refuses every record of the older one, so nothing that
//      builds on a failed turn is ever written.
// JF3. isFull once UNSETTLED_BYTES_MAX wait: the shard then begins no turn until the journal has caught up.

import { invariant } from '../invariant.js';
import { Batch } from './batch.js';
import { OPS_MAX, type RecordHeader, RecordWriter } from './commit-record.js';
import type { Turn } from './turn.js';

export const UNSETTLED_BYTES_MAX = 64 * 1024 * 1024;
/** A batch is sent before the end of the tick once it is this large, so that the journal can begin. */
const EARLY_FLUSH_BYTES = 256 * 1024;

export interface JournalPort {
  submit(batch: ArrayBuffer, generation: number): void;
}

export class JournalFeed {
  readonly #port: JournalPort;
  readonly #batch = new Batch();
  readonly #writer = new RecordWriter(this.#batch);
  #generation = 0;
  #appended = 0;
  #unsettledBytes = 0;
  /** How many bytes each flush carried, by the number of its last record. */
  #flushes: { readonly last: number; readonly bytes: number }[] = [];

  constructor(port: JournalPort) {
    this.#port = port;
  }

  get isFull(): boolean {
    return this.#unsettledBytes + this.#batch.used > UNSETTLED_BYTES_MAX;
  }

  /** Appends the durable effects of a turn as one record. Throws a Defect, and appends nothing, when there are too many. */
  append(header: RecordHeader, turn: Turn): void {
    const ops = turn.writes.size + turn.events.length + turn.adds.length + turn.rewrites.length;
    invariant(ops <= OPS_MAX, () => `a turn put ${ops} effects; at most ${OPS_MAX} make one record`);
    const writer = this.#writer;
    writer.begin();
    for (const { key, value } of turn.writes.list) {
      if (value === null) writer.delete(key);
      else writer.put(key, value);
    }
    for (const event of turn.events) writer.event(event);
    for (const { counter, delta, reserved } of turn.adds) writer.add(counter, delta, reserved);
    for (const { seq, value } of turn.rewrites) writer.rewrite(seq, value);
    writer.end(header);
    this.#appended++;
    if (this.#batch.used >= EARLY_FLUSH_BYTES) this.flush();
  }

  flush(): void {
    const bytes = this.#batch.used;
    if (bytes === 0) return;
    this.#flushes.push({ last: this.#appended, bytes });
    this.#unsettledBytes += bytes;
    this.#port.submit(this.#batch.take(), this.#generation);
  }

  /** All records up to this number are durable. */
  settled(upTo: number): void {
    let done = 0;
    while (done < this.#flushes.length && this.#flushes[done]!.last <= upTo) {
      this.#unsettledBytes -= this.#flushes[done]!.bytes;
      done++;
    }
    if (done > 0) this.#flushes.splice(0, done);
  }

  /** A commit failed: what is still in the batch goes with the old generation, to be refused with the rest (JF2). */
  fail(): void {
    this.flush();
    this.#generation++;
    this.#flushes = [];
    this.#unsettledBytes = 0;
  }
}
