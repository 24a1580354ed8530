// Embedded texts
//
// The vectors of a bench: made by the product's local embedder, each text once, however often it is asked for.

import { createLocalEmbedder, isLocalModelInstalled } from '../../src/embedding/local-embedder.js';
import type { Vectors } from './context-source.js';

const CHUNK_TEXTS = 64;

export interface EmbeddedTexts extends Vectors {
  /** Milliseconds a text took in batches, and how many there were. */
  readonly msPerText: number;
  readonly count: number;
  close(): Promise<void>;
}

/** Null when the model is not installed. */
export function openEmbeddedTexts(threads: number): EmbeddedTexts | null {
  if (!isLocalModelInstalled()) return null;
  const embedder = createLocalEmbedder({
    threads,
    queueMax: CHUNK_TEXTS,
    onDefect(error) {
      throw error;
    },
  });
  const known = new Map<string, Float32Array>();
  let spentMs = 0;
  return {
    get msPerText() {
      return known.size === 0 ? 0 : spentMs / known.size;
    },
    get count() {
      return known.size;
    },
    async vectorsOf(texts) {
      const missing = [...new Set(texts)].filter((text) => !known.has(text));
      const startedAt = performance.now();
      for (let from = 0; from < missing.length; from += CHUNK_TEXTS) {
        const chunk = missing.slice(from, from + CHUNK_TEXTS);
        const vectors = await embedder.embed(chunk);
        for (const [place, text] of chunk.entries()) known.set(text, vectors[place]!);
      }
      spentMs += performance.now() - startedAt;
      return texts.map((text) => known.get(text)!);
    },
    close: () => embedder.close(),
  };
}
