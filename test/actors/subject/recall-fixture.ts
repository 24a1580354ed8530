// Episodes, memories and texts of many scripts, for the tests of recall.

import fc from 'fast-check';
import { type RankingQuestion, rankSubject } from '../../../src/actors/subject/ranking.js';
import type { Episode, JsonObject, Memory } from '../../../src/actors/subject/records.js';
import { SubjectIndex } from '../../../src/actors/subject/subject-index.js';

export const DAY_MS = 86_400_000;
export const NOW = Date.UTC(2026, 4, 20, 12);

let nextId = 0;

export function anEpisode(payload: JsonObject, others: Partial<Episode> = {}): Episode {
  return {
    id: `episode-${String(nextId++).padStart(6, '0')}`,
    subjectId: 'subject',
    source: 'chat',
    type: 'message',
    payload,
    metadata: {},
    provenance: {},
    sessionId: null,
    createdAt: NOW - DAY_MS,
    occurredAt: null,
    ...others,
  };
}

/** One episode with one message. */
export function said(speaker: string, text: string, others: Partial<Episode> = {}): Episode {
  return anEpisode({ messages: [{ role: 'user', name: speaker, content: text }] }, others);
}

export function aMemory(content: string, others: Partial<Memory> = {}): Memory {
  return {
    id: `memory-${String(nextId++).padStart(6, '0')}`,
    subjectId: 'subject',
    kind: 'profile_fact',
    content,
    summary: content,
    confidence: 0.8,
    validFrom: NOW - DAY_MS,
    validTo: null,
    sourceEpisodeIds: [],
    metadata: {},
    status: 'active',
    sensitivityLabels: [],
    createdAt: NOW - DAY_MS,
    updatedAt: NOW - DAY_MS,
    ...others,
  };
}

export function indexOf(episodes: readonly Episode[], memories: readonly Memory[] = []): SubjectIndex {
  const index = new SubjectIndex();
  for (const episode of episodes) index.addEpisode(episode);
  for (const memory of memories) index.addMemory(memory);
  return index;
}

export function asking(task: string, others: Partial<RankingQuestion> = {}): RankingQuestion {
  return { task, nowMs: NOW, sessionId: null, queryVector: null, resolutions: new Map(), ...others };
}

/** The texts of an index in the order of their ranks. */
export function ranked(index: SubjectIndex, task: string, others: Partial<RankingQuestion> = {}): string[] {
  return rankSubject(index, asking(task, others)).items.map(({ item }) => index.text(item));
}

const WORDS: readonly string[] = [
  ...'The printer on floor two stopped working after the update yesterday, café naïve Zürich'.split(' '),
  ...'我昨天在北京买了一台新的打印机 東京タワーに行きました 안녕하세요 세계'.split(' '),
  ...'الطابعة لا تعمل منذ أمس مرحبا بالعالم'.split(' '),
  ...'Принтер не работает со вчерашнего дня спасибо большое'.split(' '),
  ...'😀 🎉🎉 👩‍👩‍👧‍👦 🇩🇪 ❤️'.split(' '),
  ...'const x=foo(bar[0])=>{ return a?.b ?? "c"; } </div> /usr/local/bin --flag=1 0xDEADBEEF snake_case camelCase'.split(
    ' ',
  ),
  ...'\n \t \n\n \r\n <|endoftext|> ## Task ### --- ...'.split(' '),
];

/** Words of six scripts and code, with the separators that tokenizers trip over. */
export const mixedText: fc.Arbitrary<string> = fc
  .array(
    fc.tuple(
      fc.oneof(
        { weight: 20, arbitrary: fc.constantFrom(...WORDS) },
        { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
      ),
      fc.constantFrom(' ', ' ', ' ', '\n', '', '  ', '.\n\n', '\u3000'),
    ),
    { minLength: 1, maxLength: 25 },
  )
  .map((pieces) => pieces.flat().join(''));
