// Body collector
//
// Gathers the pieces of one request's body and hands them over whole.
//
// Owns:     the bound of a body, and that its outcome is told once.
// Does not: read a socket, or know what happens to the connection afterwards.
//
// B1. The outcome is told exactly once: `body`, `too_large` or `aborted`, whichever comes first.
// B2. Never more than `bytesMax` bytes are kept; past the bound what was kept is let go at once (L2).

import type { BodyOutcome } from './listener.js';

const EMPTY = new Uint8Array(0);

export class BodyCollector {
  readonly #bytesMax: number;
  #tell: ((outcome: BodyOutcome) => void) | undefined;
  #first: Uint8Array | undefined;
  #more: Uint8Array[] | undefined;
  #bytes = 0;

  constructor(bytesMax: number, tell: (outcome: BodyOutcome) => void) {
    this.#bytesMax = bytesMax;
    this.#tell = tell;
  }

  get settled(): boolean {
    return this.#tell === undefined;
  }

  /** True while `byteLength` more bytes would be kept; otherwise it has told `too_large`, or had settled before. */
  admits(byteLength: number): boolean {
    if (this.#tell === undefined) return false;
    if (this.#bytes + byteLength <= this.#bytesMax) return true;
    this.#settle({ kind: 'too_large' });
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

  #settle(outcome: BodyOutcome): void {
    const tell = this.#tell;
    this.#tell = undefined;
    this.#first = undefined;
    this.#more = undefined;
    tell?.(outcome);
  }
}
