// Recall
//
// What of a subject is in memory so that it can be found: its index, made when it is first asked, a slice a turn.
//
//   nothing ── first question ──▶ building ── all rows read ──▶ ready ── passivation ──▶ nothing
//
// Owns:     the index, the places of the indexed records in the store, the questions that wait for it.
// Does not: read rows (recalling.ts), or say what is relevant (ranking.ts).
//
// RC1. While it is built, what is written behind the place that it has reached is left to it; what is no longer active is
//      taken out at once.
// RC2. A memory that is at its end is in no answer, whether it is a tombstone yet or not.

import type { Key, ReplyHandle } from '../../runtime/actor.js';
import type { Episode, Memory } from './records.js';
import { SubjectIndex } from './subject-index.js';

/** Questions that may wait for an index. */
export const QUESTIONS_WAITING_MAX = 256;
/** Of an entry in a Map whose key the index has too. */
const ENTRY_BYTES = 40;

export interface SearchQuestion {
  readonly kind: 'search';
  readonly handle: ReplyHandle;
  readonly ask: SearchAsk;
}
export interface ContextQuestion {
  readonly kind: 'context';
  readonly handle: ReplyHandle;
  readonly ask: ContextAsk;
}
export type Question = SearchQuestion | ContextQuestion;

export interface SearchAsk {
  readonly q: string;
  readonly kind: Memory['kind'] | null;
  readonly vectorsOnly: boolean;
  readonly queryVector: Uint8Array | null;
  readonly limit: number;
}

export interface ContextAsk {
  readonly task: string;
  readonly maxTokens: number;
  readonly sessionId: string | null;
  readonly explain: boolean;
  readonly queryVector: Uint8Array | null;
}

export class Recall {
  readonly life: number;
  readonly index = new SubjectIndex();
  /** Seqs by id. */
  readonly episodes = new Map<string, number>();
  readonly memories = new Map<string, number>();
  /** Ends by id, of the memories that have one. */
  readonly #ends = new Map<string, number>();
  waiting: readonly Question[] = [];
  /** Seqs up to which everything is in it. */
  episodesTo = 0;
  memoriesTo = 0;
  /** The last row of vectors that is in it. */
  vectorsTo: Key | undefined;
  isReady = false;

  constructor(life: number) {
    this.life = life;
  }

  addEpisode(seq: number, episode: Episode): void {
    this.index.addEpisode(episode);
    this.episodes.set(episode.id, seq);
    this.episodesTo = seq;
  }

  /** Any memory, in the order of the seqs; one that is not active is passed by. */
  addMemory(seq: number, memory: Memory): void {
    this.memoriesTo = seq;
    if (memory.status !== 'active') return;
    this.index.addMemory(memory);
    this.memories.set(memory.id, seq);
    if (memory.validTo !== null) this.#ends.set(memory.id, memory.validTo);
  }

  removeMemory(id: string): void {
    this.index.removeMemory(id);
    this.memories.delete(id);
    this.#ends.delete(id);
  }

  /** Takes out what is at its end (RC2). */
  removeEnded(nowMs: number): void {
    for (const [id, end] of this.#ends) if (end <= nowMs) this.removeMemory(id);
  }

  /** False when too many wait. */
  enter(question: Question): boolean {
    if (this.waiting.length >= QUESTIONS_WAITING_MAX) return false;
    this.waiting = [...this.waiting, question];
    return true;
  }

  get residentBytes(): number {
    return this.index.bytes + (this.episodes.size + this.memories.size + this.#ends.size) * ENTRY_BYTES;
  }
}
