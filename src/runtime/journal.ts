// Journal
//
// The only writer of the store. Everything that was submitted since its last commit becomes one transaction: the
// window of a group is the time that the previous commit took.
//
//     submit(source, batch) ──▶ queue ──commitGroup()──▶ refuse what is stale ──▶ one transaction ──▶ acknowledge
//
// Owns:     the order of commits, event numbers, the committed value of counters, epochs.
// Does not: know what a record means, or which thread it runs in (threads/journal-thread.ts).
//
// J1. Records of one source are committed in the order submitted.
// J2. A record whose epoch is not its slot's is refused (G1), and so is everything its source sent after it.
// J3. A record is acknowledged only after it is durable.
// J4. After a failed group, every record of its sources is refused until they send a newer generation: nothing that
//     builds on a failed turn is written.
// J5. Event numbers grow by one without gaps for the life of the store; they, and counters, are in the commit they count.

import { type RecordView, type RecordVisitor, readRecords, visitRecord } from './commit-record.js';
import type { Counters, Reservations } from './counters.js';
import { forgettableBefore, IDEMPOTENCY_TABLE } from './idempotency.js';
import type { ShardMap } from './shard-map.js';
import { encodeKey, rangeOf } from './storage/keys.js';
import { readMetaNumber, writeMetaNumber } from './storage/meta.js';
import type { Store, WriteBatch } from './storage/store.js';
import type { CommitCount } from './store-view.js';

export const EVENT_TABLE = 'event';
export const META_EPOCH = ['epoch'];
export const META_SEQ = ['seq'];
export const metaCounter = (name: string): readonly string[] => ['counter', name];

/** A group is cut at this size, so that nobody waits for a transaction without end. */
export const GROUP_BYTES_MAX = 16 * 1024 * 1024;
/** Remembered answers deleted in one go. */
export const FORGET_SLICE = 1000;

export type Acknowledgement =
  /** All records of the source up to this number (from 1) are durable. */
  | { readonly kind: 'durable'; readonly upTo: number }
  /** The rest of what the source has sent was refused. */
  | { readonly kind: 'failed'; readonly reason: string };

export interface JournalSource {
  readonly reservations: Reservations;
  acknowledge(acknowledgement: Acknowledgement): void;
}

export interface JournalParts {
  readonly store: Store;
  readonly map: ShardMap;
  readonly counters: Counters;
  readonly commits: CommitCount;
}

/** What the journal knows of one life of one shard worker. */
interface Source extends JournalSource {
  /** Records received so far: the number of the last one. */
  received: number;
  /** Records of an older generation are refused (J4). */
  generation: number;
}

interface Submission {
  readonly source: Source;
  readonly generation: number;
  readonly batch: Buffer;
}

interface Group {
  readonly records: { readonly source: Source; readonly record: RecordView }[];
  /** The last number accepted of each source. */
  readonly upTo: Map<Source, number>;
  /** Sources that sent a stale record, and why; told after what they sent before it is acknowledged. */
  readonly stale: Map<Source, string>;
}

export class Journal {
  readonly #parts: JournalParts;
  readonly #sources = new Map<number, Source>();
  #queue: Submission[] = [];
  #seq: number;
  #epoch: number;
  #groups = 0;
  #records = 0;
  #failures = 0;
  #lastFailure = '';

  /** Takes over a store: its epoch rises, so that whatever an earlier process may still send is stale (J2). */
  constructor(parts: JournalParts, slots: readonly number[]) {
    this.#parts = parts;
    this.#seq = readMetaNumber(parts.store, META_SEQ) ?? 0;
    this.#epoch = readMetaNumber(parts.store, META_EPOCH) ?? 0;
    parts.counters.names.forEach((name, index) => {
      parts.counters.load(index, readMetaNumber(parts.store, metaCounter(name)) ?? 0);
    });
    this.fence(slots);
  }

  get stats() {
    return {
      batchesWaiting: this.#queue.length,
      groups: this.#groups,
      records: this.#records,
      failures: this.#failures,
      seq: this.#seq,
      epoch: this.#epoch,
    };
  }

  /** Why the last group that failed did. */
  get lastFailure(): string {
    return this.#lastFailure;
  }

  get hasWork(): boolean {
    return this.#queue.length > 0;
  }

  attach(id: number, source: JournalSource): void {
    this.#sources.set(id, {
      reservations: source.reservations,
      acknowledge: (acknowledgement) => source.acknowledge(acknowledgement),
      received: 0,
      generation: 0,
    });
  }

  /** The thread of this source has ended: what it sent is committed or refused, what it still held is given back. */
  detach(id: number): void {
    const source = this.#sources.get(id);
    if (source === undefined) return;
    while (this.#queue.some((submission) => submission.source === source)) this.commitGroup();
    source.reservations.releaseAll();
    this.#sources.delete(id);
  }

  submit(id: number, batch: ArrayBuffer, generation: number): void {
    const source = this.#sources.get(id);
    if (source !== undefined) this.#queue.push({ source, generation, batch: Buffer.from(batch) });
  }

  /** From now on only records of the returned epoch are accepted for these slots. Durable when it returns. */
  fence(slots: readonly number[]): number {
    const epoch = this.#epoch + 1;
    this.#parts.store.commit((batch) => writeMetaNumber(batch, META_EPOCH, epoch));
    this.#epoch = epoch;
    for (const slot of slots) this.#parts.map.setEpoch(slot, epoch);
    return epoch;
  }

  /** Commits what waits, up to GROUP_BYTES_MAX. Blocks until it is on the disk. */
  commitGroup(): void {
    const group = this.#takeGroup();
    if (group.records.length > 0) this.#write(group);
    for (const [source, reason] of group.stale) source.acknowledge({ kind: 'failed', reason });
  }

  #write(group: Group): void {
    const tally = new Tally(this.#parts.counters, this.#seq);
    try {
      this.#parts.store.commit((batch) => {
        tally.begin(batch);
        for (const { source, record } of group.records) tally.apply(source.reservations, record);
        tally.end();
      });
    } catch (error) {
      this.#failures++;
      this.#lastFailure = error instanceof Error ? error.message : String(error);
      this.#failGroup(group, this.#lastFailure);
      return;
    }
    this.#seq = tally.seq;
    this.#groups++;
    this.#records += group.records.length;
    tally.settle();
    this.#parts.commits.increment();
    for (const [source, upTo] of group.upTo) source.acknowledge({ kind: 'durable', upTo });
  }

  /** Deletes some of the remembered answers that are too old to matter; true when there may be more. */
  forgetAnswers(nowMs: number): boolean {
    const { start } = rangeOf([IDEMPOTENCY_TABLE]);
    const end = encodeKey(forgettableBefore(nowMs));
    this.#parts.store.refresh();
    const keys = this.#parts.store.rangeKeys({ start, end, limit: FORGET_SLICE });
    if (keys.length === 0) return false;
    this.#parts.store.commit((batch) => {
      for (const key of keys) batch.delete(key);
    });
    return keys.length === FORGET_SLICE;
  }

  #takeGroup(): Group {
    const group: Group = { records: [], upTo: new Map(), stale: new Map() };
    let bytes = 0;
    let taken = 0;
    while (taken < this.#queue.length && bytes < GROUP_BYTES_MAX) {
      const submission = this.#queue[taken++]!;
      bytes += submission.batch.length;
      this.#accept(submission, group);
    }
    this.#queue = this.#queue.slice(taken);
    return group;
  }

  #accept({ source, generation, batch }: Submission, group: Group): void {
    for (const record of readRecords(batch)) {
      source.received++;
      if (generation !== source.generation) {
        release(source, record);
      } else if (record.epoch !== this.#parts.map.epoch(record.slot)) {
        release(source, record);
        source.generation++;
        group.stale.set(source, `slot ${record.slot} has another owner`);
      } else {
        group.records.push({ source, record });
        group.upTo.set(source, source.received);
      }
    }
  }

  #failGroup(group: Group, reason: string): void {
    for (const { source, record } of group.records) release(source, record);
    for (const source of group.upTo.keys()) {
      // A source with a stale record behind these is told once, of that, and has its newer generation already.
      if (group.stale.has(source)) continue;
      source.generation++;
      source.acknowledge({ kind: 'failed', reason });
    }
  }
}

/** Gives back what a record reserved that will not be committed. */
function release(source: Source, record: RecordView): void {
  visitRecord(record, {
    put: () => undefined,
    delete: () => undefined,
    event: () => undefined,
    add(counter, delta, reserved) {
      if (reserved) source.reservations.release(counter, delta);
    },
  });
}

/** Applies the records of one group to a transaction, and keeps the sums that become true when it is durable. */
class Tally implements RecordVisitor {
  readonly #counters: Counters;
  readonly #deltas: Float64Array;
  readonly #unreserved: Float64Array;
  readonly #reserved = new Map<Reservations, Float64Array>();
  readonly #seqBefore: number;
  #batch: WriteBatch | undefined;
  #source: Reservations | undefined;
  seq: number;

  constructor(counters: Counters, seq: number) {
    this.#counters = counters;
    this.#deltas = new Float64Array(counters.names.length);
    this.#unreserved = new Float64Array(counters.names.length);
    this.#seqBefore = seq;
    this.seq = seq;
  }

  begin(batch: WriteBatch): void {
    this.#batch = batch;
  }

  apply(source: Reservations, record: RecordView): void {
    this.#source = source;
    visitRecord(record, this);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#batch!.put(key, value);
  }

  delete(key: Uint8Array): void {
    this.#batch!.delete(key);
  }

  event(value: Uint8Array): void {
    this.seq++;
    this.#batch!.put(encodeKey([EVENT_TABLE, this.seq]), value);
  }

  add(counter: number, delta: number, reserved: boolean): void {
    this.#deltas[counter]! += delta;
    if (!reserved) {
      this.#unreserved[counter]! += delta;
      return;
    }
    const source = this.#source!;
    let sums = this.#reserved.get(source);
    if (sums === undefined) {
      sums = new Float64Array(this.#counters.names.length);
      this.#reserved.set(source, sums);
    }
    sums[counter]! += delta;
  }

  /** The group's own numbers, in the same transaction (J5). */
  end(): void {
    if (this.seq !== this.#seqBefore) writeMetaNumber(this.#batch!, META_SEQ, this.seq);
    this.#counters.names.forEach((name, index) => {
      const delta = this.#deltas[index]!;
      if (delta !== 0) writeMetaNumber(this.#batch!, metaCounter(name), this.#counters.committed(index) + delta);
    });
  }

  /** The transaction is durable. */
  settle(): void {
    for (let index = 0; index < this.#deltas.length; index++) {
      if (this.#deltas[index] !== 0) this.#counters.addCommitted(index, this.#deltas[index]!);
      if (this.#unreserved[index] !== 0) this.#counters.addUsed(index, this.#unreserved[index]!);
    }
    for (const [source, sums] of this.#reserved) {
      sums.forEach((sum, index) => {
        if (sum !== 0) source.settle(index, sum);
      });
    }
  }
}
