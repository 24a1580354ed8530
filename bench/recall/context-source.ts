// Context source
//
// Where the contexts come from that are measured: whatever takes the turns of a conversation and answers tasks.

import { assembleContext } from '../../src/actors/subject/context-assembly.js';
import { candidatesFor, rankSubject } from '../../src/actors/subject/ranking.js';
import type { Episode } from '../../src/actors/subject/records.js';
import { SubjectIndex } from '../../src/actors/subject/subject-index.js';
import { embeddedText, utterancesOf } from '../../src/actors/subject/utterances.js';
import { WEIGHTS, type Weights } from '../../src/actors/subject/weights.js';
import type { Conversation, Question } from './conversation.js';

export interface ContextSource {
  readonly name: string;
  open(conversation: Conversation): Promise<OpenSource>;
}

export interface OpenSource {
  /** One for each bound, in their order. */
  contexts(question: Question, bounds: readonly number[]): Promise<readonly string[]>;
}

/** Vectors of texts, each made once. */
export interface Vectors {
  vectorsOf(texts: readonly string[]): Promise<readonly Float32Array[]>;
}

const DAY_MS = 86_400_000;

/** A turn as an episode of its own, told in its session by its speaker. */
export function episodesOf({ id, turns }: Conversation): readonly Episode[] {
  return turns.map(({ session, at, speaker, text }, place) => ({
    // Ids grow, as those that a server gives do.
    id: `00000000-0000-7000-8000-${String(place).padStart(12, '0')}`,
    subjectId: id,
    source: 'chat',
    type: 'message',
    payload: { messages: [{ role: 'user', name: speaker, content: text }] },
    metadata: {},
    provenance: {},
    sessionId: session,
    createdAt: at,
    occurredAt: at,
  }));
}

/** The ranking and the packing of the server, in this process. */
export function inProcess(name: string, weights: Weights = WEIGHTS, vectors: Vectors | null = null): ContextSource {
  return {
    name,
    async open(conversation) {
      const index = new SubjectIndex();
      const episodes = episodesOf(conversation);
      for (const episode of episodes) index.addEpisode(episode);
      if (vectors !== null) {
        const utterances = episodes.flatMap(utterancesOf);
        const made = await vectors.vectorsOf(utterances.map(embeddedText));
        for (const [place, { itemId }] of utterances.entries()) index.setVector(itemId, made[place]!);
      }
      const nowMs = Math.max(...conversation.turns.map(({ at }) => at)) + DAY_MS;
      return {
        async contexts({ question: task }, bounds) {
          const queryVector = vectors === null ? null : (await vectors.vectorsOf([task]))[0]!;
          const limit = candidatesFor(Math.max(...bounds));
          const ranking = rankSubject(index, {
            task,
            nowMs,
            sessionId: null,
            queryVector,
            limit,
            resolutions: new Map(),
            weights,
          });
          return bounds.map((maxTokens) => {
            return assembleContext(ranking, { task, maxTokens, sessionId: null }).assembledContext;
          });
        },
      };
    },
  };
}
