import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { rankSubject, SIGNALS } from '../../../src/actors/subject/ranking.js';
import { termsOf } from '../../../src/actors/subject/terms.js';
import { WEIGHTS } from '../../../src/actors/subject/weights.js';
import { aMemory, anEpisode, asking, DAY_MS, indexOf, mixedText, NOW, ranked, said } from './recall-fixture.js';

/** Words alone: what is left is BM25 as in the books. */
const PLAIN = {
  ...WEIGHTS,
  rarityPower: 1,
  nameTerm: 1,
  namedSpeaker: 0,
  standIn: 0,
  before: 0,
  beforeAsking: 0,
  secondBefore: 0,
  thirdBefore: 0,
  next: 0,
};

/** Straight from the formula. */
function naiveScores(texts: readonly string[], task: string): number[] {
  const documents = texts.map(termsOf);
  const mean = Math.max(1, documents.reduce((sum, terms) => sum + terms.length, 0) / documents.length);
  const { saturation: k, lengthShare: b } = WEIGHTS;
  const scores = documents.map((terms) => {
    let score = 0;
    for (const asked of new Set(termsOf(task))) {
      const times = terms.filter((term) => term === asked).length;
      const holders = documents.filter((other) => other.includes(asked)).length;
      if (times === 0) continue;
      const rarity = Math.log(1 + (documents.length - holders + 0.5) / (holders + 0.5));
      score += (rarity * times * (k + 1)) / (times + k * (1 - b + (b * terms.length) / mean));
    }
    return score;
  });
  const best = Math.max(...scores);
  return scores.map((score) => (best > 0 ? score / best : 0));
}

describe('ranking', () => {
  test('by words alone is BM25', () => {
    fc.assert(
      fc.property(fc.array(mixedText, { minLength: 1, maxLength: 10 }), mixedText, (told, task) => {
        const texts = told.filter((text) => text.trim() !== '');
        fc.pre(texts.length > 0 && !termsOf(task).includes('type'));
        const index = indexOf(texts.map((text) => anEpisode({ text })));
        const { items } = rankSubject(index, asking(task, { weights: PLAIN }));
        const naive = new Map(naiveScores(texts, task).map((score, at) => [texts[at]!, score]));
        for (const item of items) {
          const expected = naive.get(index.text(item.item))!;
          assert.ok(Math.abs(item.parts.lexical - expected) < 1e-9, `${item.parts.lexical} for ${expected}`);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('gives each item the sum of its signals, and the best of a limit are the best of all', () => {
    fc.assert(
      fc.property(fc.array(mixedText, { minLength: 1, maxLength: 20 }), mixedText, fc.nat(12), (texts, task, limit) => {
        const index = indexOf(texts.map((text, at) => said('Ada', text, { sessionId: `s${at % 3}` })));
        const { items } = rankSubject(index, asking(task, { sessionId: 's1' }));
        for (const { score, signals } of items) {
          const sum = SIGNALS.reduce((total, signal) => total + signals[signal], 0);
          assert.equal(sum, score);
        }
        const best = rankSubject(index, asking(task, { sessionId: 's1', limit })).items;
        assert.deepEqual(
          best.map(({ itemId }) => itemId),
          items.slice(0, limit).map(({ itemId }) => itemId),
        );
      }),
      { numRuns: 200 },
    );
  });

  test('finds the answer behind the question that was asked before it', () => {
    const turns = [
      'What do you do to relax?',
      'Mostly pottery, on Sundays',
      'How is the car?',
      'Broken again',
      'Oh no',
    ];
    const index = indexOf(
      turns.map((text, at) => said(at % 2 === 0 ? 'Ada' : 'Bo', text, { sessionId: 's', createdAt: at })),
    );
    const order = ranked(index, 'How does Bo relax?');
    assert.deepEqual(order.slice(0, 2).toSorted(), ['Mostly pottery, on Sundays', 'What do you do to relax?']);
  });

  test('does not take the neighbour of another session for one', () => {
    const index = indexOf([
      said('Ada', 'What do you do to relax?', { sessionId: 'a', createdAt: 1 }),
      said('Bo', 'Mostly pottery', { sessionId: 'b', createdAt: 2 }),
    ]);
    const [, other] = rankSubject(index, asking('relax')).items;
    assert.equal(other!.parts.lexical, 0);
  });

  test('prefers who is named, the day that is named, and words of time when the task asks when', () => {
    const speakers = indexOf([said('Ada', 'I bought a lamp'), said('Bo', 'I bought a lamp')]);
    assert.equal(rankSubject(speakers, asking('What did Bo buy?')).items[0]!.itemId.includes('episode'), true);
    const [first] = rankSubject(speakers, asking('What did Bo buy?')).items;
    assert.equal(speakers.speakers[speakers.speakerNumber(first!.item)], 'Bo');

    const days = indexOf(
      ['2026-03-03', '2026-04-03', '2026-02-01'].map((day) => {
        return said('Ada', `I bought a lamp ${day.slice(5, 7)}`, { occurredAt: Date.parse(day) });
      }),
    );
    assert.equal(ranked(days, 'What did Ada buy on March 3, 2026?')[0], 'I bought a lamp 03');
    assert.equal(ranked(days, 'What did Ada buy in February?')[0], 'I bought a lamp 02');

    const times = indexOf([said('Ada', 'The lamp came from a shop'), said('Ada', 'The lamp came here yesterday')]);
    assert.equal(ranked(times, 'When did the lamp come?')[0], 'The lamp came here yesterday');
  });

  test('takes an everyday word for another when the task asks with it, at a discount', () => {
    const index = indexOf([said('Ada', 'My dog sleeps a lot'), said('Ada', 'The bus was late')]);
    assert.equal(ranked(index, 'pets')[0], 'My dog sleeps a lot');
    const both = indexOf([said('Ada', 'My dog sleeps a lot'), said('Ada', 'My pet sleeps a lot')]);
    assert.equal(ranked(both, 'pets')[0], 'My pet sleeps a lot');
  });

  test('by vectors finds what shares no word, and leaves out vectors that are not comparable', () => {
    const episodes = [said('Ada', 'completely other words'), said('Ada', 'nothing in common')];
    const index = indexOf(episodes);
    index.setVector(`${episodes[0]!.id}#0`, Float32Array.of(0.1, 1, 0));
    index.setVector(`${episodes[1]!.id}#0`, Float32Array.of(1, 0.1, 0));
    const queryVector = Float32Array.of(2, 0, 0);
    assert.equal(ranked(index, 'unrelated', { queryVector })[0], 'nothing in common');
    assert.equal(ranked(index, 'other', { queryVector, vectorsOnly: true })[0], 'nothing in common');
    for (const useless of [Float32Array.of(1, 0), Float32Array.of(0, 0, 0), Float32Array.of(Number.NaN, 1, 1)]) {
      const [best] = rankSubject(index, asking('other', { queryVector: useless })).items;
      assert.equal(best!.parts.cosine, null);
      assert.equal(index.text(best!.item), 'completely other words');
    }
  });

  test('knows what a session is: current, resolved, open, or of the same issue (RA1)', () => {
    const index = indexOf(
      ['now', 'done', 'open', 'none'].map((id) => said('Ada', 'The printer jams', { sessionId: id, createdAt: 1 })),
    );
    const question = asking('printer', {
      sessionId: 'now',
      resolutions: new Map([
        ['done', 'resolved'],
        ['open', 'open'],
      ] as const),
    });
    const signals = new Map(rankSubject(index, question).items.map((item) => [item.sessionId, item.signals]));
    assert.equal(signals.get('now')!.current_session, WEIGHTS.currentSession);
    assert.equal(signals.get('done')!.resolved_session, WEIGHTS.resolvedSession);
    assert.equal(signals.get('open')!.open_issue, WEIGHTS.openIssue);
    assert.equal(signals.get('done')!.repeat_issue, WEIGHTS.repeatIssue);
    assert.equal(signals.get('none')!.repeat_issue, 0);
    assert.deepEqual([...signals.keys()].slice(0, 2), ['now', 'open']);
  });

  test('leaves out a memory at the instant at which it ends, and holds back one that is not valid yet (RA2)', () => {
    const ending = aMemory('tea until now', { validTo: NOW });
    const coming = aMemory('tea from tomorrow', { validFrom: NOW + DAY_MS });
    const index = indexOf([], [ending, coming, aMemory('tea today and always')]);
    assert.deepEqual(ranked(index, 'tea'), ['tea today and always', 'tea from tomorrow']);
    assert.deepEqual(ranked(index, 'tea', { nowMs: NOW - 1 }).length, 3);
    assert.deepEqual(ranked(index, 'tea', { kinds: new Set(['procedure']) }), []);
  });

  test('puts the newest first when nothing else tells items apart', () => {
    const index = indexOf(
      ['old', 'newer', 'newest'].map((word, at) => said('Ada', `${word} lamp`, { createdAt: NOW + at - 9 })),
    );
    assert.deepEqual(ranked(index, 'completely unrelated'), ['newest lamp', 'newer lamp', 'old lamp']);
  });
});
