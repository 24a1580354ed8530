// OpenAI embedder
//
// Vectors of texts from an endpoint that speaks the protocol of OpenAI. What comes back is checked: as many as were asked for, each once,
// of the right length, of finite numbers.

import { type Provider, ProviderError } from './provider.js';
import type { Json, JsonObject } from './records.js';

export interface OpenAiEmbedderOptions {
  readonly provider: Provider;
  readonly model: string;
  readonly dimensions: number;
  /** Asks the endpoint for that many dimensions; models that have one size refuse the question. */
  readonly asksForDimensions?: boolean;
}

/** Texts of one call. */
export const TEXTS_PER_CALL_MAX = 64;
/** What a text may have of characters: models read some 8,000 tokens, and refuse more. */
const TEXT_CHARS_MAX = 16_000;
/** By whom calls of embedding take their turn among the subjects that compile. */
const TURN = 'embeddings';

export interface OpenAiEmbedder {
  readonly model: string;
  readonly dimensions: number;
  /** One vector for each text, in their order; a blank text has a vector of zeros. Rejects with ProviderError; then none is given. */
  embed(texts: readonly string[]): Promise<readonly Float32Array[]>;
  /** Closes the provider, which is the embedder's own. */
  close(): Promise<void>;
}

export function openAiEmbedder(options: OpenAiEmbedderOptions): OpenAiEmbedder {
  const { model, dimensions } = options;
  return {
    model,
    dimensions,
    async embed(texts) {
      const vectors: Float32Array[] = texts.map(() => new Float32Array(dimensions));
      // Endpoints refuse an empty text.
      const asked = texts.flatMap((text, at) => (text.trim() === '' ? [] : [at]));
      for (let from = 0; from < asked.length; from += TEXTS_PER_CALL_MAX) {
        const places = asked.slice(from, from + TEXTS_PER_CALL_MAX);
        const found = await call(
          options,
          places.map((at) => wellFormed(texts[at]!.slice(0, TEXT_CHARS_MAX))),
        );
        for (const [at, place] of places.entries()) vectors[place] = found[at]!;
      }
      return vectors;
    },
    close: () => options.provider.close(),
  };
}

/** Half a pair of surrogates is no character, and some endpoints refuse the whole call for one. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

async function call(options: OpenAiEmbedderOptions, input: readonly string[]): Promise<readonly Float32Array[]> {
  const { provider, model, dimensions, asksForDimensions } = options;
  const body: JsonObject = {
    model,
    input,
    encoding_format: 'float',
    ...(asksForDimensions === true ? { dimensions } : {}),
  };
  const data = await provider.embeddings(TURN, body);
  const vectors = new Map<number, Float32Array>();
  for (const row of data) {
    const { index, embedding } = (typeof row === 'object' && row !== null ? row : {}) as {
      index?: Json;
      embedding?: Json;
    };
    if (typeof index !== 'number' || index >= input.length || vectors.has(index)) throw new ProviderError('malformed');
    vectors.set(index, vectorOf(embedding, dimensions));
  }
  return input.map((_, at) => {
    const vector = vectors.get(at);
    if (vector === undefined) throw new ProviderError('malformed');
    return vector;
  });
}

function vectorOf(embedding: Json | undefined, dimensions: number): Float32Array {
  if (!Array.isArray(embedding) || embedding.length !== dimensions) throw new ProviderError('malformed');
  const vector = new Float32Array(dimensions);
  for (const [at, value] of (embedding as readonly Json[]).entries()) {
    if (typeof value !== 'number' || !Number.isFinite(Math.fround(value))) throw new ProviderError('malformed');
    vector[at] = value;
  }
  return vector;
}
