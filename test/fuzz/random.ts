// Random
//
// Numbers that look random and are the same for the same seed: xorshift32 (Marsaglia, Xorshift RNGs, 2003), started
// from a scrambled seed, so that neighbouring seeds have nothing in common.

export class Random {
  #state: number;

  constructor(seed: number, stream = 0) {
    this.#state = scramble(scramble(seed) ^ stream) || 1;
  }

  /** A whole number from 0 to below `bound`. */
  below(bound: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return Math.floor(((x >>> 0) / 0x1_0000_0000) * bound);
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  /** Mostly small, now and then as large as `max`: each size class is as likely as the next. */
  size(max: number): number {
    const bits = this.below(Math.ceil(Math.log2(max + 1)) + 1);
    return Math.min(max, this.below(2 ** bits));
  }
}

function scramble(seed: number): number {
  let x = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
