// Byte queue
//
// Many small pieces of bytes, kept in few large buffers, let go of in the order in which they came: to the garbage collector
// a hundred thousand short-lived pieces are a handful of old buffers.
//
// BQ1. A piece lies in one buffer, unmoved, from write() until release() or rewind() passes it; then its bytes may be
//      overwritten.

const CHUNK_BYTES = 256 * 1024;
/** Empty buffers kept for what comes next. */
const SPARE_CHUNKS_MAX = 64;
const NO_BYTES = new Uint8Array(0);

export class ByteQueue {
  /** The oldest first. */
  #chunks: Buffer[] = [];
  readonly #spare: Buffer[] = [];
  /** The number of the first of #chunks: they are numbered in the order in which they were begun. */
  #first = 0;
  /** Bytes used of the last one. */
  #used = 0;
  /** Where the last piece lies. */
  chunk = 0;
  offset = 0;

  /** Appends a piece made of two; `chunk` and `offset` say where it lies. */
  write(head: Uint8Array, rest: Uint8Array = NO_BYTES): void {
    const length = head.length + rest.length;
    let last = this.#chunks[this.#chunks.length - 1];
    if (last === undefined || this.#used + length > last.length) {
      last =
        length > CHUNK_BYTES
          ? Buffer.allocUnsafeSlow(length)
          : (this.#spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES));
      this.#chunks.push(last);
      this.#used = 0;
    }
    this.chunk = this.#first + this.#chunks.length - 1;
    this.offset = this.#used;
    last.set(head, this.#used);
    last.set(rest, this.#used + head.length);
    this.#used += length;
  }

  /** The buffer with this number. */
  bytes(chunk: number): Buffer {
    return this.#chunks[chunk - this.#first]!;
  }

  /** Nothing before this place is needed any more. */
  release(chunk: number): void {
    while (this.#first < chunk) {
      this.#first++;
      this.#keep(this.#chunks.shift()!);
    }
  }

  /** Nothing from this place on is needed any more. */
  rewind(chunk: number, offset: number): void {
    while (this.#first + this.#chunks.length - 1 > chunk) this.#keep(this.#chunks.pop()!);
    this.#used = offset;
  }

  /** Nothing is needed any more. */
  clear(): void {
    this.#first += this.#chunks.length;
    for (const chunk of this.#chunks) this.#keep(chunk);
    this.#chunks = [];
    this.#used = 0;
  }

  #keep(chunk: Buffer): void {
    if (chunk.length === CHUNK_BYTES && this.#spare.length < SPARE_CHUNKS_MAX) this.#spare.push(chunk);
  }
}
