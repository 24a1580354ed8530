// Body budget
//
// What the bodies of all requests of a listener may take in memory together. One body is bounded by its own size; ten
// thousand connections that each send most of one would still be twenty gigabytes.
//
// Owns:     the sum.
// Does not: know a request (body-collector.ts charges and gives back for each).
//
// BB1. The sum is at most `bytesMax`. What does not fit is refused at once.

/** Bodies that are being received, or whose request is not answered yet: sixty-four of the largest, by default. */
export const BODIES_BYTES_MAX = 128 * 1024 * 1024;

export class BodyBudget {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Charged now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** False, and nothing is charged, when it does not fit (BB1). */
  charge(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false;
    this.#bytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
  }
}
