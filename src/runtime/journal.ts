// Journal
//
// Makes what turns did durable: everything that was submitted since its last write becomes one group, written and flushed
// once. The window of a group is the time that the previous flush took. The tables follow behind (applier.ts).
//
//     submit(source, batch) ──▶ queue ──commitGroup()──▶ refuse what is stale ──▶ write, flush ──▶ acknowledge
//                                                                  applied(n) ──▶ tell the sources, use segments again
//
// Owns:     the order of commits, event numbers, the committed value of counters, epochs, how far the tables may lag.
// Does not: know what a record means, or which thread it runs in (threads/journal-thread.ts).
//
// J1. Records of one source are committed in the order submitted.
// J2. A record whose epoch is not its slot's is refused (G1), and so is everything its source sent after it.
// J3. A record is acknowledged only after it is durable.
// J4. After a failed group, every record of its sources is refused until they send a newer generation: nothing that
//     builds on a failed turn is written.
// J5. Event numbers grow by one without gaps for the life of the store; they, and counters, are in the group they count.
// J6. While more than UNAPPLIED_BYTES_MAX are not in the tables, no group is begun; while the tables cannot be written,
//     every group is refused.

import { UNAPPLIED_BYTES_MAX } from '../journal-defaults.js';
import { RecordCursor, type RecordView } from './commit-record.js';
import type { Counters, Reservations } from './counters.js';
import type { Progress } from './progress.js';
import type { ShardMap } from './shard-map.js';
import { GROUP_HEADER_BYTES, type GroupHeader, paged } from './storage/group-format.js';
import { epochRecord, type TablesState } from './tables.js';
import { mark, releaseReservation, releaseReservations, Tally, unmark } from './tally.js';

/** A group is cut at this size, so that nobody waits for a write without end. */
export const GROUP_BYTES_MAX = 4 * 1024 * 1024;

export type Acknowledgement =
  /** All records of the source up to this number (from 1) are durable. */
  | { readonly kind: 'durable'; readonly upTo: number }
  /** All records of the source up to this number are in the tables, with everything up to this group. */
  | { readonly kind: 'applied'; readonly upTo: number; readonly group: number }
  /** The rest of what the source has sent was refused. */
  | { readonly kind: 'failed'; readonly reason: string };

export interface JournalSource {
  readonly reservations: Reservations;
  acknowledge(acknowledgement: Acknowledgement): void;
}

/** Where groups are made durable: a SegmentLog. */
export interface GroupLog {
  /** Durable when it returns; refused when it throws. */
  append(group: GroupHeader, records: readonly Uint8Array[], bytes: number): void;
  /** All groups up to this number are in the tables. */
  release(applied: number): void;
}

export interface JournalParts {
  readonly log: GroupLog;
  readonly map: ShardMap;
  readonly counters: Counters;
  readonly progress: Progress;
  /** In place of UNAPPLIED_BYTES_MAX. */
  readonly unappliedBytesMax?: number;
  /** Milliseconds of a clock that never goes back. */
  readonly monotonic: () => number;
  /** A group was written and flushed in so many milliseconds, with so many events. */
  readonly measured?: (ms: number, events: number) => void;
  /** These records are durable, and acknowledged; their events are those after `seqBefore`, up to `lastSeq`. */
  readonly committed?: (seqBefore: number, lastSeq: number, records: readonly Buffer[]) => void;
}

/** Where the store stands when the journal takes over. */
export interface JournalStart extends TablesState {
  readonly epoch: number;
}

/** What the journal knows of one life of one shard worker. */
interface Source extends JournalSource {
  /** Records received so far: the number of the last one. */
  received: number;
  /** Records of an older generation are refused (J4). */
  generation: number;
  /** The last record acknowledged as durable, and the last told as applied. */
  durable: number;
  applied: number;
}

interface Submission {
  readonly source: Source;
  readonly generation: number;
  readonly batch: Buffer;
}

/** Records of one source, one after the other. */
interface Accepted {
  readonly source: Source;
  readonly records: Buffer;
}

interface Group {
  readonly tally: Tally;
  readonly accepted: Accepted[];
  records: number;
  bytes: number;
  /** The last number accepted of each source. */
  readonly upTo: Map<Source, number>;
  /** Sources that sent a record that is refused, and why; told after what they sent before it is acknowledged. */
  readonly refused: Map<Source, string>;
}

/** A durable group that is not in the tables. */
interface Unapplied {
  readonly number: number;
  readonly bytes: number;
  readonly atMs: number;
  readonly upTo: ReadonlyMap<Source, number>;
}

export class Journal {
  readonly #parts: JournalParts;
  readonly #unappliedBytesMax: number;
  readonly #sources = new Map<number, Source>();
  #queue: Submission[] = [];
  #unapplied: Unapplied[] = [];
  #unappliedBytes = 0;
  #group: number;
  #seq: number;
  #epoch: number;
  #groups = 0;
  #records = 0;
  #failures = 0;
  #lastFailure = '';
  /** Why the tables cannot be written (J6). */
  #stuck: string | undefined;

  /** Takes over a store in which everything is applied: its epoch rises, so that whatever an earlier process may still send is stale (J2). */
  constructor(parts: JournalParts, start: JournalStart, slots: readonly number[]) {
    this.#parts = parts;
    this.#unappliedBytesMax = parts.unappliedBytesMax ?? UNAPPLIED_BYTES_MAX;
    this.#group = start.applied;
    this.#seq = start.seq;
    this.#epoch = start.epoch;
    start.counters.forEach((value, index) => {
      parts.counters.load(index, value);
    });
    parts.progress.publishApplied(start.applied);
    parts.progress.publishDurable(start.applied);
    this.fence(slots);
  }

  get stats() {
    const oldest = this.#unapplied[0];
    return {
      batchesWaiting: this.#queue.length,
      groups: this.#groups,
      records: this.#records,
      failures: this.#failures,
      seq: this.#seq,
      epoch: this.#epoch,
      unappliedGroups: this.#unapplied.length,
      unappliedBytes: this.#unappliedBytes,
      unappliedMs: oldest === undefined ? 0 : Math.round(this.#parts.monotonic() - oldest.atMs),
    };
  }

  /** What is durable and not in the tables, in bytes of whole pages. */
  get unappliedBytes(): number {
    return this.#unappliedBytes;
  }

  get failures(): number {
    return this.#failures;
  }

  /** The number of the last durable group. */
  get durable(): number {
    return this.#group;
  }

  /** Why the last group that failed did. */
  get lastFailure(): string {
    return this.#lastFailure;
  }

  /** Something waits, and may be written now (J6). */
  get hasWork(): boolean {
    return this.#queue.length > 0 && (this.#unappliedBytes < this.#unappliedBytesMax || this.#stuck !== undefined);
  }

  attach(id: number, source: JournalSource): void {
    this.#sources.set(id, {
      reservations: source.reservations,
      acknowledge: (acknowledgement) => source.acknowledge(acknowledgement),
      received: 0,
      generation: 0,
      durable: 0,
      applied: 0,
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
    const record = epochRecord(epoch);
    mark(record, this.#parts.progress);
    try {
      this.#append(this.#emptyGroup(), [record], record.length);
    } catch (error) {
      unmark(record, this.#parts.progress);
      throw error;
    }
    this.#epoch = epoch;
    for (const slot of slots) this.#parts.map.setEpoch(slot, epoch);
    return epoch;
  }

  /** Commits what waits, up to GROUP_BYTES_MAX. Blocks until it is on the disk. */
  commitGroup(): void {
    const group = this.#takeGroup();
    if (group.accepted.length > 0) this.#write(group);
    for (const [source, reason] of group.refused) source.acknowledge({ kind: 'failed', reason });
  }

  /** All groups up to this number are in the tables. */
  applied(number: number): void {
    this.#stuck = undefined;
    let done = 0;
    const sources = new Set<Source>();
    while (done < this.#unapplied.length && this.#unapplied[done]!.number <= number) {
      const { bytes, upTo } = this.#unapplied[done++]!;
      this.#unappliedBytes -= bytes;
      for (const [source, last] of upTo) {
        source.applied = last;
        sources.add(source);
      }
    }
    this.#unapplied.splice(0, done);
    for (const source of this.#sources.values()) {
      source.acknowledge({ kind: 'applied', upTo: source.applied, group: number });
    }
    this.#parts.log.release(number);
  }

  /** The tables cannot be written, for this reason; until they are, nothing is accepted (J6). */
  stuck(reason: string): void {
    this.#stuck = reason;
  }

  #write(group: Group): void {
    const seqBefore = this.#seq;
    const records = group.accepted.map((accepted) => accepted.records);
    try {
      if (this.#stuck !== undefined) throw new Error(this.#stuck);
      this.#append(group, records, group.bytes);
    } catch (error) {
      this.#failures++;
      this.#lastFailure = error instanceof Error ? error.message : String(error);
      this.#failGroup(group, this.#lastFailure);
      return;
    }
    this.#groups++;
    this.#records += group.records;
    for (const [source, upTo] of group.upTo) {
      source.durable = upTo;
      source.acknowledge({ kind: 'durable', upTo });
    }
    this.#parts.committed?.(seqBefore, this.#seq, records);
  }

  /** Makes a group durable, with the next number; throws when it is not, and everything is as before. */
  #append(group: Group, records: readonly Uint8Array[], bytes: number): void {
    const { log, progress, monotonic } = this.#parts;
    const number = this.#group + 1;
    const begunMs = monotonic();
    log.append({ number, seqBefore: this.#seq }, records, bytes);
    this.#group = number;
    this.#seq += group.tally.events;
    // What it takes on the disk: a group of one small record is a page.
    const pages = paged(GROUP_HEADER_BYTES + bytes);
    const atMs = monotonic();
    this.#parts.measured?.(atMs - begunMs, group.tally.events);
    this.#unapplied.push({ number, bytes: pages, atMs, upTo: group.upTo });
    this.#unappliedBytes += pages;
    group.tally.settle();
    progress.publishDurable(number);
  }

  #emptyGroup(): Group {
    const tally = new Tally(this.#parts.counters, this.#parts.progress);
    return { tally, accepted: [], records: 0, bytes: 0, upTo: new Map(), refused: new Map() };
  }

  #takeGroup(): Group {
    const group = this.#emptyGroup();
    let taken = 0;
    while (taken < this.#queue.length && group.bytes < GROUP_BYTES_MAX) this.#accept(this.#queue[taken++]!, group);
    this.#queue = taken === this.#queue.length ? [] : this.#queue.slice(taken);
    return group;
  }

  #accept({ source, generation, batch }: Submission, group: Group): void {
    let end = 0;
    let accepted = 0;
    const record = new RecordCursor(batch);
    while (record.next()) {
      source.received++;
      const reason = this.#refusal(source, generation, record, group);
      if (reason === undefined) {
        end = record.end;
        group.records++;
        accepted = source.received;
        continue;
      }
      releaseReservation(record, source.reservations);
      if (generation !== source.generation) continue;
      source.generation++;
      group.refused.set(source, reason);
    }
    // What is accepted of a batch is its beginning: one refused record refuses all that follow it.
    if (end === 0) return;
    group.accepted.push({ source, records: end === batch.length ? batch : batch.subarray(0, end) });
    group.bytes += end;
    group.upTo.set(source, accepted);
  }

  /** Why a record is not accepted. */
  #refusal(source: Source, generation: number, record: RecordView, group: Group): string | undefined {
    if (generation !== source.generation) return 'it builds on what was refused';
    if (record.epoch !== this.#parts.map.epoch(record.slot)) return `slot ${record.slot} has another owner`;
    return group.tally.accept(record, source.reservations);
  }

  #failGroup(group: Group, reason: string): void {
    for (const { source, records } of group.accepted) {
      unmark(records, this.#parts.progress);
      releaseReservations(records, source.reservations);
    }
    for (const source of group.upTo.keys()) {
      // A source with a refused record behind these is told once, of that, and has its newer generation already.
      if (group.refused.has(source)) continue;
      source.generation++;
      source.acknowledge({ kind: 'failed', reason });
    }
  }
}
