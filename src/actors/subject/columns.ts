// Columns
//
// Numbers in a row that grows: half as much again each time, so that an append costs the same in the long run.

type Numbers = Uint8Array | Int8Array | Uint32Array | Int32Array | Float32Array | Float64Array;

export class Column<Row extends Numbers> {
  readonly #create: (length: number) => Row;
  #values: Row;

  constructor(create: (length: number) => Row, length = 0) {
    this.#create = create;
    this.#values = create(length);
  }

  /** Valid until the next `reserve`; what was never written is 0. */
  get values(): Row {
    return this.#values;
  }

  get bytes(): number {
    return this.#values.byteLength;
  }

  /** Room for `length` values. */
  reserve(length: number): void {
    if (length <= this.#values.length) return;
    const grown = this.#create(Math.max(length, 16, Math.ceil(this.#values.length * 1.5)));
    grown.set(this.#values);
    this.#values = grown;
  }
}

export const uint8 = (length: number): Uint8Array => new Uint8Array(length);
export const int8 = (length: number): Int8Array => new Int8Array(length);
export const uint32 = (length: number): Uint32Array => new Uint32Array(length);
export const int32 = (length: number): Int32Array => new Int32Array(length);
export const float32 = (length: number): Float32Array => new Float32Array(length);
export const float64 = (length: number): Float64Array => new Float64Array(length);
