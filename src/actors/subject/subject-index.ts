// Subject index
//
// What of a subject can be found: every utterance of its episodes and every active memory, as items. An item keeps the
// numbers of its terms in one row; a task reads all rows from end to end (1 ns an entry), so that adding is an append and
// nothing is sorted into lists.
//
// Owns:     items, terms, vectors, and their bytes.
// Does not: keep what is not found by (ids of tenants, payloads), persist anything, or say what is relevant (relevance.ts).
//
// SI1. What it answers depends on what was added and not removed, never on the order in which that came.
// SI2. Adding an episode again changes nothing; adding a memory again replaces it.
// SI3. `bytes` is the room of everything in it, within a tenth of what V8 takes for it. What memories leave is used again
//      by the next; numbers once given to terms stay until the index is built anew.

import { Column, float64, int32, uint8, uint32 } from './columns.js';
import { ItemOrder } from './item-order.js';
import type { Episode, Memory, MemoryKind } from './records.js';
import { TermTable } from './term-table.js';
import { termsOf } from './terms.js';
import { type Utterance, utterancesOf } from './utterances.js';
import { VectorTable } from './vector-table.js';
import { SMALL_TALK, sortOfTerm } from './word-sorts.js';

export type ItemKind = 'episode' | MemoryKind;

/** What an item is besides its text, where it is a memory. */
interface MemoryFacts {
  readonly id: string;
  readonly kind: MemoryKind;
  readonly validFrom: number;
  readonly validTo: number | null;
  readonly sourceEpisodeIds: readonly string[];
}

interface EpisodeFacts {
  readonly id: string;
  readonly sessionId: string | null;
  readonly createdAt: number;
  readonly firstItem: number;
  readonly items: number;
}

export const ASKS = 64;
/** Nothing but small talk. */
export const CHATTER = 128;
const COUNT_MAX = 255;
const ENTRIES_WASTED_MAX = 4_096;
/** Of an entry in a Map, a string's head, an object of facts: what V8 takes for each, within a tenth. */
const MAP_ENTRY_BYTES = 40;
const STRING_BYTES = 24;
const FACTS_BYTES = 96;

export class SubjectIndex {
  readonly terms = new TermTable();
  readonly vectors = new VectorTable();
  readonly #entries = new Column(uint32);
  #entryCount = 0;
  #entriesWasted = 0;
  readonly #start = new Column(uint32);
  readonly #distinct = new Column(uint32);
  readonly #length = new Column(uint32);
  readonly #at = new Column(float64);
  readonly #episode = new Column(int32);
  readonly #place = new Column(uint32);
  readonly #speaker = new Column(uint32);
  readonly #marks = new Column(uint8);
  readonly #tokens = new Column(uint32);
  readonly #texts: string[] = [];
  readonly #episodes: EpisodeFacts[] = [];
  readonly #episodeNumbers = new Map<string, number>();
  readonly #sessionIds = new Map<string, string>();
  readonly #speakers: string[] = [];
  readonly #speakerTerms: (readonly string[])[] = [];
  readonly #speakerNumbers = new Map<string, number>();
  readonly #memories = new Map<number, MemoryFacts>();
  readonly #memoryItems = new Map<string, number>();
  readonly #free: number[] = [];
  #textBytes = 0;
  #alive = 0;
  #totalLength = 0;
  #changed = true;
  #order: ItemOrder | undefined;

  /** Its utterances, as items. Costs about 15 µs an utterance. */
  addEpisode(episode: Episode): void {
    if (this.#episodeNumbers.has(episode.id)) return;
    const utterances = utterancesOf(episode);
    const number = this.#episodes.length;
    const { id, createdAt } = episode;
    const sessionId = this.#sharedSessionId(episode.sessionId);
    this.#episodes.push({ id, sessionId, createdAt, firstItem: this.#texts.length, items: utterances.length });
    this.#episodeNumbers.set(id, number);
    this.#textBytes += MAP_ENTRY_BYTES + FACTS_BYTES + textBytes(id);
    for (const utterance of utterances) this.#addUtterance(utterance, number);
  }

  /** One that is not active is removed instead. */
  addMemory(memory: Memory): void {
    this.removeMemory(memory.id);
    if (memory.status !== 'active') return;
    const item = this.#free.pop() ?? this.#texts.length;
    this.#addItem(item, memory.content, memory.validFrom);
    this.#episode.values[item] = -1;
    const { id, kind, validFrom, validTo, sourceEpisodeIds } = memory;
    this.#memories.set(item, { id, kind, validFrom, validTo, sourceEpisodeIds });
    this.#memoryItems.set(id, item);
    this.#textBytes += memoryBytes(id, sourceEpisodeIds);
  }

  /** Superseded, tombstoned or expired: it is found no more. Whether it was there. */
  removeMemory(id: string): boolean {
    const item = this.#memoryItems.get(id);
    if (item === undefined) return false;
    const entries = this.#entries.values;
    const start = this.#start.values[item]!;
    const end = start + this.#distinct.values[item]!;
    for (let at = start; at < end; at++) this.terms.changeHolders(entries[at]! >>> 8, -1);
    this.#entriesWasted += end - start;
    this.#alive--;
    this.#totalLength -= this.#length.values[item]!;
    this.#textBytes -= textBytes(this.#texts[item]!) + memoryBytes(id, this.#memories.get(item)!.sourceEpisodeIds);
    this.#texts[item] = '';
    this.#distinct.values[item] = 0;
    this.#episode.values[item] = -2;
    this.#memories.delete(item);
    this.#memoryItems.delete(id);
    this.vectors.clear(item);
    this.#free.push(item);
    this.#changed = true;
    if (this.#entriesWasted > ENTRIES_WASTED_MAX && this.#entriesWasted * 2 > this.#entryCount) this.#packEntries();
    return true;
  }

  /** False when there is no such item, or the vector does not fit those already here. */
  setVector(itemId: string, vector: Float32Array | Int8Array): boolean {
    const item = this.#memoryItems.get(itemId) ?? this.#utteranceItem(itemId);
    return item !== undefined && this.vectors.set(item, vector);
  }

  hasVector(itemId: string): boolean {
    const item = this.#memoryItems.get(itemId) ?? this.#utteranceItem(itemId);
    return item !== undefined && this.vectors.has(item);
  }

  get bytes(): number {
    const columns = [this.#entries, this.#start, this.#distinct, this.#length, this.#at, this.#episode, this.#place];
    const rest = [this.#speaker, this.#marks, this.#tokens, this.terms, this.vectors];
    const numbers = [...columns, ...rest].reduce((sum, { bytes }) => sum + bytes, 0);
    return numbers + this.#textBytes + this.#texts.length * 8 + (this.#order?.bytes ?? 0);
  }

  /** Items that can be found. */
  get alive(): number {
    return this.#alive;
  }

  /** Mean terms of an item; at least 1. */
  get meanLength(): number {
    return this.#alive === 0 ? 1 : Math.max(1, this.#totalLength / this.#alive);
  }

  get speakers(): readonly string[] {
    return this.#speakers;
  }

  /** The terms of each speaker's name. */
  get speakerTerms(): readonly (readonly string[])[] {
    return this.#speakerTerms;
  }

  /** All items that can be found, session by session and in each by time. Sorted anew when something has changed. */
  get order(): ItemOrder {
    if (this.#changed || this.#order === undefined) {
      this.#order = new ItemOrder(this, this.#texts.length, this.#order);
      this.#changed = false;
    }
    return this.#order;
  }

  isAlive(item: number): boolean {
    return this.#episode.values[item]! >= -1;
  }

  text(item: number): string {
    return this.#texts[item]!;
  }

  /** Milliseconds: when it was said, or from when it is valid. */
  at(item: number): number {
    return this.#at.values[item]!;
  }

  /** In terms, with repetitions. */
  length(item: number): number {
    return this.#length.values[item]!;
  }

  /** Bits of word-sorts.ts, ASKS, CHATTER. */
  marks(item: number): number {
    return this.#marks.values[item]!;
  }

  place(item: number): number {
    return this.#place.values[item]!;
  }

  episode(item: number): EpisodeFacts | undefined {
    return this.#episodes[this.#episode.values[item]!];
  }

  episodeById(id: string): EpisodeFacts | undefined {
    const number = this.#episodeNumbers.get(id);
    return number === undefined ? undefined : this.#episodes[number];
  }

  memory(item: number): MemoryFacts | undefined {
    return this.#episode.values[item]! >= 0 ? undefined : this.#memories.get(item);
  }

  kind(item: number): ItemKind {
    return this.memory(item)?.kind ?? 'episode';
  }

  /** Into `speakers`. */
  speakerNumber(item: number): number {
    return this.#episode.values[item]! < 0 ? -1 : this.#speaker.values[item]!;
  }

  /** What `countOnce` gave for this item when it was asked first. */
  tokens(item: number, countOnce: (item: number) => number): number {
    const tokens = this.#tokens.values;
    if (tokens[item] === 0) tokens[item] = countOnce(item);
    return tokens[item]!;
  }

  /** Every entry of every item: `visit(item, term, times)` where `wanted[term]` is not 0. */
  scan(wanted: Uint8Array, visit: (item: number, term: number, times: number) => void): void {
    const entries = this.#entries.values;
    const starts = this.#start.values;
    const distinct = this.#distinct.values;
    for (let item = 0; item < this.#texts.length; item++) {
      const start = starts[item]!;
      const end = start + distinct[item]!;
      for (let at = start; at < end; at++) {
        const term = entries[at]! >>> 8;
        if (wanted[term] !== 0) visit(item, term, entries[at]! & COUNT_MAX);
      }
    }
  }

  #utteranceItem(itemId: string): number | undefined {
    const border = itemId.lastIndexOf('#');
    const place = Number(itemId.slice(border + 1));
    const episode = border < 0 ? undefined : this.episodeById(itemId.slice(0, border));
    if (episode === undefined) return undefined;
    for (let item = episode.firstItem; item < episode.firstItem + episode.items; item++) {
      if (this.#place.values[item] === place) return item;
    }
    return undefined;
  }

  #addUtterance({ text, at, speaker, place }: Utterance, episode: number): void {
    const item = this.#texts.length;
    this.#addItem(item, text, at);
    this.#episode.values[item] = episode;
    this.#place.values[item] = place;
    this.#speaker.values[item] = this.#speakerNumber(speaker);
  }

  /** One string for all episodes of a session, however many strings they came with. */
  #sharedSessionId(sessionId: string | null): string | null {
    if (sessionId === null) return null;
    const known = this.#sessionIds.get(sessionId);
    if (known !== undefined) return known;
    this.#sessionIds.set(sessionId, sessionId);
    this.#textBytes += MAP_ENTRY_BYTES + textBytes(sessionId);
    return sessionId;
  }

  #speakerNumber(speaker: string): number {
    const known = this.#speakerNumbers.get(speaker);
    if (known !== undefined) return known;
    const number = this.#speakers.push(speaker) - 1;
    this.#speakerNumbers.set(speaker, number);
    this.#speakerTerms.push(termsOf(speaker));
    this.#textBytes += MAP_ENTRY_BYTES + 3 * textBytes(speaker);
    return number;
  }

  #addItem(item: number, text: string, at: number): void {
    for (const column of [this.#start, this.#distinct, this.#length, this.#place, this.#speaker, this.#tokens]) {
      column.reserve(item + 1);
    }
    this.#at.reserve(item + 1);
    this.#episode.reserve(item + 1);
    this.#marks.reserve(item + 1);
    this.#texts[item] = text;
    this.#at.values[item] = at;
    this.#tokens.values[item] = 0;
    this.#textBytes += textBytes(text);
    this.#addTerms(item, termsOf(text));
    if (/[?？؟]/.test(text)) this.#marks.values[item] = this.#marks.values[item]! | ASKS;
    this.#alive++;
    this.#changed = true;
  }

  #addTerms(item: number, terms: readonly string[]): void {
    const start = this.#entryCount;
    this.#entries.reserve(start + terms.length);
    const entries = this.#entries.values;
    let marks = 0;
    let smallTalk = 0;
    for (const term of terms) {
      const number = this.terms.add(term, sortOfTerm);
      if (number < 0) continue;
      const sort = this.terms.sort(number);
      marks |= sort;
      if ((sort & SMALL_TALK) !== 0) smallTalk++;
      const last = this.terms.lastEntry.values[number]!;
      if (last >= start && last < this.#entryCount && entries[last]! >>> 8 === number) {
        if ((entries[last]! & COUNT_MAX) < COUNT_MAX) entries[last] = entries[last]! + 1;
        continue;
      }
      entries[this.#entryCount] = ((number << 8) | 1) >>> 0;
      this.terms.lastEntry.values[number] = this.#entryCount++;
      this.terms.changeHolders(number, 1);
    }
    this.#start.values[item] = start;
    this.#distinct.values[item] = this.#entryCount - start;
    this.#length.values[item] = terms.length;
    this.#marks.values[item] = smallTalk * 2 > terms.length || terms.length === 0 ? marks | CHATTER : marks;
    this.#totalLength += terms.length;
  }

  /** Leaves out the entries of removed items. */
  #packEntries(): void {
    const entries = this.#entries.values;
    const items = Array.from({ length: this.#texts.length }, (_, item) => item);
    items.sort((a, b) => this.#start.values[a]! - this.#start.values[b]!);
    let to = 0;
    for (const item of items) {
      const start = this.#start.values[item]!;
      const distinct = this.#distinct.values[item]!;
      entries.copyWithin(to, start, start + distinct);
      this.#start.values[item] = to;
      to += distinct;
    }
    this.#entryCount = to;
    this.#entriesWasted = 0;
  }
}

function memoryBytes(id: string, sourceEpisodeIds: readonly string[]): number {
  const sources = sourceEpisodeIds.reduce((sum, source) => sum + textBytes(source) + 8, 0);
  return 2 * MAP_ENTRY_BYTES + FACTS_BYTES + textBytes(id) + sources;
}

function textBytes(text: string): number {
  return STRING_BYTES + (/^[\0-\xff]*$/.test(text) ? text.length : text.length * 2);
}
