// Recovery
//
// What happens to an actor whose turn or commit failed: its activation ends, whoever waited for it is told, and it comes
// back from the store, at once, after a pause, or when somebody resumes it.
//
// Owns:     the pauses, and the quarantine.
// Does not: decide how long a pause is (supervision.ts), or run turns (shard.ts).
//
// R1. An activation that ends leaves nothing behind: no timer, no open ask, no pending write that failed.
// R2. A failed turn's envelope is tried again, in its old place, ATTEMPTS_MAX times in all; then it is a dead letter.
// R3. A busy actor is never made ready by anything but the end of its turn (SH2).

import type { Clock } from '../clock.js';
import type { Fault } from '../errors.js';
import type { Cell } from './cell.js';
import type { CellTable } from './cell-table.js';
import type { Envelope } from './envelope.js';
import type { Intake } from './intake.js';
import type { Outbox } from './outbox.js';
import { Quarantine } from './quarantine.js';
import { ATTEMPTS_MAX, FailureRecord } from './supervision.js';

export interface TurnFailure {
  readonly address: string;
  readonly message: string;
  readonly error: unknown;
  readonly attempts: number;
}

export interface RecoveryParts {
  readonly cells: CellTable;
  readonly intake: Intake;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly schedule: (cell: Cell) => void;
  readonly onFailure: (failure: TurnFailure) => void;
}

export const COMMIT_FAILED: Fault = { code: 'COMMIT_FAILED' };
const FAILED: Fault = { code: 'INTERNAL' };

export class Recovery {
  readonly #parts: RecoveryParts;
  readonly #paused = new Set<Cell>();
  readonly quarantine = new Quarantine();

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  /** An actor with work waits for the end of its pause. */
  get isPending(): boolean {
    for (const cell of this.#paused) if (cell.mailbox.depth > 0) return true;
    return false;
  }

  /** A handler threw (G9): its turn has said nothing. Earlier turns stand, and are waited for before the next activation. */
  turnFailed(cell: Cell, envelope: Envelope, error: unknown): void {
    const { clock, intake, onFailure } = this.#parts;
    envelope.attempts++;
    const message = cell.messageName(envelope.message);
    onFailure({ address: cell.address, message, error, attempts: envelope.attempts });
    if (envelope.attempts < ATTEMPTS_MAX) cell.mailbox.putBack(envelope);
    else intake.refuse(cell, envelope, FAILED);
    this.#endActivation(cell, FAILED);
    cell.failures ??= new FailureRecord();
    const verdict = cell.failures.note(clock.monotonic());
    if (verdict.kind === 'quarantine') {
      this.#setAside(cell, error);
      return;
    }
    cell.status = 'waiting';
    this.#paused.add(cell);
    clock.after(verdict.delayMs, () => {
      this.#paused.delete(cell);
      this.wake(cell);
    });
  }

  /** A commit of this actor failed: what it has in memory never happened. */
  commitFailed(cell: Cell): void {
    this.#endActivation(cell, COMMIT_FAILED);
    if (cell.status !== 'ready') return;
    cell.status = 'vacant';
    this.#parts.schedule(cell);
  }

  /** What the actor waited for is over. */
  wake(cell: Cell): void {
    if (cell.status !== 'waiting') return;
    cell.status = 'vacant';
    this.#parts.schedule(cell);
  }

  /** Puts a quarantined actor back to work. False when there is none of this address. */
  resume(address: string): boolean {
    const cell = this.quarantine.remove(address);
    if (cell === undefined) return false;
    cell.status = 'vacant';
    cell.failures = undefined;
    this.#parts.schedule(cell);
    return true;
  }

  #endActivation(cell: Cell, reason: Fault): void {
    cell.activation++;
    cell.state = undefined;
    cell.cancelTimers();
    if (cell.open !== undefined) for (const envelope of cell.open) this.#parts.outbox.answer(envelope, reason);
    cell.open = undefined;
    this.#parts.cells.touch(cell, 0);
  }

  #setAside(cell: Cell, error: unknown): void {
    cell.status = 'quarantined';
    cell.quarantineReason = error instanceof Error ? error.name : 'it failed';
    const released = this.quarantine.add(cell, this.#parts.clock.now());
    if (released !== undefined) this.resume(released);
    this.#parts.intake.refuseAll(cell, { code: 'QUARANTINED', params: { reason: cell.quarantineReason } });
  }
}
