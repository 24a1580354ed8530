// Recovery
//
// What happens to an actor whose turn or commit failed: its activation ends, whoever waited for it is told, and it comes
// back from the store, at once, after a pause, or when somebody resumes it.
//
// Owns:     the pauses, and the quarantine.
// Does not: decide how long a pause is (supervision.ts), or run turns (turn-runner.ts).
//
// R1. An activation that ends leaves nothing behind: no timer, no open ask, no pending write that failed.
// R2. A failed turn's envelope is tried again, in its old place, as often as its kind says; then it is a dead letter.
// R3. A busy actor is never made ready by anything but the end of its turn (SH2).

import type { Clock } from '../clock.js';
import { errorText, type Fault } from '../errors.js';
import type { Cell } from './cell.js';
import type { CellTable } from './cell-table.js';
import type { Envelope } from './envelope.js';
import type { Inquiries } from './inquiries.js';
import type { Intake } from './intake.js';
import type { Outbox } from './outbox.js';
import { Quarantine } from './quarantine.js';
import type { Streams } from './streams.js';
import { FailureRecord, SUPERVISION_DEFAULT, type Supervision } from './supervision.js';

export interface TurnFailure {
  readonly address: string;
  readonly message: string;
  readonly error: unknown;
  readonly attempts: number;
  /** Its kind wants somebody to be told. */
  readonly isEscalated: boolean;
}

export interface RecoveryParts {
  readonly cells: CellTable;
  readonly intake: Intake;
  readonly outbox: Outbox;
  readonly streams: Streams;
  readonly inquiries: Inquiries;
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

  /**
   * A handler threw (G9): its turn has said nothing. Earlier turns stand, and are waited for before the next activation.
   * `isFinal`: the envelope must not be tried again, whatever its kind says.
   */
  turnFailed(cell: Cell, envelope: Envelope, error: unknown, isFinal = false): void {
    const { clock, onFailure } = this.#parts;
    const supervision = supervisionOf(cell);
    const { strategy, attemptsMax } = supervision;
    envelope.attempts++;
    const isGivenUp = isFinal || envelope.attempts >= attemptsMax || strategy === 'resume' || strategy === 'stop';
    const { address } = cell;
    const message = cell.messageName(envelope.message);
    onFailure({ address, message, error, attempts: envelope.attempts, isEscalated: strategy === 'escalate' });
    if (isFinal) this.#tell(cell, envelope, FAILED);
    else if (isGivenUp) this.#giveUp(cell, envelope);
    else cell.mailbox.putBack(envelope);
    if (strategy === 'stop') {
      this.stop(cell);
      return;
    }
    cell.failures ??= new FailureRecord(supervision);
    const verdict = cell.failures.note(clock.monotonic());
    if (verdict.kind === 'quarantine' || strategy === 'escalate') {
      this.#endActivation(cell, { code: 'QUARANTINED', params: { reason: nameOf(error) } });
      this.#setAside(cell, envelope, error);
    } else if (strategy === 'resume' && cell.status !== 'vacant') {
      cell.status = 'ready';
    } else {
      this.#endActivation(cell, FAILED);
      this.#pause(cell, verdict.delayMs);
    }
  }

  /** The actor's life is over by its own will, or its kind's. */
  stop(cell: Cell): void {
    this.#endActivation(cell, { code: 'STOPPED' });
    cell.random = undefined;
    cell.status = 'vacant';
    if (cell.mailbox.depth > 0) this.#parts.schedule(cell);
    else this.#parts.cells.release(cell, this.#parts.outbox.gates.settled);
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

  /** Puts a quarantined actor back to work; `skip` gives up what it failed at. False when there is none of this address. */
  resume(address: string, skip = false): boolean {
    const entry = this.quarantine.remove(address);
    if (entry === undefined) return false;
    const { cell, envelope } = entry;
    if (skip && cell.mailbox.withdraw(envelope)) this.#giveUp(cell, envelope);
    cell.status = 'vacant';
    cell.failures = undefined;
    this.#parts.schedule(cell);
    return true;
  }

  /** Behind what was said before, the items of a stream above all; at once when that is not to be. */
  #tell(cell: Cell, envelope: Envelope, fault: Fault): void {
    if (fault.code === 'COMMIT_FAILED') this.#parts.outbox.answer(envelope, fault);
    else this.#parts.outbox.holdFault(cell, envelope, fault);
  }

  #giveUp(cell: Cell, envelope: Envelope): void {
    this.#parts.intake.refuse(cell, envelope, FAILED);
  }

  #pause(cell: Cell, delayMs: number): void {
    cell.status = 'waiting';
    this.#paused.add(cell);
    this.#parts.clock.after(delayMs, () => {
      this.#paused.delete(cell);
      this.wake(cell);
    });
  }

  #endActivation(cell: Cell, reason: Fault): void {
    cell.activation++;
    cell.state = undefined;
    cell.saved = undefined;
    cell.cancelTimers();
    this.#parts.streams.endAll(cell);
    this.#parts.inquiries.end(cell);
    if (cell.open !== undefined) for (const envelope of cell.open) this.#tell(cell, envelope, reason);
    cell.open = undefined;
    this.#parts.cells.touch(cell, 0);
  }

  #setAside(cell: Cell, envelope: Envelope, error: unknown): void {
    const { clock, intake } = this.#parts;
    cell.status = 'quarantined';
    cell.quarantineReason = nameOf(error);
    const text = errorText(error);
    const released = this.quarantine.add({ cell, since: clock.now(), error: text, envelope });
    if (released !== undefined) this.resume(released);
    const fault: Fault = { code: 'QUARANTINED', params: { reason: cell.quarantineReason } };
    for (const ask of cell.mailbox.takeAsks()) intake.refuse(cell, ask, fault);
  }
}

function supervisionOf({ kind }: Cell): Supervision {
  return kind.supervision === undefined ? SUPERVISION_DEFAULT : { ...SUPERVISION_DEFAULT, ...kind.supervision };
}

function nameOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.name) : 'it failed';
  } catch {
    return 'it failed';
  }
}
