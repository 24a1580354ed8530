// Catch-up
//
// What others wrote is durable some time before it is in the tables. A turn that reads it begins only when the tables hold
// all of it that was acknowledged when the turn's time had come; until then its cell is parked here.
//
//     turn ── reads keys of others, or whole tables ── all in the tables? ── yes ──▶ runs
//                                                             │ no
//                                                             ▼
//                  parked, the journal asked to settle ── tables have come as far as the journal was ──▶ runs
//
// Owns:     the queue of parked cells, and what the journal was asked for.
// Does not: know what a turn reads (actor.ts: `activationReads`, `reads`), or move envelopes (shard.ts).
//
// CU1. When a turn begins, everything in its reads that was acknowledged when it was first to begin is in the tables, or
//      among its actor's own writes.
// CU2. A cell waits for what was durable when it was parked, and for nothing later: traffic cannot keep it from running.
// CU3. Cells go on in the order in which they were parked.
// CU4. The journal is asked once for all who wait; again only when it has done that and some wait for more.
// CU5. In a new life of a shard, no cell is activated before all that former lives wrote is in the tables.

import type { ForeignReads, Key } from './actor.js';
import type { Cell, Parked } from './cell.js';
import type { Envelope } from './envelope.js';
import type { Overlay } from './overlay.js';
import type { Progress } from './progress.js';
import { encodeKey } from './storage/keys.js';

export interface CatchUpParts {
  readonly progress: Progress;
  readonly overlay: Overlay;
  /** The last group that a former life of this shard may have written, in 32 bits. */
  readonly since: number;
  /** Asks for what is durable now to be applied to the tables. */
  readonly settle: () => void;
  /** Everything up to this record of the shard is durable or failed. */
  readonly settled: () => number;
  readonly schedule: (cell: Cell) => void;
}

export class CatchUp {
  readonly #parts: CatchUpParts;
  /** Waiting cells, the first to be woken first; as many as there are cells at most. */
  #parked: Parked[] = [];
  /** The group that the journal was asked to bring to the tables. */
  #asked: number | undefined;
  /** The last group, in 32 bits, that the shard was told to be in the tables. */
  #told: number;
  /** The tables hold what former lives wrote (CU5). */
  #hasBegun = false;

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
    this.#told = parts.progress.applied;
  }

  /** Cells that are parked. */
  get waiting(): number {
    return this.#parked.length;
  }

  /** False while no cell may be activated (CU5). */
  hasBegun(): boolean {
    this.#hasBegun ||= this.#parts.progress.hasApplied(this.#parts.since);
    return this.#hasBegun;
  }

  /** True when a turn of this cell that reads this must be parked. Two loads when the tables lack nothing. */
  isBehind(cell: Cell, reads: ReturnType<ForeignReads<unknown>>): boolean {
    return reads.some((key) =>
      key.length === 1 ? this.#isTableBehind(cell, key) : this.isKeyBehind(cell, encodeKey(key)),
    );
  }

  #isTableBehind(cell: Cell, table: Key): boolean {
    const { progress } = this.#parts;
    if (progress.mayBeBehind(encodeKey(table))) return true;
    // What the actor wrote itself hides what others made of it since, until it was told that the tables hold it.
    return cell.unapplied > 0 && progress.applied !== this.#told;
  }

  /** The same for one key. An own write is what the turn will see, so it is not waited for. */
  isKeyBehind(cell: Cell, key: Uint8Array): boolean {
    const { progress, overlay } = this.#parts;
    return progress.mayBeBehind(key) && overlay.get(cell, key) === undefined;
  }

  /** The cell waits until the tables hold all that is durable now. Its next envelope is back in the mailbox. */
  park(cell: Cell, envelope: Envelope, args: unknown): void {
    const { progress, settled } = this.#parts;
    const { activation } = cell;
    const wasReady = cell.status === 'ready';
    cell.parked = { cell, envelope, args, activation, wasReady, group: progress.durable, record: settled() };
    cell.status = 'waiting';
    this.#parked.push(cell.parked);
    this.#ask();
  }

  /** The waiting that this envelope has behind it, if it was for this turn: a restart meanwhile makes it void. */
  takeParked(cell: Cell, envelope: Envelope): Parked | undefined {
    const { parked } = cell;
    if (parked === undefined || parked.envelope !== envelope) return undefined;
    cell.parked = undefined;
    return parked.activation === cell.activation ? parked : undefined;
  }

  /** The tables have come as far as this group, and the overlay with them: wakes who waited for no more than that. */
  resume(group: number): void {
    const { progress, overlay, schedule } = this.#parts;
    this.#told = group | 0;
    // Not kept for longer than it is of use: numbers of 32 bits come again.
    if (this.#asked !== undefined && progress.hasApplied(this.#asked)) this.#asked = undefined;
    if (!this.hasBegun()) return;
    let woken = 0;
    for (const { cell, activation, wasReady, group: until, record } of this.#parked) {
      if (!progress.hasApplied(until) || !overlay.isApplied(record)) break;
      woken++;
      cell.status = wasReady && cell.activation === activation ? 'ready' : 'vacant';
      schedule(cell);
    }
    if (woken > 0) this.#parked = this.#parked.slice(woken);
    if (this.#parked.length > 0) this.#ask();
  }

  #ask(): void {
    const { progress, settle } = this.#parts;
    if (this.#asked !== undefined && !progress.hasApplied(this.#asked)) return;
    this.#asked = undefined;
    if (progress.behind <= 0) return;
    this.#asked = progress.durable;
    settle();
  }
}
