// Embedder
//
// What turns texts into vectors whose angle tells how near they are in meaning. A port: the local model is one
// implementation, a provider on the network another.

export interface Embedder {
  /** Names the model: vectors of different models are not comparable. */
  readonly model: string;
  readonly dimensions: number;
  /**
   * One vector for each text, in their order; a blank text has a vector of zeros, which is like nothing. Rejects with
   * OVERLOADED when too much waits, with DRAINING after `close`, and with what went wrong otherwise; then none is given.
   */
  embed(texts: readonly string[]): Promise<readonly Float32Array[]>;
  close(): Promise<void>;
}
