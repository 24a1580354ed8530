// Scrubbing
//
// Takes out of the journal's files what is in the tables already: bytes that nobody reads any more, and that lie there
// until their segment is used again. Asked for where something was written that is to be nowhere.
//
//     spares ──────────────────────────────▶ written with zeros ──▶ spares again
//     the one in use ── closed, when a spare is there ── applied ──▶ the same
//
// Owns:     which files are to be wiped, and who waits for it.
// Does not: write a file: that is the applier's thread's, for the journal must not wait (threads/applier-thread.ts).
//
// SC1. Whoever asked is told once: when every file that held something then is wiped, or that it could not be done.
// SC2. A file that could not be wiped is not used again before it was, by this process.

import type { SegmentLog } from './storage/segment-log.js';

export interface ScrubbingParts {
  readonly log: Pick<SegmentLog, 'taint' | 'roll' | 'takeTainted' | 'taintedInUse' | 'addSpare'>;
  /** Answered by wiped(). */
  readonly wipe: (name: string) => void;
  /** A new segment is to be made: answered by spare(). */
  readonly make: () => void;
  readonly answer: (ticket: number, ok: boolean) => void;
}

export class Scrubbing {
  readonly #parts: ScrubbingParts;
  /** Of this round, and of the next one. */
  #tickets: number[] = [];
  #later: number[] = [];
  readonly #wiping = new Set<string>();
  #unwiped: string[] = [];
  #hasRolled = false;
  #hasFailed = false;

  constructor(parts: ScrubbingParts) {
    this.#parts = parts;
  }

  begin(ticket: number): void {
    if (this.#tickets.length > 0) this.#later.push(ticket);
    else this.#start([ticket]);
  }

  wiped(name: string, ok: boolean): void {
    this.#wiping.delete(name);
    if (ok) {
      this.#parts.log.addSpare(name);
      this.spare(true);
    } else {
      this.#unwiped.push(name);
      this.#hasFailed = true;
      this.released();
    }
  }

  /** A spare lies ready, or could not be made. */
  spare(ok: boolean): void {
    if (this.#tickets.length === 0) return;
    if (!ok && !this.#hasRolled) this.#hasFailed = true;
    if (ok && !this.#hasRolled) {
      this.#hasRolled = true;
      this.#parts.log.roll();
    }
    this.released();
  }

  /** Segments may have been let go of. */
  released(): void {
    if (this.#tickets.length === 0) return;
    this.#wipe(this.#parts.log.takeTainted());
    if (this.#wiping.size > 0) return;
    if (this.#hasFailed) this.#end(false);
    else if (this.#hasRolled && this.#parts.log.taintedInUse === 0) this.#end(true);
  }

  /** What is in the files does not come into the tables. */
  stuck(): void {
    if (this.#tickets.length > 0) this.#end(false);
  }

  #start(tickets: number[]): void {
    this.#tickets = tickets;
    this.#hasRolled = false;
    this.#hasFailed = false;
    this.#wipe([...this.#unwiped.splice(0), ...this.#parts.log.taint()]);
    if (this.#wiping.size === 0) this.#parts.make();
  }

  #wipe(names: readonly string[]): void {
    for (const name of names) {
      this.#wiping.add(name);
      this.#parts.wipe(name);
    }
  }

  #end(ok: boolean): void {
    for (const ticket of this.#tickets) this.#parts.answer(ticket, ok);
    this.#tickets = [];
    if (this.#later.length > 0) this.#start(this.#later.splice(0));
  }
}
