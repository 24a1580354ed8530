import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { countTokens as countExactly } from 'gpt-tokenizer/encoding/cl100k_base';
import { type AssembledContext, assembleContext } from '../../../src/actors/subject/context-assembly.js';
import { candidatesFor, rankSubject } from '../../../src/actors/subject/ranking.js';
import type { SubjectIndex } from '../../../src/actors/subject/subject-index.js';
import { countTokens } from '../../../src/actors/subject/token-count.js';
import { aMemory, anEpisode, asking, DAY_MS, indexOf, mixedText, NOW, said } from './recall-fixture.js';

const exactly = (text: string): number => countExactly(text, { disallowedSpecial: new Set() });

function contextOf(
  index: SubjectIndex,
  task: string,
  maxTokens: number,
  sessionId: string | null = null,
): AssembledContext {
  const ranking = rankSubject(index, asking(task, { sessionId, limit: candidatesFor(maxTokens) }));
  return assembleContext(ranking, { task, maxTokens, sessionId });
}

const KINDS = ['profile_fact', 'procedure', 'episode_summary', 'artifact_ref'] as const;

describe('an assembled context', () => {
  test('is never over its budget, in 10,000 cases of six scripts, and says how many tokens it has (CA1)', () => {
    const corpus = fc.array(
      fc.record({
        text: mixedText,
        speaker: fc.constantFrom('Ada', ' ', '李雷', 'user\n'),
        session: fc.constantFrom(null, 's1', '  s\n2 '),
        kind: fc.constantFrom('episode', 'episode', 'episode', ...KINDS),
        day: fc.nat(2),
      }),
      { minLength: 1, maxLength: 8 },
    );
    const budgets = fc.array(fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 600 })), {
      minLength: 20,
      maxLength: 20,
    });
    const check = (task: string, maxTokens: number, sessionId: string | null, index: SubjectIndex): void => {
      const { assembledContext, tokenEstimate } = contextOf(index, task, maxTokens, sessionId);
      const tokens = exactly(assembledContext);
      assert.ok(tokens <= maxTokens, `${tokens} tokens of ${maxTokens}`);
      assert.equal(tokenEstimate, tokens);
    };
    fc.assert(
      fc.property(corpus, mixedText, budgets, fc.constantFrom(null, 's1'), (told, task, limits, sessionId) => {
        const at = (day: number): number => NOW - day * DAY_MS;
        const episodes = told.filter(({ kind }) => kind === 'episode');
        const memories = told.flatMap(({ kind, text, day }) => {
          return kind === 'episode' ? [] : [aMemory(text, { kind, validFrom: at(day) })];
        });
        const index = indexOf(
          episodes.map(({ speaker, text, session, day }) => {
            return said(speaker, text, { sessionId: session, occurredAt: at(day) });
          }),
          memories,
        );
        for (const limit of limits) check(task, limit, sessionId, index);
      }),
      { numRuns: 500 },
    );
  });

  test('has its sections in order, its lines under their days, and the current session first (CA2)', () => {
    const index = indexOf(
      [
        said('Ada', 'The printer jams', { sessionId: 'old', occurredAt: Date.UTC(2026, 4, 1), id: 'e1' }),
        said('Bo', 'Did you open the printer?', { sessionId: 'old', occurredAt: Date.UTC(2026, 4, 1, 1), id: 'e2' }),
        said('Ada', 'The printer jams again', { sessionId: 'new', occurredAt: Date.UTC(2026, 4, 20), id: 'e3' }),
      ],
      [
        aMemory('Has a printer', { id: 'f' }),
        aMemory('Printer: open, clean, close', { id: 'p', kind: 'procedure' }),
        aMemory('Printer trouble', { id: 's', kind: 'episode_summary', validFrom: Date.UTC(2026, 4, 1) }),
      ],
    );
    const context = contextOf(index, 'Fix the printer', 400, 'new');
    const expected = [
      '## Task',
      'Fix the printer',
      '## About this user',
      '- Has a printer',
      '## Procedures',
      '- Printer: open, clean, close',
      '## Recent history',
      '- Fri 2026-05-01: Printer trouble',
      '## Recent interactions',
      '### Current session (new)',
      'Wed 2026-05-20',
      'Ada: The printer jams again',
      '### Previous interactions',
      'Fri 2026-05-01',
      'Ada: The printer jams',
      'Bo: Did you open the printer?',
      '',
    ];
    assert.equal(context.assembledContext, expected.join('\n'));
    assert.deepEqual(context.factIds, ['f']);
    assert.deepEqual(context.procedureIds, ['p']);
    assert.deepEqual(context.summaryIds, ['s']);
    assert.deepEqual(context.episodeIds, ['e3', 'e1', 'e2']);
    assert.deepEqual(context.sessions, [
      { sessionId: 'old', episodeCount: 2, firstAt: Date.UTC(2026, 4, 1), lastAt: Date.UTC(2026, 4, 1, 1) },
      { sessionId: 'new', episodeCount: 1, firstAt: Date.UTC(2026, 4, 20), lastAt: Date.UTC(2026, 4, 20) },
    ]);
  });

  test('is the same bytes each time, whatever the order in which things came (CA3)', () => {
    fc.assert(
      fc.property(fc.array(mixedText, { minLength: 1, maxLength: 10 }), mixedText, (texts, task) => {
        const episodes = texts.map((text, at) => said('Ada', text, { sessionId: `s${at % 2}` }));
        const context = contextOf(indexOf(episodes), task, 300);
        assert.deepEqual(contextOf(indexOf(episodes.toReversed()), task, 300), context);
      }),
      { numRuns: 200 },
    );
  });

  test('has a line once, and no summary of words that are there or hardly longer (CA4)', () => {
    const long = anEpisode({
      text: 'The printer jams whenever somebody prints on both sides of thick paper from tray two',
    });
    const short = anEpisode({ text: 'Toner is low' });
    const index = indexOf(
      [long, short, said('Ada', 'Printer?', { sessionId: 'a' }), said('Ada', 'Printer?', { sessionId: 'a' })],
      [
        aMemory('Toner low', { kind: 'episode_summary', sourceEpisodeIds: [short.id] }),
        aMemory('Printer jams', { kind: 'episode_summary', sourceEpisodeIds: [long.id] }),
      ],
    );
    const { assembledContext } = contextOf(index, 'printer toner paper tray', 400);
    assert.equal(assembledContext.split('Ada: Printer?').length, 2);
    assert.ok(!assembledContext.includes('Toner low') && assembledContext.includes('Toner is low'));
    assert.ok(!assembledContext.includes('- Printer jams') && assembledContext.includes('thick paper'));
  });

  test('leaves room for what was said, however many facts there are, and gives them what nobody else wants', () => {
    const facts = Array.from({ length: 80 }, (_, at) => aMemory(`Likes printer number ${at} very much`));
    const alone = contextOf(indexOf([], facts), 'printer', 500);
    assert.ok(alone.tokenEstimate > 400);
    const turns = Array.from({ length: 80 }, (_, at) =>
      said('Ada', `My printer number ${at} jams`, { sessionId: 's' }),
    );
    const { episodeIds, factIds } = contextOf(indexOf(turns, facts), 'printer', 500);
    assert.ok(episodeIds.length > 10 && factIds.length >= 4, `${episodeIds.length} episodes, ${factIds.length} facts`);
  });

  test('without room for anything is empty, and passes over what is too long for what is not', () => {
    const index = indexOf([said('Ada', `printer ${'x '.repeat(100_000)}`), said('Ada', 'my printer')]);
    assert.deepEqual(contextOf(index, 'printer', 1).assembledContext, '');
    assert.ok(contextOf(index, 'printer', 60).assembledContext.endsWith('Ada: my printer\n'));
    assert.equal(contextOf(indexOf([]), 'printer', 60).assembledContext, '## Task\nprinter\n');
    assert.equal(contextOf(index, 'printer '.repeat(5_000), 60).assembledContext.includes('## Task'), false);
  });
});

test('a count is exact, and at least the truth for runs that would cost too much (TC1)', () => {
  fc.assert(
    fc.property(mixedText, (text) => {
      assert.equal(countTokens(text), exactly(text));
    }),
    { numRuns: 500 },
  );
  for (const run of ['a', '字', '-', ' ', '\n', '\ud800', 'é', '😀']) {
    const text = `before ${run.repeat(600)} after`;
    assert.ok(countTokens(text) >= exactly(text), run);
  }
  assert.equal(countTokens('<|endoftext|>'), exactly('<|endoftext|>'));
});
