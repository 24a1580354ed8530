// Embeddings
//
// Vectors of what subjects know, made behind their writes, and those of what is asked, before a subject is asked. In the
// way of neither: without a vector in time things are found by words.
//
// Owns:     the subjects whose vectors are to be made, the vectors of late queries.
// Does not: compute vectors (the embedder), or keep those of subjects (their actors do).
//
// EM1. One batch of one subject is made at a time, and the subjects take turns.
// EM2. At most SUBJECTS_MAX wait; who is not among them is taken up when it is used next. Nothing is lost: what a subject
//      misses stands in its own rows.
// EM3. A query waits for its vector QUERY_TIMEOUT_MS at most, and at most QUERIES_MAX queries wait.

import { subjectProtocol, type UnembeddedItem } from '../../actors/subject/protocol.js';
import type { Clock } from '../../clock.js';
import type { Log } from '../../log.js';
import type { Actors, AskOptions } from '../../runtime/ref.js';

/** What makes vectors. */
export interface TextEmbedder {
  embed(texts: readonly string[]): Promise<readonly Float32Array[]>;
  close(): Promise<void>;
}

export interface EmbeddingsOptions {
  readonly embedder: TextEmbedder;
  readonly actors: Actors;
  readonly askOptions: AskOptions;
  readonly clock: Clock;
  readonly log: Log;
  readonly draining: () => boolean;
}

/** How the embedder did with the last that it was asked. */
export interface EmbeddingHealth {
  readonly latencyMs: number;
  readonly isFailing: boolean;
}

export const SUBJECTS_MAX = 10_000;
export const QUERY_TIMEOUT_MS = 1_000;
const QUERIES_MAX = 64;
const QUERIES_KEPT_MAX = 1_000;
const BATCH_MAX = 16;
/** After a failure, twice as long after the next. */
const REST_MS = 1_000;
const REST_MS_MAX = 60_000;
const GREATEST = 127;

export class Embeddings {
  readonly #options: EmbeddingsOptions;
  /** Keys of subjects, in their turn. */
  readonly #waiting = new Set<string>();
  readonly #queries = new Map<string, Uint8Array>();
  #queriesWaiting = 0;
  #failures = 0;
  #latencyMs = 0;
  #running: Promise<void> | undefined;
  #endRest: (() => void) | undefined;
  #closed = false;

  constructor(options: EmbeddingsOptions) {
    this.#options = options;
  }

  get health(): EmbeddingHealth {
    return { latencyMs: this.#latencyMs, isFailing: this.#failures > 0 };
  }

  /** Something of the subject may have no vector yet. */
  wake(subjectKey: string): void {
    if (this.#closed || this.#waiting.size >= SUBJECTS_MAX) return;
    this.#waiting.add(subjectKey);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** The vector of a query; null where it is not had in time. */
  async queryVector(text: string): Promise<Uint8Array | null> {
    const kept = this.#queries.get(text);
    if (kept !== undefined) {
      this.#queries.delete(text);
      this.#queries.set(text, kept);
      return kept;
    }
    if (this.#closed || this.#queriesWaiting >= QUERIES_MAX) return null;
    this.#queriesWaiting++;
    const made = this.#embed([text])
      .then(([vector]) => this.#keep(text, inBytes(vector!)))
      .catch((error: unknown) => this.#noteFailure(error))
      .finally(() => {
        this.#queriesWaiting--;
      });
    return this.#orLate(made);
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endRest?.();
    await this.#options.embedder.close();
    await this.#running;
  }

  #keep(text: string, vector: Uint8Array): Uint8Array {
    this.#queries.set(text, vector);
    if (this.#queries.size > QUERIES_KEPT_MAX) this.#queries.delete(this.#queries.keys().next().value!);
    return vector;
  }

  #orLate(made: Promise<Uint8Array | null>): Promise<Uint8Array | null> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(QUERY_TIMEOUT_MS, () => resolve(null));
      void made.then((vector) => {
        timer.cancel();
        resolve(vector);
      });
    });
  }

  async #run(): Promise<void> {
    for (const key of this.#waiting) {
      if (this.#closed || this.#options.draining()) return;
      this.#waiting.delete(key);
      try {
        // A Set gives what is added while it is read: the subject comes again behind the others (EM1).
        if (await this.#embedBatch(key)) this.#waiting.add(key);
      } catch (error) {
        this.#noteFailure(error);
        if (this.#closed) return;
        this.#waiting.add(key);
        await this.#rest(Math.min(REST_MS * 2 ** (this.#failures - 1), REST_MS_MAX));
      }
    }
  }

  /** True when there may be more. */
  async #embedBatch(key: string): Promise<boolean> {
    const { actors, askOptions } = this.#options;
    const asked = await actors.ask(subjectProtocol, key, 'unembedded', { limit: BATCH_MAX }, askOptions);
    // It is taken up again when it is used next (EM2).
    if (!asked.ok) return false;
    const { life, from, to, items, more } = asked.value;
    const isSame = from.memoriesTo === to.memoriesTo && from.episodesTo === to.episodesTo;
    if (items.length === 0 && isSame) return false;
    const made = items.length === 0 ? [] : await this.#embed(items.map(({ text }) => text));
    const vectors = items.map(({ text: _, ...item }: UnembeddedItem, at) => ({ ...item, vector: inBytes(made[at]!) }));
    const told = await actors.ask(subjectProtocol, key, 'putVectors', { life, from, to, vectors }, askOptions);
    return told.ok && (more || !told.value.kept);
  }

  async #embed(texts: readonly string[]): Promise<readonly Float32Array[]> {
    const { clock, embedder } = this.#options;
    const begun = clock.monotonic();
    const vectors = await embedder.embed(texts);
    this.#latencyMs = clock.monotonic() - begun;
    this.#failures = 0;
    return vectors;
  }

  #noteFailure(error: unknown): null {
    if (this.#closed) return null;
    if (this.#failures++ === 0) this.#options.log.warn({ event: 'embedding_failed', error });
    return null;
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(ms, resolve);
      this.#endRest = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}

/** 8 bits a dimension, with a sign, scaled by its greatest. */
function inBytes(vector: Float32Array): Uint8Array {
  const greatest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const values = Int8Array.from(vector, (value) => (greatest === 0 ? 0 : Math.round((value / greatest) * GREATEST)));
  return new Uint8Array(values.buffer);
}
