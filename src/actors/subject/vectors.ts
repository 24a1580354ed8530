// Vectors
//
// The vectors of a subject's memories and utterances, as rows. They are made behind the writes by who is asked to (the
// subject does not know how), so that a mark says up to where they are there.
//
// Owns:     the rows of `vector` and `vector_mark`.
// Does not: make a vector, or say what one means (vector-table.ts).
//
// VE1. Vectors and the mark behind them are one commit: what a crash leaves is gone on with where the mark is.
// VE2. What was made of a life that is over, or behind another mark, is dropped.
// VE3. A memory that is not active has no vector that is looked at.

import type { Key } from '../../runtime/actor.js';
import type { UnembeddedItem, VectorMark } from './protocol.js';
import type { Recall } from './recall.js';
import { episodeOf, memoryOf } from './record-json.js';
import { type Context, lifeKey, type On, type ShelfRow, type SubjectRow } from './state.js';
import { embeddedText, utterancesOf } from './utterances.js';

/** Table `vector`: the item, and 8 bits a dimension. */
export type VectorRow = readonly [itemId: string, vector: Uint8Array];

/** Of a text; what is behind it has no part in the vector. */
const TEXT_CHARS_MAX = 1_000;
/** Records that one question reads. */
const RECORDS_MAX = 32;
const VECTORS_AT_ONCE = 64;
const START: VectorMark = { memoriesTo: 0, episodesTo: 0, utterancesTo: 0 };

export const unembedded: On<'unembedded'> = (context, { limit }) => {
  const { row, rules } = context.state;
  if (row === undefined || rules.embeddingModel === null) {
    return { life: 0, from: START, to: START, items: [], more: false };
  }
  const from = markOf(context, row.life, rules.embeddingModel);
  const items: UnembeddedItem[] = [];
  let to = from;
  for (let read = 0; read < RECORDS_MAX && items.length < limit; read++) {
    const next = nextMemory(context, row, to, items) ?? nextEpisode(context, row, to, items, limit);
    if (next === undefined) break;
    to = next;
  }
  return { life: row.life, from, to, items, more: isBehind(row, to) };
};

export const putVectors: On<'putVectors'> = (context, { life, from, to, vectors }) => {
  const { row, rules, place, recall } = context.state;
  const { store } = context;
  const model = rules.embeddingModel;
  if (row?.life !== life || model === null || !isSame(markOf(context, life, model), from)) return { kept: false };
  for (const { shelf, seq, utterance, itemId, vector } of vectors) {
    if (shelf === 'memory') {
      const stored = store.get(lifeKey('memory', place, life, seq)) as ShelfRow;
      if (memoryOf(stored[1]).status !== 'active') continue;
    }
    store.put(vectorKey(context, life, model, shelf, seq, utterance), [itemId, vector] satisfies VectorRow);
    recall?.index.setVector(itemId, signed(vector));
  }
  store.put(lifeKey('vector_mark', place, life, model), to);
  return { kept: true };
};

/** Whether something of the subject has no vector yet. */
export function isVectorMissing(context: Context): boolean {
  const { row, rules } = context.state;
  if (row === undefined || rules.embeddingModel === null) return false;
  return isBehind(row, markOf(context, row.life, rules.embeddingModel));
}

/** The memory is not active any more (VE3). */
export function dropVector(context: Context, life: number, seq: number): void {
  const { embeddingModel } = context.state.rules;
  if (embeddingModel !== null) context.store.delete(vectorKey(context, life, embeddingModel, 'memory', seq, 0));
}

/** The next rows into an index that has all items; true when there may be more. */
export function readVectors(context: Context, recall: Recall): boolean {
  const { rules, place } = context.state;
  if (rules.embeddingModel === null) return false;
  const rows = context.store.range({
    under: lifeKey('vector', place, recall.life, rules.embeddingModel),
    limit: VECTORS_AT_ONCE,
    ...(recall.vectorsTo !== undefined && { after: recall.vectorsTo }),
  });
  for (const { key, value } of rows) {
    const [itemId, vector] = value as VectorRow;
    recall.index.setVector(itemId, signed(vector));
    recall.vectorsTo = key;
  }
  return rows.length > 0;
}

/** As 8 bits a dimension with a sign; nothing is copied. */
export function signed(vector: Uint8Array): Int8Array {
  return new Int8Array(vector.buffer, vector.byteOffset, vector.length);
}

function markOf({ store, state }: Context, life: number, model: string): VectorMark {
  return (store.get(lifeKey('vector_mark', state.place, life, model)) as VectorMark | undefined) ?? START;
}

function isBehind({ lastMemory, lastEpisode }: SubjectRow, { memoriesTo, episodesTo }: VectorMark): boolean {
  return memoriesTo < lastMemory || episodesTo < lastEpisode;
}

function isSame(a: VectorMark, b: VectorMark): boolean {
  return a.memoriesTo === b.memoriesTo && a.episodesTo === b.episodesTo && a.utterancesTo === b.utterancesTo;
}

function nextMemory(context: Context, row: SubjectRow, mark: VectorMark, items: UnembeddedItem[]) {
  if (mark.memoriesTo >= row.lastMemory) return undefined;
  const seq = mark.memoriesTo + 1;
  const stored = context.store.get(lifeKey('memory', context.state.place, row.life, seq)) as ShelfRow;
  const { id, status, content } = memoryOf(stored[1]);
  if (status === 'active') items.push({ shelf: 'memory', seq, utterance: 0, itemId: id, text: cut(content) });
  return { ...mark, memoriesTo: seq };
}

function nextEpisode(context: Context, row: SubjectRow, mark: VectorMark, items: UnembeddedItem[], limit: number) {
  if (mark.episodesTo >= row.lastEpisode) return undefined;
  const seq = mark.episodesTo + 1;
  const stored = context.store.get(lifeKey('episode', context.state.place, row.life, seq)) as ShelfRow;
  const utterances = utterancesOf(episodeOf(stored[1]));
  const end = Math.min(utterances.length, mark.utterancesTo + limit - items.length);
  for (const utterance of utterances.slice(mark.utterancesTo, end)) {
    const { itemId, place } = utterance;
    items.push({ shelf: 'episode', seq, utterance: place, itemId, text: cut(embeddedText(utterance)) });
  }
  return end < utterances.length ? { ...mark, utterancesTo: end } : { ...mark, episodesTo: seq, utterancesTo: 0 };
}

function cut(text: string): string {
  return text.slice(0, TEXT_CHARS_MAX);
}

function vectorKey(
  { state }: Context,
  life: number,
  model: string,
  shelf: 'episode' | 'memory',
  seq: number,
  utterance: number,
): Key {
  return lifeKey('vector', state.place, life, model, shelf, seq, utterance);
}
