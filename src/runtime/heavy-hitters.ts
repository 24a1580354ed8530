// Heavy hitters
//
// The largest of a stream of weights by key, in a fixed amount of memory.
//
// Source: Metwally, Agrawal, El Abbadi: "Efficient computation of frequent and top-k elements in data streams" (2005), the
// Space-Saving algorithm.
//
// HH1. At most `capacity` keys are held.
// HH2. A key whose true weight is more than total / capacity is among them; a weight is never told too small.

export class HeavyHitters {
  readonly #capacity: number;
  readonly #weights = new Map<string, number>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Costs a look at every key held when the key is new and there is no room. */
  add(key: string, weight: number): void {
    const known = this.#weights.get(key);
    if (known !== undefined) {
      this.#weights.set(key, known + weight);
      return;
    }
    this.#weights.set(key, this.#weights.size < this.#capacity ? weight : weight + this.#makeRoom());
  }

  get(key: string): number {
    return this.#weights.get(key) ?? 0;
  }

  /** The heaviest first. */
  top(count: number): { readonly key: string; readonly weight: number }[] {
    return [...this.#weights]
      .map(([key, weight]) => ({ key, weight }))
      .sort((a, b) => b.weight - a.weight)
      .slice(0, count);
  }

  /** What was long ago counts half. */
  halve(): void {
    for (const [key, weight] of this.#weights) {
      if (weight < 1e-6) this.#weights.delete(key);
      else this.#weights.set(key, weight / 2);
    }
  }

  /** Drops the lightest key; its weight. */
  #makeRoom(): number {
    let lightest = '';
    let least = Number.POSITIVE_INFINITY;
    for (const [key, weight] of this.#weights) {
      if (weight >= least) continue;
      least = weight;
      lightest = key;
    }
    this.#weights.delete(lightest);
    return least;
  }
}
