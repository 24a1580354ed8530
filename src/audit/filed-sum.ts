// Filed sum: what two sides must both hold, compared without keeping either.

/** Sums stay exact in a double. */
const MODULUS = 2 ** 52;

/** An unordered set of (name, number), as far as two of them can be told apart. */
export class FiledSum {
  entries = 0;
  #sum = 0;

  add(name: string, seq: number): void {
    this.entries++;
    let hash = 0x811c9dc5 ^ seq;
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 15) ^ seq, 0x2c1b3c6d);
    this.#sum = (this.#sum + ((hash >>> 0) * 1024 + (seq % 1024))) % MODULUS;
  }

  equals(other: FiledSum): boolean {
    return this.entries === other.entries && this.#sum === other.#sum;
  }
}
