// What an episode gives beside facts: sentences, summaries, procedures, references; and what is nearly the same.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { artifactsOf } from '../../../../src/actors/subject/compiler/artifacts.js';
import { clipped } from '../../../../src/actors/subject/compiler/draft.js';
import { expiryOf, isExpired, withExpiry } from '../../../../src/actors/subject/compiler/expiry.js';
import { compileHeuristically, draftsOf } from '../../../../src/actors/subject/compiler/heuristic.js';
import { jaccard, NearDuplicates, termsOf } from '../../../../src/actors/subject/compiler/near-duplicates.js';
import { proceduresOf } from '../../../../src/actors/subject/compiler/procedures.js';
import { SENTENCE_CHARS_MAX, sentencesIn, sentencesOf } from '../../../../src/actors/subject/compiler/sentences.js';
import { DETAILS_MAX } from '../../../../src/actors/subject/compiler/summaries.js';
import type { Episode, Memory } from '../../../../src/actors/subject/records.js';
import { DAY_MS, episode, ids, START, said } from './episodes.js';

const refs = (text: string): readonly string[] =>
  [...sentencesOf(text)].flatMap((one) => [...artifactsOf(one)].map(({ type, ref }) => `${type} ${ref}`));
const steps = (text: string): readonly (readonly string[])[] =>
  [...proceduresOf(text, sentencesIn(text))].map((one) => [one.title, ...one.steps]);

describe('sentences', () => {
  test('end where sentences end, and not at abbreviations, numbers and initials', () => {
    const cut = [
      ...sentencesOf('Dr. Smith of J. Weber paid 3.50 at 9 a.m. today! "Really?" Yes...\nsee example.com. 好的。再见'),
    ].map(({ text }) => text);
    assert.deepEqual(cut, [
      'Dr. Smith of J. Weber paid 3.50 at 9 a.m.',
      'today!',
      '"Really?"',
      'Yes...',
      'see example.com.',
      '好的。',
      '再见',
    ]);
  });

  test('never pass their bound, lose no letter, and have words in their places (T1, T2)', () => {
    const unit = fc.constantFrom(
      'a',
      'I',
      ' ',
      '.',
      '?',
      '"',
      "'s",
      '\n',
      '```',
      '>',
      '-',
      '(',
      '我',
      '😀',
      '\ud83d',
      'x'.repeat(300),
    );
    fc.assert(
      fc.property(
        fc.array(unit, { maxLength: 200 }).map((parts) => parts.join('')),
        (text) => {
          let letters = '';
          for (const sentence of sentencesOf(text)) {
            assert.ok(sentence.text.length <= SENTENCE_CHARS_MAX);
            let last = 0;
            for (const { start, end, text: word } of sentence.words) {
              assert.ok(start >= 0 && start < end && end <= sentence.text.length && end >= last);
              assert.equal(sentence.text.slice(start, end), word);
              last = end;
            }
            letters += sentence.text;
          }
          const bare = (value: string): string => value.replace(/[^aIx我😀]/gu, '');
          const unfenced = text.split('\n').filter((line) => !line.startsWith('```'));
          assert.equal(bare(letters), bare(unfenced.join('\n')));
        },
      ),
    );
  });
});

describe('references', () => {
  const table: readonly (readonly [string, ...string[]])[] = [
    ['See https://example.com/a?b=1#c.', 'url https://example.com/a?b=1#c'],
    ['[docs](https://example.com/d) and www.example.org/x', 'url https://example.com/d', 'url www.example.org/x'],
    ['PROJ-123 blocks OPS-9', 'ticket PROJ-123', 'ticket OPS-9'],
    ['Ticket #4411 and case number 99213', 'ticket #4411', 'ticket 99213'],
    ['INC0012345 is open; order 100-2003', 'ticket INC0012345', 'ticket 100-2003'],
    ['the file src/app/main.py and report.pdf', 'file src/app/main.py', 'file report.pdf'],
    ['UTF-8, COVID-19, SHA-256 and GPT-4 with Node.js 20'],
    ['https:// and www. and http://. '],
    ['mail me at a@b.com, 3.14, v1.2.3, e.g. that'],
    ['order of magnitude, case by case, issue 5'],
  ];
  for (const [text, ...found] of table) test(`are found in "${text}"`, () => assert.deepEqual(refs(text), found));
});

describe('procedures', () => {
  test('are found in numbered lines, with the line before as their title', () => {
    assert.deepEqual(
      steps('Hi!\n\nTo reset the router:\n1. Hold the button\n2) Wait\n   until it blinks\n3. Reconnect\nDone.'),
      [['To reset the router', 'Hold the button', 'Wait', 'Reconnect']],
    );
    assert.deepEqual(steps('Step 1: open it\nStep 2: close it'), [['open it', 'open it', 'close it']]);
    assert.deepEqual(steps('1. a\n2. b\n1. c\n2. d').length, 2);
  });

  test('are found in bullets below a line that announces steps, and in no others', () => {
    assert.deepEqual(steps('Steps to deploy:\n- build\n- push'), [['Steps to deploy', 'build', 'push']]);
    assert.deepEqual(steps('I bought:\n- milk\n- eggs'), []);
  });

  test('are found in sentences that follow each other', () => {
    const text = 'Here is how we release. First, tag the commit. Then push the tag. Finally, announce it.';
    assert.deepEqual(steps(text), [
      ['Here is how we release', 'tag the commit', 'push the tag', 'announce it.'.replace('.', '')],
    ]);
    assert.deepEqual(steps('First, open the panel, then press reset, then wait.')[0]!.slice(1), [
      'open the panel',
      'press reset',
      'wait',
    ]);
  });

  test('are not found where there is one step, a year, or a story', () => {
    for (const text of [
      '1. only one',
      '2019. A year.\n2020. Another.',
      'My first day was fine. Then it rained.',
      '3. late\n4. later',
      '',
    ]) {
      assert.deepEqual(steps(text), [], text);
    }
  });

  const run = (id: string, days: number, names: readonly string[], status = 'success'): Episode =>
    episode(
      id,
      { steps: names.map((tool, at) => ({ tool, status: at === 0 ? status : 'success' })) },
      { createdAt: START + days * DAY_MS },
    );

  test('are actions that ended well together more than once, also in different compiles', () => {
    const actions = ['migrate', 'deploy', 'smoke-test'];
    const context = { nowMs: START, newId: ids() };
    const once = compileHeuristically([run('e1', 0, actions), run('e2', 1, actions, 'failed')], [], context).created;
    assert.deepEqual(
      once.filter(({ kind }) => kind === 'procedure'),
      [],
    );
    const active = once.filter(({ status }) => status === 'active');
    const twice = compileHeuristically([run('e3', 2, actions)], active, context);
    const procedure = twice.created.find(({ kind }) => kind === 'procedure')!;
    assert.match(procedure.content, /1\. migrate\n2\. deploy\n3\. smoke-test/);
    assert.deepEqual([procedure.sourceEpisodeIds, procedure.metadata.times], [['e1', 'e3'], 2]);
    const calls = ['read_file', 'apply_patch'].map((name) => ({
      role: 'assistant',
      content: null,
      tool_calls: [{ function: { name, arguments: '{}' } }],
    }));
    const traced = ['t1', 't2'].map((id) => episode(id, { messages: calls }));
    assert.equal(
      compileHeuristically(traced, [], context).created.filter(({ kind }) => kind === 'procedure').length,
      1,
    );
  });
});

describe('summaries', () => {
  const summary = (text: string): Memory['content'] => draftsOf(said('e1', text))[0]!.content;

  test('are what was said where that is short, with its days told', () => {
    assert.equal(summary('I saw Ben yesterday. We ate.'), 'User: I saw Ben yesterday (7 May 2023). We ate.');
  });

  test('keep the names, numbers and dates of what they leave out', () => {
    const lines = Array.from(
      { length: DETAILS_MAX / 2 },
      (_, at) => `We then met Person${at} Weber and talked for a good long while about ${4_000 + at} things.`,
    );
    const told = summary(lines.join('\n'));
    for (let at = 0; at < DETAILS_MAX / 2; at++) {
      assert.ok(told.includes(`Person${at} Weber`) && told.includes(String(4_000 + at)), `${at} in ${told}`);
    }
    assert.ok(told.length < lines.join('\n').length / 1.5);
  });

  test('tell an episode that says nothing by its data', () => {
    const [draft] = draftsOf(
      episode('e1', { order: { id: 77, state: 'paid' } }, { type: 'order.paid', source: 'shop' }),
    );
    assert.equal(draft!.content, 'order.paid from shop. order.id: 77, order.state: paid');
  });

  test('are clipped between words, and never within a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 2, max: 40 }), (text, max) => {
        const short = clipped(text, max);
        assert.ok(short.length <= max && short.isWellFormed());
        assert.ok(text.startsWith(short.replace(/…$/, '')));
      }),
    );
  });
});

describe('near duplicates', () => {
  test('are those that comparing all pairs finds (N1)', () => {
    const word = fc.constantFrom('a', 'bb', 'ccc', 'dddd', 'eeeee', 'ffffff', 'g1', 'h2', '我在北', '京工作');
    const texts = fc.array(
      fc.array(word, { minLength: 1, maxLength: 8 }).map((words) => words.join(' ')),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(texts, fc.constantFrom(0.6, 0.8), (rows, threshold) => {
        const near = new NearDuplicates<number>(threshold);
        for (const [at, text] of rows.entries()) {
          const set = termsOf(text);
          const naive = rows.slice(0, at).flatMap((other, place) => {
            const known = termsOf(other);
            return place % 3 !== 2 && known.numbers === set.numbers && jaccard(known, set) >= threshold ? [place] : [];
          });
          assert.deepEqual(near.find(set), naive);
          near.add(at, set);
          if (at % 3 === 2) near.remove(at);
        }
      }),
    );
  });
});

describe('expiry', () => {
  const memory = compileHeuristically([said('e1', 'I live in Rome.')], [], { nowMs: START, newId: ids() }).created[0]!;

  test('is counted from the writing, by kind', () => {
    assert.equal(expiryOf('episode_summary', START, { episode_summary: 2 }), START + 2 * DAY_MS);
    assert.equal(expiryOf('procedure', START, { episode_summary: 2 }), null);
    assert.equal(withExpiry(memory, START, {}), memory);
    assert.equal(withExpiry(memory, START, { episode_summary: 1 }).validTo, START + DAY_MS);
  });

  test('takes nothing from an earlier end, and is at its instant', () => {
    const ended = { ...memory, validTo: START + 5 };
    assert.equal(withExpiry(ended, START, { episode_summary: 1 }), ended);
    assert.deepEqual(
      [isExpired(memory, START), isExpired(ended, START + 4), isExpired(ended, START + 5)],
      [false, false, true],
    );
  });
});
