import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { rankSubject } from '../../../src/actors/subject/ranking.js';
import type { Episode, Memory } from '../../../src/actors/subject/records.js';
import { SubjectIndex } from '../../../src/actors/subject/subject-index.js';
import { utterancesOf } from '../../../src/actors/subject/utterances.js';
import { aMemory, anEpisode, asking, DAY_MS, indexOf, mixedText, NOW, ranked, said } from './recall-fixture.js';

/** Everything that a task is answered with. */
function answers(index: SubjectIndex, task: string, queryVector: Float32Array | null = null): unknown {
  const { items } = rankSubject(index, asking(task, { queryVector, sessionId: 's1' }));
  return items.map(({ itemId, score, signals, sessionId, kind }) => ({ itemId, score, signals, sessionId, kind }));
}

const vectorOf = (text: string): Float32Array =>
  Float32Array.from({ length: 8 }, (_, at) => ((text.charCodeAt(at % Math.max(1, text.length)) || 1) % 17) - 8);

interface Told {
  readonly episodes: readonly Episode[];
  readonly memories: readonly Memory[];
}

const told: fc.Arbitrary<Told> = fc
  .record({
    texts: fc.array(
      fc.record({
        text: mixedText,
        session: fc.constantFrom(null, 's1', 's2'),
        day: fc.nat(3),
        speaker: fc.constantFrom('Ada', 'Bo Li'),
      }),
      { minLength: 1, maxLength: 12 },
    ),
    facts: fc.array(mixedText, { maxLength: 6 }),
  })
  .map(({ texts, facts }) => ({
    episodes: texts.map(({ text, session, day, speaker }) =>
      said(speaker, text, { sessionId: session, occurredAt: NOW - day * DAY_MS }),
    ),
    memories: facts.map((text) => aMemory(text)),
  }));

describe('the index of a subject', () => {
  test('answers by what it holds, not by the order in which that came, or what came and went (SI1, SI2)', () => {
    fc.assert(
      fc.property(told, fc.integer(), fc.array(mixedText, { maxLength: 5 }), ({ episodes, memories }, seed, gone) => {
        const straight = indexOf(episodes, memories);
        const mixed = new SubjectIndex();
        const leaving = gone.map((text) => aMemory(text));
        const steps = [
          ...episodes.map((episode) => () => mixed.addEpisode(episode)),
          ...episodes.slice(0, 2).map((episode) => () => mixed.addEpisode(episode)),
          ...memories.map((memory) => () => mixed.addMemory(memory)),
          ...memories.slice(0, 2).map((memory) => () => mixed.addMemory(memory)),
          ...leaving.map((memory) => () => mixed.addMemory(memory)),
          () => void mixed.order,
        ];
        shuffled(steps, seed).forEach((step) => {
          step();
        });
        for (const { id } of leaving) assert.equal(mixed.removeMemory(id), true);
        const task = `Ada ${episodes[0]!.payload.text ?? ''} the printer yesterday 北京`;
        assert.deepEqual(answers(mixed, task), answers(straight, task));
        for (const index of [straight, mixed]) {
          for (const { itemId, text } of episodes.flatMap(utterancesOf)) index.setVector(itemId, vectorOf(text));
        }
        assert.deepEqual(answers(mixed, task, vectorOf(task)), answers(straight, task, vectorOf(task)));
      }),
      { numRuns: 300 },
    );
  });

  test('finds a memory until it is removed, superseded or tombstoned', () => {
    const memory = aMemory('Prefers tea');
    const index = indexOf([], [memory]);
    assert.deepEqual(ranked(index, 'tea'), ['Prefers tea']);
    index.addMemory({ ...memory, content: 'Prefers coffee' });
    assert.deepEqual(ranked(index, 'tea'), ['Prefers coffee']);
    index.addMemory({ ...memory, status: 'superseded' });
    assert.deepEqual(ranked(index, 'tea'), []);
    assert.equal(index.removeMemory(memory.id), false);
    assert.equal(index.alive, 0);
  });

  test('takes no more room than before after memories came and went (SI3)', () => {
    const index = indexOf([said('Ada', 'Hello there')]);
    const fill = (): void => {
      const memories = Array.from({ length: 600 }, (_, at) => aMemory(`Fact ${at} of many words that are all kept`));
      for (const memory of memories) index.addMemory(memory);
      for (const { id } of memories) index.removeMemory(id);
      void index.order;
    };
    for (let round = 0; round < 10; round++) fill();
    const settled = index.bytes;
    for (let round = 0; round < 20; round++) fill();
    assert.ok(index.bytes <= settled, `${settled} bytes became ${index.bytes}`);
    assert.deepEqual(ranked(index, 'hello'), ['Hello there']);
  });

  test('knows its room: what it says grows with what it holds, about as the heap does (SI3)', () => {
    const bytesOf = (count: number): number => {
      const index = new SubjectIndex();
      for (let at = 0; at < count; at++)
        index.addEpisode(said('Ada', `Sentence ${at} about printers and updates of them`));
      return index.bytes / count;
    };
    const few = bytesOf(500);
    const many = bytesOf(5_000);
    assert.ok(many < 600 && many > 200, `${many} bytes an utterance`);
    assert.ok(Math.abs(few - many) / many < 0.5, `${few} and ${many} bytes an utterance`);
  });

  test('keeps a vector for an item that it has, of the dimensions of the first, and no other', () => {
    const episode = anEpisode({
      messages: [
        { role: 'user', content: '' },
        { role: 'user', content: 'hello' },
      ],
    });
    const memory = aMemory('a fact');
    const index = indexOf([episode], [memory]);
    assert.equal(index.setVector(`${episode.id}#1`, Float32Array.of(1, 2, 3)), true);
    assert.equal(index.setVector(memory.id, Int8Array.of(1, 2, 3)), true);
    assert.equal(index.setVector(memory.id, Float32Array.of(1, 2)), false);
    assert.equal(index.setVector(memory.id, Float32Array.of(1, Number.NaN, 3)), false);
    for (const unknown of [`${episode.id}#0`, `${episode.id}#2`, episode.id, '#1', 'nobody#0', '']) {
      assert.equal(index.setVector(unknown, Float32Array.of(1, 2, 3)), false, unknown);
    }
    assert.equal(index.hasVector(`${episode.id}#1`), true);
    index.addMemory({ ...memory, content: 'another fact' });
    assert.equal(index.hasVector(memory.id), false, 'the vector of a text goes with the text');
  });

  test('takes any text', () => {
    const texts = ['\ud800', 'a'.repeat(300_000), '字'.repeat(50_000), '\0', '👩‍👩‍👧‍👦', '#', 'ends with a cut \ud83d'];
    const index = indexOf(texts.map((text) => said('\udc00', text)));
    assert.equal(index.alive, texts.length);
    assert.equal(ranked(index, '字字 \ud800 a').length, texts.length);
    assert.equal(ranked(index, '').length, texts.length);
  });
});

function shuffled<T>(values: readonly T[], seed: number): readonly T[] {
  let state = seed >>> 0;
  const keyed = values.map((value) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return { value, key: state };
  });
  return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value);
}
