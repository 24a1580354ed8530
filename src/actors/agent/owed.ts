// Owed
//
// The messages of an inbox that its webhook owes: those that wait for room at the endpoint, and those that the endpoint was
// handed and has not settled.
//
// O1. Both in the order of their seqs; a seq is in one of them.

export class Owed {
  #waiting: number[] = [];
  #first = 0;
  /** By seq: the bytes of the content. */
  readonly #handed = new Map<number, number>();
  #handedBytes = 0;

  get count(): number {
    return this.#waiting.length - this.#first + this.#handed.size;
  }

  get handed(): number {
    return this.#handed.size;
  }

  get handedBytes(): number {
    return this.#handedBytes;
  }

  get handedSeqs(): number[] {
    return [...this.#handed.keys()];
  }

  /** The lowest seq that the endpoint has, or Infinity. Looks at each. */
  get lowestHanded(): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const seq of this.#handed.keys()) lowest = Math.min(lowest, seq);
    return lowest;
  }

  /** Whether the endpoint has it; undefined when it is not owed at all. */
  isHanded(seq: number): boolean | undefined {
    if (this.#handed.has(seq)) return true;
    return this.#place(seq) === undefined ? undefined : false;
  }

  /** The first that waits. */
  next(): number | undefined {
    return this.#waiting[this.#first];
  }

  wait(seq: number): void {
    const last = this.#waiting.at(-1);
    if (last === undefined || last < seq) {
      this.#waiting.push(seq);
      return;
    }
    const place = this.#waiting.findIndex((other, index) => index >= this.#first && other > seq);
    this.#waiting.splice(place, 0, seq);
  }

  /** The first that waits is handed over. */
  hand(seq: number, bytes: number): void {
    this.#shift();
    this.#handed.set(seq, bytes);
    this.#handedBytes += bytes;
  }

  remove(seq: number): void {
    const bytes = this.#handed.get(seq);
    if (bytes !== undefined) {
      this.#handed.delete(seq);
      this.#handedBytes -= bytes;
      return;
    }
    if (seq === this.next()) {
      this.#shift();
      return;
    }
    const place = this.#place(seq);
    if (place !== undefined) this.#waiting.splice(place, 1);
  }

  takeWaiting(): readonly number[] {
    const waiting = this.#waiting.slice(this.#first);
    this.#waiting = [];
    this.#first = 0;
    return waiting;
  }

  #shift(): void {
    this.#first++;
    if (this.#first * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
  }

  #place(seq: number): number | undefined {
    const place = this.#waiting.indexOf(seq, this.#first);
    return place < 0 ? undefined : place;
  }
}
