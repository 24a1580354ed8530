// Cell table
//
// The resident actors of one shard, found by kind and key, and let go when they hold too much.
//
//     used ──▶ cell ──idle for a whole round of looks──▶ folded: its state alone ──used──▶ cell
//                │                                        (persistence `none`: there is nothing to come back from)
//                └──least recently used, when all hold too much──▶ gone: it comes back from the store
//
// Owns:     which cells exist.
// Does not: run them (turn-runner.ts), or admit envelopes (intake.ts).
//
// CT1. A cell is made only for a slot that the shard owns (G1).
// CT2. A cell leaves only when nothing waits in it, nothing it said is unsettled, all it wrote is in the tables, and nobody
//      waits for it.
// CT3. An actor that keeps nothing does not leave before it stops; when all hold too much, no new one is made (G8, G10).
// CT4. A folded actor is its state in a map: no cell, no mailbox.

import type { Clock } from '../clock.js';
import { invariant } from '../invariant.js';
import type { AnyKind } from './actor.js';
import { Cell } from './cell.js';
import { Residents } from './passivation.js';
import { slotFor } from './protocol.js';

/** Cells of kinds that keep nothing are folded when there are more than this. */
const UNFOLDED_KEPT = 4_096;
/** A round of looks takes at least this long: an actor that is used more often than that is not folded. */
const ROUND_MS = 250;
/** Cells looked at in one go, between two ticks. */
const LOOKS_AT_ONCE = 16_384;
/** Cells looked at for one explanation: some milliseconds. */
const CELLS_LOOKED_AT = 50_000;
/** While there are too many cells and nothing happens: when they are looked at again. */
export const FOLD_PAUSE_MS = 50;
/** What a folded actor is counted with beside its key: its place in the map, and a small state. */
const FOLDED_BYTES = 100;

/** An actor that is its state alone. */
class Folded {
  readonly state: unknown;

  constructor(state: unknown) {
    this.state = state;
  }
}

export class CellTable {
  readonly #kinds: readonly AnyKind[];
  readonly #epochs: ReadonlyMap<number, number>;
  readonly #clock: Clock;
  readonly #cells: Map<string, Cell | Folded>[];
  /** Cells that may leave. */
  readonly #residents: Residents;
  /** Cells that may be folded, those that were not looked at for longest first. */
  readonly #unfolded: Residents;
  /** Of these, those that were made since the last look. One that had no second turn by then is folded at once. */
  #fresh: Cell[] = [];
  readonly #mayFold: readonly boolean[];
  #folded = 0;
  #foldedBytes = 0;
  #lookedAt = 0;
  /** Looks that the time since then allows. */
  #looksDue = 0;

  /** `epochs`: the slots of this shard. */
  constructor(kinds: readonly AnyKind[], epochs: ReadonlyMap<number, number>, clock: Clock, residentBytesMax: number) {
    this.#kinds = kinds;
    this.#epochs = epochs;
    this.#clock = clock;
    this.#cells = kinds.map(() => new Map());
    this.#residents = new Residents(residentBytesMax);
    this.#unfolded = new Residents(residentBytesMax);
    this.#mayFold = kinds.map(({ persistence = 'keys' }) => persistence === 'none');
  }

  get count(): number {
    return this.#residents.count + this.#unfolded.count + this.#folded;
  }

  get bytes(): number {
    return this.#residents.bytes + this.#unfolded.bytes + this.#foldedBytes;
  }

  /** The slot is this shard's (CT1). */
  owns(slot: number): boolean {
    return this.#epochs.has(slot);
  }

  /** The cell of an address, made if need be; undefined when its slot is not this shard's (CT1), or there is no room (CT3). */
  find(kindNumber: number, key: string, slot: number): Cell | undefined {
    invariant(kindNumber < this.#cells.length, 'an envelope names a kind that this system does not have');
    const cell = this.resident(kindNumber, key);
    if (cell !== undefined) return cell;
    if (!this.#epochs.has(slot)) return undefined;
    if (this.#mayFold[kindNumber] === true && this.#unfolded.isOver(this.#foldedBytes)) return undefined;
    return this.#make(kindNumber, key, slot);
  }

  /** The cell of an address, if its actor is here. */
  resident(kindNumber: number, key: string): Cell | undefined {
    const found = this.#cells[kindNumber]!.get(key);
    return found instanceof Cell || found === undefined ? found : this.#unfold(kindNumber, key, found);
  }

  /**
   * Cells in whose mailboxes something waits and that no turn is planned for: they are busy, or wait themselves. Of the
   * CELLS_LOOKED_AT that were used last; a folded actor has no mailbox.
   */
  waiting(): Cell[] {
    const found: Cell[] = [];
    let looks = CELLS_LOOKED_AT;
    for (const list of [this.#unfolded, this.#residents]) {
      for (let cell = list.newest; cell !== undefined && looks > 0; cell = cell.older, looks--) {
        if (!cell.queued && cell.mailbox.depth > 0) found.push(cell);
      }
    }
    return found;
  }

  /** The cell was used, and its state keeps this much resident. */
  touch(cell: Cell, stateBytes: number): void {
    this.#listOf(cell.kindNumber).touch(cell, stateBytes);
  }

  /** Lets this cell go now, if it may. */
  release(cell: Cell, settled: number): void {
    if (!this.#mayGo(cell, settled)) return;
    this.#drop(cell);
  }

  /** Folds some of the cells that were idle since they were last looked at; true while there are too many (CT4). */
  fold(settled: number): boolean {
    const unfolded = this.#unfolded;
    const fresh = this.#fresh;
    if (fresh.length > 0) this.#fresh = [];
    if (unfolded.count <= UNFOLDED_KEPT) return false;
    for (const cell of fresh) if (!cell.isUsed && isStateAlone(cell, settled)) this.#foldCell(cell);
    let looks = this.#takeLooks();
    for (; looks > 0 && unfolded.count > UNFOLDED_KEPT; looks--) {
      const cell = unfolded.oldest!;
      if (!cell.isUsed && isStateAlone(cell, settled)) {
        this.#foldCell(cell);
      } else if (cell.status === 'vacant' && this.#mayGo(cell, settled)) {
        this.#drop(cell);
      } else {
        cell.isUsed = false;
        unfolded.renew(cell);
      }
    }
    return unfolded.count > UNFOLDED_KEPT;
  }

  /** As many as let a round take ROUND_MS. */
  #takeLooks(): number {
    const { count } = this.#unfolded;
    const now = this.#clock.monotonic();
    this.#looksDue = Math.min(count, this.#looksDue + (count * (now - this.#lookedAt)) / ROUND_MS);
    this.#lookedAt = now;
    const looks = Math.min(LOOKS_AT_ONCE, Math.floor(this.#looksDue));
    this.#looksDue -= looks;
    return looks;
  }

  /** Lets idle cells go until the rest fits. Records up to `settled` are durable or failed. */
  trim(settled: number): void {
    // Of those that keep nothing, those that hold nothing yet, or any more.
    if (this.#unfolded.isOver(this.#foldedBytes)) {
      this.#unfolded.trim((cell) => {
        if (cell.status !== 'vacant' || !this.#mayGo(cell, settled)) return false;
        this.#drop(cell);
        return true;
      }, this.#foldedBytes);
    }
    if (!this.#residents.tooMany) return;
    this.#residents.trim((cell) => {
      if (!this.#mayGo(cell, settled)) return false;
      this.#drop(cell);
      return true;
    });
  }

  #make(kindNumber: number, key: string, slot: number): Cell {
    const cell = new Cell(this.#kinds[kindNumber]!, kindNumber, key, slot);
    this.#cells[kindNumber]!.set(key, cell);
    this.#listOf(kindNumber).add(cell);
    if (this.#mayFold[kindNumber] === true) this.#fresh.push(cell);
    return cell;
  }

  #drop(cell: Cell): void {
    cell.isGone = true;
    this.#listOf(cell.kindNumber).remove(cell);
    this.#cells[cell.kindNumber]!.delete(cell.key);
  }

  #listOf(kindNumber: number): Residents {
    return this.#mayFold[kindNumber] === true ? this.#unfolded : this.#residents;
  }

  #foldCell(cell: Cell): void {
    cell.isGone = true;
    this.#unfolded.remove(cell);
    this.#cells[cell.kindNumber]!.set(cell.key, new Folded(cell.state));
    this.#folded++;
    this.#foldedBytes += FOLDED_BYTES + cell.key.length;
  }

  #unfold(kindNumber: number, key: string, { state }: Folded): Cell {
    this.#folded--;
    this.#foldedBytes -= FOLDED_BYTES + key.length;
    const cell = this.#make(kindNumber, key, slotFor(this.#kinds[kindNumber]!.protocol, key));
    cell.state = state;
    cell.status = 'ready';
    return cell;
  }

  #mayGo(cell: Cell, settled: number): boolean {
    const idle = (cell.status === 'ready' || cell.status === 'vacant') && !cell.queued && cell.mailbox.depth === 0;
    if (!idle || cell.lastRecord > settled || cell.unapplied > 0) return false;
    if (cell.timers !== undefined || cell.open !== undefined || isWaiting(cell)) return false;
    if (cell.failures !== undefined && !cell.failures.isQuiet(this.#clock.monotonic())) return false;
    return cell.status === 'vacant' || mayPassivate(cell);
  }
}

/** Nothing of the cell would be missed but its state. */
function isStateAlone(cell: Cell, settled: number): boolean {
  if (cell.isGone || cell.status !== 'ready' || cell.queued || cell.mailbox.depth > 0) return false;
  if (cell.timers !== undefined || cell.open !== undefined || cell.streams !== undefined) return false;
  if (cell.lastRecord > settled || cell.unapplied > 0 || isWaiting(cell)) return false;
  return cell.failures === undefined && cell.random === undefined;
}

/** It watches others, or waits for what it asked them. */
function isWaiting({ waits, watches }: Cell): boolean {
  return (waits !== undefined && waits.size > 0) || (watches !== undefined && watches.size > 0);
}

/** A kind that cannot say keeps its actor. */
function mayPassivate({ kind, state }: Cell): boolean {
  try {
    return kind.mayPassivate?.(state) !== false;
  } catch {
    return false;
  }
}
