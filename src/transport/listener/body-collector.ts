// Body collector
//
// Gathers the pieces of one request's body and hands them over whole.
//
// Owns:     the bound of a body, what it is charged with in the budget of all, and that its outcome is told once.
// Does not: read a socket, or know what happens to the connection afterwards.
//
// B1. The outcome is told exactly once: `body`, `too_large`, `overloaded` or `aborted`, whichever comes first.
// B2. Never more than `bytesMax` bytes are kept; past the bound what was kept is let go at once (L2).
// B3. From its first piece until letGo() a body is charged to the budget, but for its first FREE_BYTES: who fills the
//     budget keeps large bodies out, and never small ones.

import type { BodyBudget } from './body-budget.js';
import type { BodyOutcome } from './listener.js';

const EMPTY = new Uint8Array(0);
/** What each connection may send without being charged: connections are bounded, and most requests are smaller. */
export const FREE_BYTES = 16 * 1024;
/** What a piece takes beside its bytes, or a body that comes byte by byte would take a hundred times what it counts. */
const PIECE_BYTES = 200;

export class BodyCollector {
  readonly #bytesMax: number;
  readonly #budget: BodyBudget;
  #tell: ((outcome: BodyOutcome) => void) | undefined;
  #first: Uint8Array | undefined;
  #more: Uint8Array[] | undefined;
  #bytes = 0;
  #memoryBytes = 0;
  #chargedBytes = 0;

  constructor(bytesMax: number, budget: BodyBudget, tell: (outcome: BodyOutcome) => void) {
    this.#bytesMax = bytesMax;
    this.#budget = budget;
    this.#tell = tell;
  }

  get settled(): boolean {
    return this.#tell === undefined;
  }

  /** True while a body of this announced length may come; otherwise it has told `too_large`. */
  announces(byteLength: number): boolean {
    if (byteLength <= this.#bytesMax) return true;
    this.#settle({ kind: 'too_large' });
    return false;
  }

  /** True when the next piece may be kept, and charges it; otherwise it has told why not, or had settled before. */
  admits(byteLength: number): boolean {
    if (this.#tell === undefined) return false;
    if (this.#bytes + byteLength > this.#bytesMax) {
      this.#settle({ kind: 'too_large' });
      return false;
    }
    if (this.#charge(byteLength + PIECE_BYTES)) return true;
    this.#settle({ kind: 'overloaded' });
    return false;
  }

  /** Keeps a piece that `admits` let in. The bytes must be the collector's own. */
  add(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (this.#first === undefined) this.#first = piece;
    else if (this.#more === undefined) this.#more = [this.#first, piece];
    else this.#more.push(piece);
  }

  finish(): void {
    if (this.#tell === undefined) return;
    const bytes = this.#more === undefined ? (this.#first ?? EMPTY) : Buffer.concat(this.#more, this.#bytes);
    this.#settle({ kind: 'body', bytes });
  }

  abort(): void {
    this.#settle({ kind: 'aborted' });
  }

  /** The request is over: nobody holds the body any more, whether it was handed over or is still coming (B3). */
  letGo(): void {
    this.abort();
    this.#giveBack();
  }

  #charge(bytes: number): boolean {
    this.#memoryBytes += bytes;
    const more = this.#memoryBytes - FREE_BYTES - this.#chargedBytes;
    if (more <= 0) return true;
    if (!this.#budget.charge(more)) return false;
    this.#chargedBytes += more;
    return true;
  }

  #giveBack(): void {
    this.#budget.giveBack(this.#chargedBytes);
    this.#chargedBytes = 0;
  }

  #settle(outcome: BodyOutcome): void {
    const tell = this.#tell;
    if (tell === undefined) return;
    this.#tell = undefined;
    this.#first = undefined;
    this.#more = undefined;
    if (outcome.kind !== 'body') this.#giveBack();
    tell(outcome);
  }
}
