// Dead letters
//
// What could not be delivered, with the reason: a count for ever, and the last ones to look at.

export interface DeadLetter {
  readonly address: string;
  readonly message: string;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export const DEAD_LETTERS_KEPT = 256;

export class DeadLetters {
  readonly #kept: DeadLetter[] = [];
  #next = 0;
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(letter: DeadLetter): void {
    this.#total++;
    this.#kept[this.#next] = letter;
    this.#next = (this.#next + 1) % DEAD_LETTERS_KEPT;
  }

  /** The newest DEAD_LETTERS_KEPT, oldest first. */
  recent(): DeadLetter[] {
    return [...this.#kept.slice(this.#next), ...this.#kept.slice(0, this.#next)];
  }
}
