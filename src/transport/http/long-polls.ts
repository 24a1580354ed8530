// Long polls
//
// The requests that wait for a first message, so that a server which stops need not wait for them.
//
// Owns:     who waits.
// Does not: answer anybody: ending a wait makes the agent answer it, empty, and that answer goes its usual way. So no
//           message can be consumed for a request that was answered without it.

export class LongPolls {
  readonly #ends = new Set<() => void>();

  get size(): number {
    return this.#ends.size;
  }

  /** Notes a wait, and how to end it. What is returned forgets it; calling that twice does nothing. */
  add(end: () => void): () => void {
    this.#ends.add(end);
    return () => {
      this.#ends.delete(end);
    };
  }

  /** Ends every wait. Each is still answered by its agent. */
  endAll(): void {
    for (const end of this.#ends) end();
    this.#ends.clear();
  }
}
